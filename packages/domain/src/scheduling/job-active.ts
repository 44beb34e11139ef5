/** A Job whose newest attempt is out: what its worker reported, what became of the worker, cancel and deadline. */
import { type FailureClass, formatTime, type JobStatus, parseTime } from '@mnemos/api'
import { conditionsFor, type JobPlan, rest, settled, statusOf, withEndedAttempt } from './job-status.ts'
import type { AttemptEnd, AttemptReport, JobEffect, JobWorld } from './job-world.ts'
import { costsRetry, isFinal, pauseSeconds } from './retry.ts'

/** `Running` is written only for what still runs this long after its start: short Jobs save a write. */
const runningAfterMs = 1000
/** Progress is written at most this often. */
const progressEveryMs = 5000

interface Failure {
  readonly class: FailureClass
  readonly reason: string
  readonly message: string
  readonly hint?: string | undefined
}

export function activePlan(world: JobWorld, now: number): JobPlan {
  const end = world.report?.end
  if (end !== undefined) return endedPlan(world, end, now)
  if (world.worker === 'gone') return lostPlan(world, now)
  const stop = stopWanted(world, now)
  if (stop !== undefined) return { ...rest, effects: [{ type: 'stop', job: world.job, reason: stop }] }
  return goingOnPlan(world, now)
}

/** Why the attempt must stop, if it must. The phase changes only once the worker has let go. */
function stopWanted({ job, report }: JobWorld, now: number): 'cancelled' | 'deadline' | undefined {
  if (job.spec.cancel) return 'cancelled'
  const leftMs = runTimeLeftMs(job.spec.deadlines?.runSeconds, report, statusOf(job), now)
  return leftMs !== undefined && leftMs <= 0 ? 'deadline' : undefined
}

/** The run deadline counts from the start, or from the issue of an attempt whose start nobody reported yet. */
function runTimeLeftMs(
  runSeconds: number | undefined,
  report: AttemptReport | undefined,
  status: JobStatus,
  now: number,
): number | undefined {
  const since = report?.startedAt ?? parseTime(status.startedAt) ?? parseTime(status.scheduledAt)
  return runSeconds === undefined || since === undefined ? undefined : since + runSeconds * 1000 - now
}

function endedPlan(world: JobWorld, end: AttemptEnd, now: number): JobPlan {
  const { job } = world
  const answer: JobEffect = { type: 'answer', uid: job.metadata.uid ?? '', attempt: statusOf(job).attempt, verdict: 'committed' }
  const withAnswer = (plan: JobPlan): JobPlan => ({ ...plan, effects: [answer, ...(plan.effects ?? [])] })
  switch (end.type) {
    case 'succeeded':
      return withAnswer(succeededPlan(world, end, now))
    case 'failed':
      return withAnswer(failedPlan(world, end, now))
    case 'cancelled':
    case 'released':
      return withAnswer(stopWanted(world, now) === undefined ? failedPlan(world, released(end), now) : stoppedPlan(world, now))
  }
}

function released(end: AttemptEnd): Failure {
  return {
    class: 'Released',
    reason: 'Released',
    message:
      end.type === 'released' && end.reason !== ''
        ? `The worker handed the attempt back: ${end.reason}`
        : 'The worker handed the attempt back.',
  }
}

function succeededPlan({ job, report }: JobWorld, end: AttemptEnd & { type: 'succeeded' }, now: number): JobPlan {
  const status = statusOf(job)
  const startedAt = report?.startedAt
  const { failure: _failure, ...kept } = settled(status)
  return {
    ...rest,
    status: {
      ...kept,
      phase: 'Succeeded',
      ...(startedAt === undefined ? {} : { startedAt: formatTime(startedAt) }),
      finishedAt: formatTime(now),
      usage: end.usage,
      result: { uri: end.uri, sha256: end.sha256, sizeBytes: end.sizeBytes, ...(end.inline === undefined ? {} : { inline: end.inline }) },
      attempts: withEndedAttempt(status, 'Succeeded', now),
    },
    conditions: conditionsFor(
      'Succeeded',
      'Succeeded',
      `Attempt ${status.attempt} succeeded on Worker ${status.worker?.name ?? 'unknown'}.`,
    ),
  }
}

