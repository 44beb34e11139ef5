/**
 * Tells the store of rate limits which charges came to pass.
 *
 * Guarantees: a charge whose object was stored is confirmed, by whichever replica is left to do it: each confirms what it charged as soon as
 * it sees the object, and now and then looks for what others charged and did not live to confirm. A store that is away is told later.
 */
import { type Clock, sleptThrough } from '@mnemos/kube'
import { defaultRateTiming, type RateLimits } from '@mnemos/stores'
import type { Logger } from 'pino'
import type { RateLimitMetrics } from './rate-limit-metrics.ts'
import type { StoredObjects } from './stored-objects.ts'

export interface Confirmations {
  /** The object of this UID was stored. */
  stored(uid: string): void
  /** Tells the store until the signal; then once more what is left. */
  run(signal: AbortSignal): Promise<void>
}

export interface ConfirmationOptions {
  readonly store: RateLimits
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: RateLimitMetrics
  /** What others charged is looked for this often, in ms; absent when nobody else charges. */
  readonly sweepEveryMs?: number | undefined
}

const batchSize = 500
const retryMs = 500

export function createConfirmations(
  { store, clock, logger, metrics, sweepEveryMs }: ConfirmationOptions,
  wasStored: StoredObjects['wasStored'],
): Confirmations {
  /** UIDs with the time until which the store would take their confirmation. */
  const waiting = new Map<string, number>()
  let wake = (): void => undefined

  const tell = async (): Promise<void> => {
    while (waiting.size > 0) {
      const batch = [...waiting.keys()].slice(0, batchSize)
      const known = await store.confirm(batch)
      for (const uid of batch) waiting.delete(uid)
      metrics.confirmed('confirmed', known.length)
      metrics.confirmed('unknown', batch.length - known.length)
    }
  }
  const expire = (): void => {
    const now = clock.monotonic()
    for (const [uid, until] of waiting) {
      if (until > now) break
      waiting.delete(uid)
      metrics.confirmed('late', 1)
    }
  }
  const telling = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const rung = new Promise<void>((resolve) => {
        wake = resolve
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
      if (waiting.size === 0) await rung
      try {
        await tell()
      } catch (error) {
        metrics.confirmed('failed', 1)
        logger.debug({ err: error, waiting: waiting.size }, 'charges could not be confirmed yet')
        expire()
        await sleptThrough(clock, retryMs, signal)
      }
    }
  }
  const sweeping = async (signal: AbortSignal, everyMs: number): Promise<void> => {
    while (await sleptThrough(clock, everyMs, signal)) {
      try {
        for (const uid of await store.unconfirmed(everyMs)) if (wasStored(uid)) confirmations.stored(uid)
      } catch (error) {
        logger.debug({ err: error }, 'charges of others could not be looked for')
      }
    }
  }
  const confirmations: Confirmations = {
    stored: (uid) => {
      waiting.set(uid, clock.monotonic() + defaultRateTiming.lateMs)
      wake()
    },
    run: async (signal) => {
      await Promise.all([telling(signal), ...(sweepEveryMs === undefined ? [] : [sweeping(signal, sweepEveryMs)])])
      await tell().catch((error: unknown) => logger.warn({ err: error, left: waiting.size }, 'charges are left to others to confirm'))
    },
  }
  return confirmations
}
