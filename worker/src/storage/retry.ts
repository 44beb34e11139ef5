/**
 * Tries again what may work later: with jittered back-off, for a bounded time without progress.
 *
 * Only a Transient is tried again; everything else passes through at once.
 */
import { type Clock, systemClock } from '../clock.ts'

export interface RetryTiming {
  /** First pause, in ms; doubles each time. Default 200. */
  readonly firstMs?: number
  /** Longest pause, in ms. Default 5000. */
  readonly longestMs?: number
  /** Give up after this long without progress, in ms. Default 120,000. */
  readonly forMs?: number
}

export interface RetryOptions extends RetryTiming {
  readonly clock?: Clock
  readonly random?: () => number
  readonly signal: AbortSignal
}

/** A failure that time may heal: a refused connection, 429, 5xx, a body that broke off. Its message names the place, never a body. */
export class Transient extends Error {
  override readonly name = 'Transient'
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: { cause?: unknown; retryAfterMs?: number | undefined } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.retryAfterMs = options.retryAfterMs
  }
}

/** The pause before try `failures + 1`, in ms: full jitter over the upper half. */
export function backoffMs(failures: number, timing: RetryTiming, random: () => number): number {
  const { firstMs = 200, longestMs = 5000 } = timing
  const whole = Math.min(longestMs, firstMs * 2 ** Math.min(failures, 20))
  return whole / 2 + random() * (whole / 2)
}

/**
 * Calls `attempt` until it returns. It gets `progressed`, to be called when something was achieved: that starts the time anew.
 * @throws the last Transient when the time is over; any other error, or the signal's reason, at once
 */
export async function retrying<T>(attempt: (progressed: () => void) => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock = systemClock, random = Math.random, signal, forMs = 120_000 } = options
  let since = clock.monotonic()
  let failures = 0
  const progressed = (): void => {
    since = clock.monotonic()
    failures = 0
  }
  for (;;) {
    signal.throwIfAborted()
    try {
      return await attempt(progressed)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof Transient)) throw error
      const pause = Math.max(error.retryAfterMs ?? 0, backoffMs(failures, options, random))
      if (clock.monotonic() + pause - since > forMs) throw error
      failures += 1
      await clock.sleep(pause, signal).catch(() => signal.throwIfAborted())
    }
  }
}
