/**
 * How a failed attempt goes on: which failures cost a retry, which are never tried again, and how long the pause is.
 *
 * Pauses double from one second to five minutes. Jitter follows from the Job and the attempt, so that the same world always
 * gives the same decision and many Jobs that failed together do not come back together.
 */
import type { FailureClass } from '@mnemos/api'

const baseSeconds = 1
const maxSeconds = 300
const freeAtOnce = 3
const maxFreeSeconds = 30
/** Failures that say nothing about the Job: the next attempt starts at once and costs no retry. */
const free: readonly string[] = ['NodeLost', 'Released', 'Preempted']
/** Failures that every attempt would repeat. */
const final: readonly FailureClass[] = ['BadInput', 'DeadlineExceeded', 'DependencyFailed']
/** Failures of what the Job needs, not of the Job: there is no use in coming back soon. */
const slow: Partial<Readonly<Record<FailureClass, number>>> = { StorageUnavailable: 5, DiskFull: 15, OutOfMemory: 5 }

/** @param outcome a failure class, or how else an attempt ended */
export function costsRetry(outcome: string): boolean {
  return !free.includes(outcome)
}

export function isFinal(failure: FailureClass): boolean {
  return final.includes(failure)
}

/**
 * Seconds until the next attempt may start.
 * @param failures how many failures have counted, this one included
 */
export function pauseSeconds(failure: FailureClass, failures: number, seed: string): number {
  if (!costsRetry(failure)) return 0
  const base = slow[failure] ?? baseSeconds
  const full = Math.min(maxSeconds, base * 2 ** Math.max(0, Math.min(30, failures - 1)))
  return full * (0.75 + 0.25 * fraction(seed))
}

/**
 * Seconds until the next attempt after one that cost no retry: none at first, but a Job that is handed back again and again
 * must not keep everybody busy.
 * @param inARow how many attempts have ended so without another ending between, this one included
 */
export function freePauseSeconds(inARow: number, seed: string): number {
  if (inARow <= freeAtOnce) return 0
  return Math.min(maxFreeSeconds, baseSeconds * 2 ** Math.min(30, inARow - freeAtOnce - 1)) * (0.75 + 0.25 * fraction(seed))
}

/** A number in [0, 1) that follows from the text (FNV-1a). */
export function fraction(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return (hash >>> 0) / 2 ** 32
}