/** The attempt failed: the Job waits for its next one, or has failed for good. */
function failedPlan({ job }: JobWorld, failure: Failure, now: number): JobPlan {
  const status = statusOf(job)
  const failures = status.failures + (costsRetry(failure.class) ? 1 : 0)
  const { limit } = job.spec.retry
  const base: JobStatus = {
    ...settled(status),
    failures,
    failure: {
      class: failure.class,
      reason: failure.reason,
      message: failure.message.slice(0, 1024),
      ...(failure.hint === undefined || failure.hint === '' ? {} : { hint: failure.hint.slice(0, 512) }),
    },
    attempts: withEndedAttempt(status, failure.class, now, failure.message),
  }
  if (isFinal(failure.class)) {
    const reason = failure.class === 'DeadlineExceeded' ? 'DeadlineExceeded' : 'BadInput'
    return failedForGood(job.metadata.name, base, reason, failure.message, now)
  }
  if (failures > limit) {
    const plan = failedForGood(
      job.metadata.name,
      base,
      'RetriesExhausted',
      `Failed ${failures} times, retry.limit is ${limit}; the last time: ${failure.message}`,
      now,
    )
    return { ...plan, conditions: conditionsFor('Failed', 'RetriesExhausted', failure.message, { deadLettered: true }) }
  }
  const pause = pauseSeconds(failure.class, failures, `${job.metadata.uid ?? ''}/${status.attempt}`)
  const message = `Attempt ${status.attempt} ended with ${failure.class}: ${failure.message}`
  return {
    ...rest,
    status: { ...base, phase: 'Retrying', ...(pause > 0 ? { retryAt: formatTime(now + pause * 1000) } : {}) },
    conditions: conditionsFor('Retrying', 'BackingOff', message),
    next: { kind: 'after', seconds: Math.max(0.001, pause) },
  }
}

function failedForGood(
  name: string,
  base: JobStatus,
  reason: 'DeadlineExceeded' | 'BadInput' | 'RetriesExhausted',
  message: string,
  now: number,
): JobPlan {
  return {
    ...rest,
    status: { ...base, phase: 'Failed', finishedAt: formatTime(now) },
    conditions: conditionsFor('Failed', reason, message),
    events: [{ type: 'Warning', reason, action: 'Run', note: `Job ${name} failed: ${message}` }],
  }
}

/** The worker let go after a cancel or a deadline. */
function stoppedPlan(world: JobWorld, now: number): JobPlan {
  const { job } = world
  if (!job.spec.cancel) {
    const seconds = job.spec.deadlines?.runSeconds ?? 0
    return failedPlan(
      world,
      {
        class: 'DeadlineExceeded',
        reason: 'RunDeadline',
        message: `The attempt ran longer than deadlines.runSeconds (${seconds} s).`,
        hint: 'Raise spec.deadlines.runSeconds in a new Job, or ask for fewer tokens.',
      },
      now,
    )
  }
  const status = statusOf(job)
  return {
    ...rest,
    status: { ...settled(status), phase: 'Cancelled', finishedAt: formatTime(now), attempts: withEndedAttempt(status, 'Cancelled', now) },
    conditions: conditionsFor('Cancelled', 'Cancelled', 'The Job was cancelled while it ran.'),
  }
}

/** The worker will never report: the attempt is over without a result. */
function lostPlan(world: JobWorld, now: number): JobPlan {
  if (stopWanted(world, now) !== undefined) return stoppedPlan(world, now)
  const { worker } = statusOf(world.job)
  return failedPlan(
    world,
    {
      class: 'NodeLost',
      reason: 'WorkerLost',
      message: `Worker ${worker?.name ?? 'unknown'} (instance ${worker?.instance ?? 'unknown'}) is gone.`,
    },
    now,
  )
}

/** Nothing has ended: hand the attempt over (again), and write Running and progress when they are due. */
function goingOnPlan({ job, model, report }: JobWorld, now: number): JobPlan {
  const status = statusOf(job)
  const startedAt = report?.startedAt
  const effects: JobEffect[] = startedAt === undefined ? [{ type: 'assign', job, model }] : []
  const deadlineMs = runTimeLeftMs(job.spec.deadlines?.runSeconds, report, status, now)
  const wakeIn = (ms: number): JobPlan['next'] => ({ kind: 'after', seconds: Math.max(1, Math.min(ms, deadlineMs ?? ms)) / 1000 })
  if (startedAt === undefined) return { ...rest, effects, next: deadlineMs === undefined ? { kind: 'change' } : wakeIn(deadlineMs) }
  const runsForMs = now - startedAt
  if (status.phase === 'Scheduled' && runsForMs < runningAfterMs) return { ...rest, effects, next: wakeIn(runningAfterMs - runsForMs) }
  const message = `Worker ${status.worker?.name ?? 'unknown'} has run attempt ${status.attempt} since ${formatTime(startedAt)}.`
  return {
    ...rest,
    effects,
    status: { ...settled(status), phase: 'Running', startedAt: formatTime(startedAt), ...progressOf(report) },
    conditions: conditionsFor('Running', 'Running', message),
    next: wakeIn(progressEveryMs),
  }
}

function progressOf(report: AttemptReport | undefined): Pick<JobStatus, 'progress'> {
  const progress = report?.progress
  if (progress === undefined) return {}
  return {
    progress: {
      ...(progress.percent > 0 ? { percent: progress.percent } : {}),
      ...(progress.tokens > 0 ? { tokens: progress.tokens } : {}),
      ...(progress.totalBytes > 0 ? { bytes: progress.bytes, totalBytes: progress.totalBytes } : {}),
      ...(progress.message === '' ? {} : { message: progress.message.slice(0, 256) }),
    },
  }
}
