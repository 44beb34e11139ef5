/** Time as a value that can be given: everything here that waits or compares times takes a Clock. */

export interface Clock {
  /** Milliseconds since 1970, may jump. For timestamps only. */
  now(): number
  /** Milliseconds of a clock that never jumps. For durations. */
  monotonic(): number
  setTimeout(callback: () => void, delayMs: number): Timer
  /** Rejects with the signal's reason when that comes first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
}

export interface Timer {
  cancel(): void
}

/** A longer delay overflows in Node, and its timer goes off at once: 24 days, less than a Job may run or be kept. */
const longestTimerMs = 2 ** 31 - 1

/** The real clock. Its timers do not keep a process alive by themselves. */
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
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer)
        reject(reasonOf(signal))
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop)
        resolve()
      }, delayMs)
      if (signal?.aborted === true) stop()
      else signal?.addEventListener('abort', stop, { once: true })
    }),
}

/** The reason of an aborted signal as an Error. */
export function reasonOf(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new Error('aborted')
}

/** Whether the wait ended by its time (true) or by its signal (false). */
export async function sleptThrough(clock: Clock, delayMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(delayMs, signal)
    return true
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}
