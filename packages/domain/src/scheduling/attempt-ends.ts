/** How an attempt that has no result ends: tried again after a pause, failed for good, or cancelled. The same for every kind of work. */
import { type FailureClass, formatTime, type Job, type JobStatus, type Reason } from '@mnemos/api'
import { conditionsFor, type JobPlan, rest, settled, statusOf, uidOf, wakeAfter, withEndedAttempt } from './job-status.ts'
import { costsRetry, freePauseSeconds, isFinal, pauseSeconds } from './retry.ts'

/** Why an attempt failed. */
export interface Failure {
  readonly class: FailureClass
  /** As one word; the reason of the Job's conditions, too, when it is `PodRefused`. */
  readonly reason: string
  readonly message: string
  readonly hint?: string | undefined
}

/**
 * The attempt failed: the Job waits for its next one, or has failed for good.
 * @param startedAt when the attempt started, in milliseconds since 1970; undefined when it did not
 */
export function failedPlan(job: Job, startedAt: number | undefined, failure: Failure, now: number): JobPlan {
  const status = statusOf(job)
  const failures = status.failures + (costsRetry(failure.class) ? 1 : 0)
  const base: JobStatus = {
    ...settled(status),
    ...startOfAttempt(startedAt),
    failures,
    failure: failureOf(failure),
    attempts: withEndedAttempt(status, failure.class, now, failure.message),
  }
  if (isFinal(failure.class)) return failedForGood(job.metadata.name, base, { reason: finalReason(failure), message: failure.message }, now)
  const { limit } = job.spec.retry
  if (failures > limit) {
    const message = `Failed ${failures} times and spec.retry.limit is ${limit}; the last time: ${failure.message}`
    return failedForGood(job.metadata.name, base, { reason: 'RetriesExhausted', message }, now)
  }
  const pauseMs = pauseFor(failure.class, base, `${uidOf(job)}/${status.attempt}`) * 1000
  return {
    ...rest,
    status: { ...base, phase: 'Retrying', ...(pauseMs > 0 ? { retryAt: formatTime(now + pauseMs) } : {}) },
    conditions: conditionsFor('Retrying', 'BackingOff', `Attempt ${status.attempt} ended with ${failure.class}: ${failure.message}`),
    next: wakeAfter(pauseMs),
  }
}

function pauseFor(failure: FailureClass, { failures, attempts }: JobStatus, seed: string): number {
  if (costsRetry(failure)) return pauseSeconds(failure, failures, seed)
  const lastOther = attempts.findLastIndex(({ outcome }) => costsRetry(outcome))
  return freePauseSeconds(attempts.length - 1 - lastOther, seed)
}

function finalReason({ class: failureClass, reason }: Failure): Reason {
  if (reason === 'PodRefused') return reason
  return failureClass === 'DeadlineExceeded' ? 'DeadlineExceeded' : 'BadInput'
}

function failureOf({ class: failureClass, reason, message, hint }: Failure): NonNullable<JobStatus['failure']> {
  return {
    class: failureClass,
    reason: reason.slice(0, 64),
    message: message.slice(0, 1024),
    ...(hint === undefined || hint === '' ? {} : { hint: hint.slice(0, 512) }),
  }
}

function failedForGood(name: string, base: JobStatus, { reason, message }: { reason: Reason; message: string }, now: number): JobPlan {
  return {
    ...rest,
    status: { ...base, phase: 'Failed', finishedAt: formatTime(now) },
    conditions: conditionsFor('Failed', reason, message, { deadLettered: reason === 'RetriesExhausted' }),
    events: [{ type: 'Warning', reason, action: 'Run', note: `Job ${name} failed: ${message}` }],
  }
}

/** The attempt is over after a cancel or a deadline. */
export function stoppedPlan(job: Job, startedAt: number | undefined, now: number): JobPlan {
  const status = statusOf(job)
  if (!job.spec.cancel) {
    const message = `The attempt ran longer than deadlines.runSeconds (${job.spec.deadlines?.runSeconds ?? 0} s).`
    const hint = 'Raise spec.deadlines.runSeconds in a new Job, or ask for less.'
    return failedPlan(job, startedAt, { class: 'DeadlineExceeded', reason: 'RunDeadline', message, hint }, now)
  }
  return {
    ...rest,
    status: {
      ...settled(status),
      ...startOfAttempt(startedAt),
      phase: 'Cancelled',
      finishedAt: formatTime(now),
      attempts: withEndedAttempt(status, 'Cancelled', now),
    },
    conditions: conditionsFor('Cancelled', 'Cancelled', `The Job was cancelled during attempt ${status.attempt}.`),
  }
}

/** As a part of the status. @param startedAt milliseconds since 1970 */
export function startOfAttempt(startedAt: number | undefined): Pick<JobStatus, 'startedAt'> {
  return startedAt === undefined ? {} : { startedAt: formatTime(startedAt) }
}
