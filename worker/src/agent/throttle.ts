/** Progress at most so often: the first at once, then the newest of each interval. */
import type { Clock } from '../clock.ts'

export interface Throttle<T> {
  push(value: T): void
  /** Forgets what waits and sends nothing more. */
  stop(): void
}

/** Calls `send` at most once per `intervalMs`, with the newest value; the last one pushed is always sent. */
export function throttle<T>(send: (value: T) => void, intervalMs: number, clock: Clock): Throttle<T> {
  let waiting: { value: T } | undefined
  let timer: { cancel(): void } | undefined
  let isStopped = false
  const open = (): void => {
    timer = undefined
    if (waiting === undefined) return
    const { value } = waiting
    waiting = undefined
    timer = clock.setTimeout(open, intervalMs)
    send(value)
  }
  return {
    push: (value) => {
      if (isStopped) return
      waiting = { value }
      if (timer === undefined) open()
    },
    stop: () => {
      isStopped = true
      waiting = undefined
      timer?.cancel()
    },
  }
}
