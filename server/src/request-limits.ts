/**
 * How many requests a user may make in a minute, over all tokens of theirs, so that one who is in a hurry does not slow everybody else.
 *
 * Counted in Redis for all servers, or by each server for itself. When nobody can count, nobody is refused: what a request does is limited by
 * policies, which count elsewhere. Our own processes are not counted.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { RateLimits } from '@mnemos/stores'
import type { Logger } from 'pino'
import { Counter, type Registry } from 'prom-client'
import type { Callers } from './callers.ts'
import { Refusal } from './refusal.ts'

export interface RequestLimitOptions {
  readonly store: RateLimits
  /** In any window of a minute. */
  readonly perMinute: number
  readonly systemNamespace: string
  readonly logger: Logger
  readonly registry: Registry
}

const windowMs = 60_000

/** The same callers, each of whom is counted. */
export function limited(callers: Callers, { store, perMinute, systemNamespace, logger, registry }: RequestLimitOptions): Callers {
  const counted = new Counter({
    name: 'mnemos_http_limited_requests_total',
    help: 'Requests by people: refused because their user made too many, or let through because nobody could count.',
    labelNames: ['outcome'],
    registers: [registry],
  })
  const own = `system:serviceaccount:${systemNamespace}:`
  const waitMsOf = async (userName: string): Promise<number | undefined> => {
    try {
      const key = `http:${createHash('sha256').update(userName).digest('base64url')}`
      const { isAdmitted, full } = await store.charge(randomUUID(), [
        { key, limit: { algorithm: 'SlidingWindow', requests: perMinute, windowMs } },
      ])
      return isAdmitted ? undefined : (full[0]?.admitsInMs ?? windowMs)
    } catch (error) {
      counted.inc({ outcome: 'uncounted' })
      logger.warn({ error: String(error) }, 'requests could not be counted')
      return undefined
    }
  }
  return {
    identify: async (authorization) => {
      const caller = await callers.identify(authorization)
      const waitMs = caller.userName.startsWith(own) ? undefined : await waitMsOf(caller.userName)
      if (waitMs === undefined) return caller
      counted.inc({ outcome: 'refused' })
      const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000))
      throw new Refusal('MNEMOS_THROTTLED', `You have made ${perMinute} requests within a minute; try again in ${retryAfterSeconds} s.`, {
        retryAfterSeconds,
      })
    },
  }
}
