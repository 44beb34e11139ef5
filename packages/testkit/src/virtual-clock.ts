/** A clock that stands still until a test moves it: timers fire in order of their time, then of their making. */

export interface VirtualClock {
  readonly now: () => number
  readonly monotonic: () => number
  setTimeout(callback: () => void, delayMs: number): { cancel(): void }
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
  /** Moves time on, firing each timer at its moment; promise callbacks run between timers. */
  advance(byMs: number): Promise<void>
  /** Timers that wait. */
  pending(): number
}

interface Timer {
  readonly at: number
  readonly order: number
  readonly callback: () => void
}

/** @param startMs what `now()` says first, in ms since 1970; default 2026-01-01T00:00:00Z */
export function virtualClock(startMs = Date.UTC(2026, 0, 1)): VirtualClock {
  let elapsed = 0
  let made = 0
  const timers = new Set<Timer>()
  const clock: VirtualClock = {
    now: () => startMs + elapsed,
    monotonic: () => elapsed,
    setTimeout: (callback, delayMs) => {
      const timer = { at: elapsed + Math.max(0, delayMs), order: made++, callback }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
    sleep: (delayMs, signal) =>
      new Promise((resolve, reject) => {
        const stop = (): void => {
          timer.cancel()
          reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'))
        }
        const timer = clock.setTimeout(() => {
          signal?.removeEventListener('abort', stop)
          resolve()
        }, delayMs)
        if (signal?.aborted) stop()
        else signal?.addEventListener('abort', stop, { once: true })
      }),
    advance: async (byMs) => {
      const until = elapsed + byMs
      await settle()
      for (let next = earliest(timers, until); next !== undefined; next = earliest(timers, until)) {
        timers.delete(next)
        elapsed = Math.max(elapsed, next.at)
        next.callback()
        await settle()
      }
      elapsed = until
    },
    pending: () => timers.size,
  }
  return clock
}

function earliest(timers: ReadonlySet<Timer>, until: number): Timer | undefined {
  let found: Timer | undefined
  for (const timer of timers) {
    if (timer.at > until) continue
    if (found === undefined || timer.at < found.at || (timer.at === found.at && timer.order < found.order)) found = timer
  }
  return found
}

/** Lets promise callbacks run until the next turn of the event loop. */
async function settle(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve)
  })
}
