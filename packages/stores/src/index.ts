export { streamStoreConformance } from './conformance.ts'
export { createMemoryStreamStore, type MemoryStreamOptions } from './memory-stream-store.ts'
export { createRedisStreamStore, type RedisStreamOptions } from './redis-stream-store.ts'
export { type StreamStore, StreamStoreError, type StreamStoreErrorCode, type StreamToken } from './stream-store.ts'
