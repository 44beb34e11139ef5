/** A Job whose newest attempt is out: what its worker reported, what became of the worker, cancel and deadline. */
import { formatTime, type Job, type JobStatus, parseTime } from '@mnemos/api'
import { failedPlan, startOfAttempt, stoppedPlan } from './attempt-ends.ts'
import { conditionsFor, type JobPlan, rest, settled, statusOf, uidOf, wakeAfter, withEndedAttempt } from './job-status.ts'
import type { AttemptEnd, AttemptReport, JobEffect, JobWorld, PlacedOn, StopReason } from './job-world.ts'
import { hasBytesOfAttempt } from './model-used.ts'

/** `Running` is written only for what still runs this long after its start: short Jobs save a write. */
const runningAfterMs = 1000
/** Progress is written at most this often; tokens can be followed live, so an inference says less here. */
const progressEveryMs = { maintenance: 2000, inference: 30_000 } as const

/** What happens next to an attempt that is out. A result comes first, whatever else is wanted. */
export function activePlan(world: JobWorld, now: number): JobPlan {
  const end = world.report?.end
  if (end !== undefined) return endedPlan(world, end, now)
  if (world.worker === 'gone') return lostPlan(world, now)
  if (world.worker === 'lacks' && !hasBytesOfAttempt(world.job, world.model)) return takenBackPlan(world, now)
  const reason = stopWanted(world, now)
  return reason === undefined ? goingOnPlan(world, now) : stoppingPlan(world, reason)
}

/** Why the attempt must stop, if it must. The phase changes only once the worker has let go. */
function stopWanted(world: JobWorld, now: number): StopReason | undefined {
  if (world.job.spec.cancel) return 'cancelled'
  const leftMs = runTimeLeftMs(world, now)
  return leftMs !== undefined && leftMs <= 0 ? 'deadline' : undefined
}

/** The run deadline counts from the start, or from the issue of an attempt whose start nobody reported yet. */
function runTimeLeftMs({ job, report }: JobWorld, now: number): number | undefined {
  const { scheduledAt } = statusOf(job)
  const seconds = job.spec.deadlines?.runSeconds
  const since = startOf(job, report) ?? parseTime(scheduledAt)
  return seconds === undefined || since === undefined ? undefined : since + seconds * 1000 - now
}

function stoppingPlan({ job }: JobWorld, reason: StopReason): JobPlan {
  return { ...rest, effects: [{ type: 'stop', ...attemptOf(job), reason }] }
}

function endedPlan(world: JobWorld, end: AttemptEnd, now: number): JobPlan {
  const answer: JobEffect = { type: 'answer', ...attemptOf(world.job), verdict: 'committed' }
  const plan = planOfEnd(world, end, now)
  return { ...plan, effects: [answer, ...(plan.effects ?? [])] }
}

function planOfEnd(world: JobWorld, end: AttemptEnd, now: number): JobPlan {
  switch (end.type) {
    case 'succeeded':
      return succeededPlan(world, end, now)
    case 'failed':
      return failedPlan(world.job, startOf(world.job, world.report), end, now)
    case 'cancelled':
      return letGoPlan(world, '', now)
    case 'released':
      return letGoPlan(world, end.reason, now)
  }
}

/** The worker let go without a result: as it was asked to, or of its own accord. */
function letGoPlan(world: JobWorld, why: string, now: number): JobPlan {
  if (stopWanted(world, now) !== undefined) return stoppedPlan(world.job, startOf(world.job, world.report), now)
  const message = why === '' ? 'The worker handed the attempt back.' : `The worker handed the attempt back: ${why}`
  return failedPlan(world.job, startOf(world.job, world.report), { class: 'Released', reason: 'Released', message }, now)
}

