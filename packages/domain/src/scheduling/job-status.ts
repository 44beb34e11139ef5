/**
 * The status of a Job, written from facts by one function a phase, so that the phase and the conditions never disagree.
 *
 * kstatus reads them so: Pending and Retrying are Reconciling; Scheduled and Running are neither (Current); Failed is Stalled.
 */
import { type ConditionFact, formatTime, type Job, type JobStatus, type Phase, type Reason } from '@mnemos/api'
import type { Next, Plan } from '@mnemos/kube'
import type { JobEffect } from './job-world.ts'

export type JobPlan = Plan<JobStatus, JobEffect>

const emptyStatus: JobStatus = { phase: 'Pending', observedGeneration: 0, attempt: 0, failures: 0, attempts: [], conditions: [] }
const terminalPhases: readonly Phase[] = ['Succeeded', 'Failed', 'Cancelled']
const maxAttemptsKept = 10
/** Timers longer than this are cut: whoever looks early decides the same again. */
const longestWaitMs = 3_600_000

export function statusOf(job: Job): JobStatus {
  return job.status ?? emptyStatus
}

export function uidOf(job: Job): string {
  return job.metadata.uid ?? ''
}

/** Whether the Job has ended for good. */
export function isTerminal(job: Job): boolean {
  return terminalPhases.includes(statusOf(job).phase)
}

/** Whether an attempt is out: issued, and not yet ended. */
export function isActive(job: Job): boolean {
  const { phase } = statusOf(job)
  return phase === 'Scheduled' || phase === 'Running'
}

/** The conditions that go with a phase. */
export function conditionsFor(
  phase: Phase,
  reason: Reason,
  message: string,
  { deadLettered = false }: { deadLettered?: boolean } = {},
): ConditionFact[] {
  const fact = (type: ConditionFact['type'], status: ConditionFact['status']): ConditionFact => ({ type, status, reason, message })
  switch (phase) {
    case 'Pending':
    case 'Retrying':
      return [fact('Reconciling', 'True')]
    case 'Scheduled':
      return [fact('Placed', 'True')]
    case 'Running':
      return [fact('Placed', 'True'), fact('Started', 'True')]
    case 'Succeeded':
      return [fact('Succeeded', 'True')]
    case 'Cancelled':
      return [fact('Succeeded', 'False')]
    case 'Failed':
      return [fact('Succeeded', 'False'), fact('Stalled', 'True'), ...(deadLettered ? [fact('DeadLettered', 'True')] : [])]
  }
}

/** A plan that only waits for the next change. */
export const rest: JobPlan = { status: undefined, apply: [], remove: [], events: [], next: { kind: 'change' } }

/** The soonest of some waits; those that are undefined do not count. */
export function wakeAfter(...waitsMs: readonly (number | undefined)[]): Next {
  const soonest = Math.min(...waitsMs.map((wait) => wait ?? Number.POSITIVE_INFINITY))
  if (!Number.isFinite(soonest)) return { kind: 'change' }
  return { kind: 'after', seconds: Math.min(longestWaitMs, Math.max(1, soonest)) / 1000 }
}

/** The attempt that just ended, added to the list of the last ten. */
export function withEndedAttempt(status: JobStatus, outcome: string, now: number, message?: string): JobStatus['attempts'] {
  const ended = {
    attempt: status.attempt,
    ...(status.worker === undefined ? {} : { worker: status.worker.name }),
    ...(status.scheduledAt === undefined ? {} : { startedAt: status.scheduledAt }),
    endedAt: formatTime(now),
    outcome,
    ...(message === undefined || message === '' ? {} : { message: message.slice(0, 256) }),
  }
  return [...status.attempts, ended].slice(-maxAttemptsKept)
}

/** The status without what belongs to waiting or to one attempt in progress. */
export function settled(status: JobStatus): JobStatus {
  const { queue: _queue, progress: _progress, retryAt: _retryAt, ...kept } = status
  return kept
}
