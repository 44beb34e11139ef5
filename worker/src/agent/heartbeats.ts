/** A heartbeat at the pace that the operator asked for in its Welcome, while the stream is up. */
import type { Clock } from '../clock.ts'

export interface Heartbeats {
  /** Starts anew at this pace; the first beat comes after one interval, because Hello has just said everything. */
  start(intervalMs: number): void
  stop(): void
}

export function createHeartbeats(beat: () => void, clock: Clock): Heartbeats {
  let timer: { cancel(): void } | undefined
  const stop = (): void => {
    timer?.cancel()
    timer = undefined
  }
  const schedule = (intervalMs: number): void => {
    timer = clock.setTimeout(() => {
      schedule(intervalMs)
      beat()
    }, intervalMs)
  }
  return {
    start: (intervalMs) => {
      stop()
      if (intervalMs > 0) schedule(intervalMs)
    },
    stop,
  }
}