function succeededPlan({ job, report }: JobWorld, end: AttemptEnd & { type: 'succeeded' }, now: number): JobPlan {
  const status = statusOf(job)
  const { failure: _failure, ...kept } = settled(status)
  const { uri, sha256, sizeBytes, inline, usage } = end
  return {
    ...rest,
    status: {
      ...kept,
      phase: 'Succeeded',
      ...startedOf(job, report),
      finishedAt: formatTime(now),
      usage,
      result: { uri, sha256, sizeBytes, ...(inline === undefined ? {} : { inline }) },
      attempts: withEndedAttempt(status, 'Succeeded', now),
    },
    conditions: conditionsFor('Succeeded', 'Succeeded', `Attempt ${status.attempt} succeeded on Worker ${workerNameOf(status)}.`),
  }
}

/** The worker will never report: the attempt is over without a result. */
function lostPlan(world: JobWorld, now: number): JobPlan {
  if (stopWanted(world, now) !== undefined) return stoppedPlan(world.job, startOf(world.job, world.report), now)
  const status = statusOf(world.job)
  const message = `Worker ${workerNameOf(status)} (instance ${status.worker?.instance ?? 'unknown'}) is gone.`
  return failedPlan(world.job, startOf(world.job, world.report), { class: 'NodeLost', reason: 'WorkerLost', message }, now)
}

/** The worker never got the attempt, and it cannot be handed over again: the Job goes back in line, where it says what it waits for. */
function takenBackPlan(world: JobWorld, now: number): JobPlan {
  if (stopWanted(world, now) !== undefined) return stoppedPlan(world.job, startOf(world.job, world.report), now)
  const message = `Model ${world.job.spec.inference?.modelRef.name ?? ''} was deleted or changed before the worker had the attempt.`
  return failedPlan(world.job, startOf(world.job, world.report), { class: 'Released', reason: 'ModelNotReady', message }, now)
}

/** Nothing has ended: hand the attempt over (again), and write Running and progress when they are due. */
function goingOnPlan(world: JobWorld, now: number): JobPlan {
  const { job, model, report } = world
  const effects: JobEffect[] = world.worker === 'lacks' ? [{ type: 'assign', job, model }] : []
  const deadlineMs = runTimeLeftMs(world, now)
  const startedAt = startOf(job, report)
  if (report === undefined || startedAt === undefined) return { ...rest, effects, next: wakeAfter(deadlineMs) }
  const status = statusOf(job)
  const untilRunningMs = startedAt + runningAfterMs - now
  if (status.phase === 'Scheduled' && untilRunningMs > 0) return { ...rest, effects, next: wakeAfter(untilRunningMs, deadlineMs) }
  const message = `Worker ${workerNameOf(status)} has run attempt ${status.attempt} since ${formatTime(startedAt)}.`
  return {
    ...rest,
    effects,
    status: { ...settled(status), phase: 'Running', ...startedOf(job, report), ...progressOf(report) },
    conditions: conditionsFor('Running', 'Running', message),
    next: wakeAfter(job.spec.maintenance === undefined ? progressEveryMs.inference : progressEveryMs.maintenance, deadlineMs),
  }
}

/** The newest attempt, and who has it. */
function attemptOf(job: Job): { uid: string; attempt: number; worker: PlacedOn } {
  const { attempt, worker } = statusOf(job)
  return { uid: uidOf(job), attempt, worker: worker ?? { name: '', instance: '' } }
}

function workerNameOf({ worker }: JobStatus): string {
  return worker?.name ?? 'unknown'
}

/** When the newest attempt started. What is stored stays: a new leader hears of a running attempt later than it began. */
function startOf(job: Job, report: AttemptReport | undefined): number | undefined {
  return parseTime(statusOf(job).startedAt) ?? report?.startedAt
}

function startedOf(job: Job, report: AttemptReport | undefined): Pick<JobStatus, 'startedAt'> {
  return startOfAttempt(startOf(job, report))
}

function progressOf(report: AttemptReport | undefined): Pick<JobStatus, 'progress'> {
  const progress = report?.progress
  if (progress === undefined) return {}
  const { percent, tokens, bytes, totalBytes, message } = progress
  return {
    progress: {
      ...(percent > 0 ? { percent } : {}),
      ...(tokens > 0 ? { tokens } : {}),
      ...(totalBytes > 0 ? { bytes, totalBytes } : {}),
      ...(message === '' ? {} : { message: message.slice(0, 256) }),
    },
  }
}
