/** Waits for something to become true: the one way in which tests wait, always with a deadline and never with a fixed sleep. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface EventuallyOptions {
  /** Default 10,000 ms. */
  readonly timeoutMs?: number
  readonly intervalMs?: number
  /** What was waited for, for the error. */
  readonly message?: string
}

/**
 * Calls `probe` until it neither throws nor returns false or undefined, and returns what it returned.
 * @throws the probe's last error, or that it never held, after the deadline
 */
export async function eventually<T>(probe: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<Exclude<T, false | undefined>> {
  const { timeoutMs = 10_000, intervalMs = 20 } = options
  const deadline = performance.now() + timeoutMs
  let last: unknown
  do {
    try {
      const value = await probe()
      if (value !== false && value !== undefined) return value as Exclude<T, false | undefined>
      last = new Error('it never held')
    } catch (error) {
      last = error
    }
    await sleep(intervalMs)
  } while (performance.now() < deadline)
  throw new Error(`not within ${timeoutMs} ms: ${options.message ?? 'the condition'}`, { cause: last })
}
