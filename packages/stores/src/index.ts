export { streamStoreConformance } from './conformance.ts'
export { createMemoryRateLimits } from './memory-rate-limits.ts'
export { createMemoryStreamStore, type MemoryStreamOptions } from './memory-stream-store.ts'
export {
  type Charge,
  type ChargeOutcome,
  defaultRateTiming,
  type FullLimit,
  type RateLimit,
  type RateLimits,
  RateLimitsError,
  type RateLimitsErrorCode,
  type RateLimitsTiming,
  type SlidingWindow,
  type TokenBucket,
} from './rate-limits.ts'
export { rateLimitsConformance } from './rate-limits-conformance.ts'
export { createRedisRateLimits, type RedisRateLimitsOptions } from './redis-rate-limits.ts'
export { createRedisStreamStore, type RedisStreamOptions } from './redis-stream-store.ts'
export { type StreamStore, StreamStoreError, type StreamStoreErrorCode, type StreamToken } from './stream-store.ts'
