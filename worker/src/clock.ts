/** Time as the worker reads it: passed in, so that tests move it by hand. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Milliseconds that never go back. */
  monotonic(): number
  setTimeout(callback: () => void, delayMs: number): { cancel(): void }
  /** @throws the signal's reason (or an AbortError that holds it as cause) when aborted first */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
}

/** A longer delay overflows in Node, and its timer goes off at once: 24 days, less than a Job may run. */
const longestTimerMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (callback, delayMs) => {
    let timer: NodeJS.Timeout
    const arm = (leftMs: number): void => {
      const stepMs = Math.min(leftMs, longestTimerMs)
      timer = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : callback()), stepMs)
    }
    arm(delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
  sleep: (delayMs, signal) => sleep(delayMs, undefined, signal === undefined ? {} : { signal }),
}
