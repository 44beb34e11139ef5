/** Where requests are counted, and how it is reached. The settings of Redis are those of the server. */
import { z } from 'zod'

const optional = z.string().min(1).optional()

/** Descriptions are what `--help` prints. */
export const rateLimitSettings = {
  MNEMOS_RATE_LIMIT_STORE: z
    .enum(['memory', 'redis'])
    .default('memory')
    .describe('Where rate limits of policies are counted: memory (each replica by itself) or redis (all together; also Valkey).'),
  MNEMOS_RATE_LIMIT_DEADLINE_MS: z.coerce
    .number()
    .int()
    .min(1)
    .max(2000)
    .default(500)
    .describe('Longest wait for that store, in ms; then each rule does what its onStoreFailure says.'),
  MNEMOS_REDIS_URL: z
    .url({ protocol: /^rediss?$/ })
    .optional()
    .describe('redis://host:6379/0, or rediss:// for TLS; needed with redis. Version 7 or later, maxmemory-policy noeviction.'),
  MNEMOS_REDIS_USERNAME: optional.describe('User of Redis; the default user when absent.'),
  MNEMOS_REDIS_PASSWORD: optional.describe('Password of Redis.'),
  MNEMOS_REDIS_PREFIX: z.string().min(1).max(64).default('mnemos:').describe('Put before every key.'),
  MNEMOS_WEBHOOK_REPLICAS: z.coerce
    .number()
    .int()
    .min(0)
    .default(1)
    .describe('How many webhooks share the work; more than one that count in memory are warned about.'),
} as const

type Settings = z.output<z.ZodObject<typeof rateLimitSettings>>

export interface RateLimitConfig {
  /** Absent: counted in memory. */
  readonly redis?: { readonly url: string; readonly username?: string; readonly password?: string; readonly prefix: string }
  readonly deadlineMs: number
  readonly replicas: number
  /** How long a charge counts before its object was seen, in ms; 60,000 when absent. The same for all replicas. */
  readonly provisionalMs?: number
}

/** @throws Error when a setting is missing */
export function rateLimitConfig(settings: Settings): RateLimitConfig {
  const { MNEMOS_REDIS_URL: url, MNEMOS_REDIS_USERNAME: username, MNEMOS_REDIS_PASSWORD: password } = settings
  const times = { deadlineMs: settings.MNEMOS_RATE_LIMIT_DEADLINE_MS, replicas: settings.MNEMOS_WEBHOOK_REPLICAS }
  if (settings.MNEMOS_RATE_LIMIT_STORE === 'memory') return times
  if (url === undefined) throw new Error('MNEMOS_REDIS_URL must be set when MNEMOS_RATE_LIMIT_STORE is redis')
  return {
    ...times,
    redis: {
      url,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      prefix: settings.MNEMOS_REDIS_PREFIX,
    },
  }
}
