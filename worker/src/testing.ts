/** What tests of other folders need of the worker: the suite that proves an engine. Kept apart, so that no process loads node:test. */
export { type EngineUnderTest, engineConformance } from './engine/conformance.ts'
