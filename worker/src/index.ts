export type { Engine, EngineModel, Generated, GenerateRequest } from './engine/engine.ts'
export { type LlamaCppEngine, type LlamaCppOptions, llamaCppEngine } from './engine/llama-cpp.ts'
export { type StubOptions, stubEngine } from './engine/stub.ts'
export { WorkFailure } from './failure.ts'
