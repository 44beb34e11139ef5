import { createMemoryRateLimits } from './memory-rate-limits.ts'
import { rateLimitsConformance } from './rate-limits-conformance.ts'

rateLimitsConformance('memory', (timing) => Promise.resolve(createMemoryRateLimits(timing)))
