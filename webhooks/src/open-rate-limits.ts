/** Rate limits, assembled: the store, who asks it, who watches what was stored and who confirms it. */
import type { Client, Clock } from '@mnemos/kube'
import { createMemoryRateLimits, createRedisRateLimits } from '@mnemos/stores'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { createConfirmations } from './confirmations.ts'
import { createRateLimitMetrics } from './rate-limit-metrics.ts'
import type { RateLimitConfig } from './rate-limit-settings.ts'
import { createRateLimiter, type RateLimiter } from './rate-limits.ts'
import { watchStoredObjects } from './stored-objects.ts'

export interface OpenRateLimits extends RateLimiter {
  /** Confirms what was charged until the signal, and then what is left. */
  run(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

export interface OpenRateLimitsOptions {
  readonly config: RateLimitConfig
  readonly client: Client
  readonly clock: Clock
  readonly logger: Logger
  readonly registry: Registry
}

/** The store keeps to its time by itself, and then carries out nothing more; this is only for one that does not. */
const graceMs = 100

/** How often, and for how long in all, others are given to confirm what they charged. */
const sweepEveryMs = 10_000
const patienceMs = 120_000

export async function openRateLimits({ config, client, clock, logger, registry }: OpenRateLimitsOptions): Promise<OpenRateLimits> {
  const { redis, deadlineMs, replicas, provisionalMs } = config
  const timing = provisionalMs === undefined ? {} : { provisionalMs }
  const onTrouble = (message: string): void => logger.warn({ trouble: message }, 'the store of rate limits has trouble')
  const store =
    redis === undefined
      ? createMemoryRateLimits(timing)
      : await createRedisRateLimits({ ...redis, ...timing, timeoutMs: deadlineMs, onTrouble })
  const metrics = createRateLimitMetrics(registry)
  const objects = watchStoredObjects({ client, clock, logger, patienceMs, onStored: (uid) => confirmations.stored(uid) })
  const confirmations = createConfirmations(
    // Whoever counts in memory has nobody else to confirm for.
    {
      store,
      clock,
      logger,
      metrics,
      sweepEveryMs: redis === undefined ? undefined : Math.min(sweepEveryMs, (provisionalMs ?? 60_000) / 3),
    },
    (uid) => objects.wasStored(uid),
  )
  const limiter = createRateLimiter({
    store,
    clock,
    logger,
    metrics,
    deadlineMs: deadlineMs + graceMs,
    expect: (uid) => objects.expect(uid),
  })
  let isWarned = redis !== undefined || replicas <= 1
  return {
    count: (request, rules) => {
      if (!isWarned) logger.error({ replicas }, alone)
      isWarned = true
      return limiter.count(request, rules)
    },
    run: async (signal) => {
      await Promise.all([objects.run(signal), confirmations.run(signal)])
    },
    close: () => store.close(),
  }
}

const alone =
  'a policy limits requests, but each replica counts by itself, so that every one of them admits the whole limit: set MNEMOS_RATE_LIMIT_STORE=redis and MNEMOS_REDIS_URL (stores.redis.url in the chart)'
