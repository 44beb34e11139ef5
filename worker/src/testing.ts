/** What tests and benches of other folders need of the worker. Kept apart, so that no process loads node:test. */
export { type EngineUnderTest, engineConformance } from './engine/conformance.ts'
export { type FakeOperator, startFakeOperator } from './testing/fake-operator.ts'
export { type FakeServer, startFakeServer } from './testing/fake-server.ts'
