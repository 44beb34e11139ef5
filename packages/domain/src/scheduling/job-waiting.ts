/**
 * A Job that has no attempt out: whether it may start, and why not.
 *
 * The checks stand in order; the first finding wins. What only waits for a worker is said with a pause, so that a Job that
 * starts at once costs no write for having waited.
 */
import { formatTime, parseTime, type Reason } from '@mnemos/api'
import { conditionsFor, isTerminal, type JobPlan, rest, settled, statusOf, withEndedAttempt } from './job-status.ts'
import type { JobEffect, JobWorld } from './job-world.ts'

/** A wait shorter than this is not worth a write. Creation times have whole seconds, so one second would mean none. */
const describeAfterMs = 2000
/** Jobs far back in the line are described later: most will have started by then. */
const describeFarAfterMs = 30_000
const nearPositions = 100
const refreshSeconds = 30

interface Finding {
  readonly reason: Reason
  readonly message: string
  /** The Job fails for good with this. */
  readonly fails?: { readonly class: 'DeadlineExceeded' | 'DependencyFailed'; readonly hint: string }
  /** Look again after this; otherwise at the next change. */
  readonly afterMs?: number
}

type Check = (world: JobWorld, now: number) => Finding | undefined

const checks: readonly Check[] = [
  dependencyFailed,
  queueDeadlinePassed,
  isSuspended,
  dependenciesWait,
  queueIsMissing,
  modelIsMissing,
  modelIsNotAllowed,
  modelIsNotReady,
  isBackingOff,
]

export function waitingPlan(world: JobWorld, now: number): JobPlan {
  const { job } = world
  const uid = job.metadata.uid ?? ''
  if (job.spec.cancel) {
    return {
      ...rest,
      status: { ...settled(statusOf(job)), phase: 'Cancelled', finishedAt: formatTime(now) },
      conditions: conditionsFor('Cancelled', 'Cancelled', 'The Job was cancelled before it started.'),
      effects: [{ type: 'leaveQueue', uid }],
    }
  }
  for (const check of checks) {
    const finding = check(world, now)
    if (finding !== undefined)
      return finding.fails === undefined ? heldPlan(world, finding, now) : givenUpPlan(world, finding, finding.fails, now)
  }
  return world.placement === undefined ? inLinePlan(world, now) : placedPlan(world, world.placement, now)
}

/** Issues the next attempt. The worker hears of it only after this status is stored. */
function placedPlan({ job, model }: JobWorld, placement: { name: string; instance: string }, now: number): JobPlan {
  const { startedAt: _startedAt, failure: _failure, ...kept } = settled(statusOf(job))
  const attempt = kept.attempt + 1
  const status = { ...kept, phase: 'Scheduled' as const, attempt, worker: placement, scheduledAt: formatTime(now) }
  return {
    ...rest,
    status,
    conditions: conditionsFor('Scheduled', 'Scheduled', `Attempt ${attempt} was given to Worker ${placement.name}.`),
    effects: [{ type: 'assign', job: { ...job, status }, model }],
  }
}

/** Everything is there but a worker. */
function inLinePlan(world: JobWorld, now: number): JobPlan {
  const { job, model, waiting } = world
  const queue: JobEffect = { type: 'queue', job, model }
  const far = (waiting.position ?? 1) > nearPositions
  const dueMs = waitingSince(world) + (far ? describeFarAfterMs : describeAfterMs) - now
  if (dueMs > 0) return { ...rest, effects: [queue], next: { kind: 'after', seconds: Math.max(0.05, dueMs / 1000) } }
  const finding = workerFinding(world)
  return { ...described(world, finding, waiting.position), effects: [queue], next: { kind: 'after', seconds: refreshSeconds } }
}

function workerFinding({ waiting }: JobWorld): Finding {
  if (waiting.connected === 0)
    return { reason: 'NoWorker', message: `Waiting for a Worker with engine ${waiting.engine}; none is connected.` }
  if (waiting.capable === 0)
    return {
      reason: 'NoWorker',
      message: `Waiting for a Worker with engine ${waiting.engine} that this namespace may use; of ${waiting.connected} connected none is.`,
    }
  return { reason: 'WorkersBusy', message: `Waiting for a free slot; all ${waiting.capable} Workers that could run it are busy.` }
}

/** Something other than a worker is missing. */
function heldPlan(world: JobWorld, finding: Finding, now: number): JobPlan {
  const leave: JobEffect = { type: 'leaveQueue', uid: world.job.metadata.uid ?? '' }
  const dueMs = waitingSince(world) + describeAfterMs - now
  const wake = Math.min(finding.afterMs ?? Infinity, queueDeadlineLeftMs(world, now) ?? Infinity)
  const next = (ms: number): JobPlan['next'] =>
    Number.isFinite(ms) ? { kind: 'after', seconds: Math.max(0.05, ms / 1000) } : { kind: 'change' }
  // A Job that backs off says so already.
  if (finding.reason === 'BackingOff') return { ...rest, effects: [leave], next: next(wake) }
  if (dueMs > 0) return { ...rest, effects: [leave], next: next(Math.min(dueMs, wake)) }
  return { ...described(world, finding, undefined), effects: [leave], next: next(wake) }
}

function described({ job }: JobWorld, { reason, message }: Finding, position: number | undefined): JobPlan {
  const status = statusOf(job)
  const phase = status.attempt === 0 ? 'Pending' : 'Retrying'
  const { retryAt: _retryAt, ...kept } = status
  return {
    ...rest,
    status: {
      ...kept,
      phase,
      queue: { reasons: [message.slice(0, 256)], ...(position === undefined || position > nearPositions ? {} : { position }) },
    },
    conditions: conditionsFor(phase, reason, message),
  }
}

function givenUpPlan(
  { job }: JobWorld,
  { reason, message }: Finding,
  { class: failureClass, hint }: { class: 'DeadlineExceeded' | 'DependencyFailed'; hint: string },
  now: number,
): JobPlan {
  const status = statusOf(job)
  return {
    ...rest,
    status: {
      ...settled(status),
      phase: 'Failed',
      finishedAt: formatTime(now),
      failure: { class: failureClass, reason, message, hint },
      attempts: status.attempt === 0 ? status.attempts : withEndedAttempt(status, failureClass, now, message).slice(-10),
    },
    conditions: conditionsFor('Failed', reason, message),
    events: [{ type: 'Warning', reason, action: 'Wait', note: `Job ${job.metadata.name} failed: ${message}` }],
    effects: [{ type: 'leaveQueue', uid: job.metadata.uid ?? '' }],
  }
}

function waitingSince({ job }: JobWorld): number {
  const ended = parseTime(statusOf(job).attempts.at(-1)?.endedAt)
  return ended ?? parseTime(job.metadata.creationTimestamp) ?? 0
}

function queueDeadlineLeftMs({ job }: JobWorld, now: number): number | undefined {
  const seconds = job.spec.deadlines?.queueSeconds
  const created = parseTime(job.metadata.creationTimestamp)
  if (seconds === undefined || created === undefined || statusOf(job).attempt > 0) return undefined
  return created + seconds * 1000 - now
}

function queueDeadlinePassed(world: JobWorld, now: number): Finding | undefined {
  const leftMs = queueDeadlineLeftMs(world, now)
  if (leftMs === undefined || leftMs > 0) return undefined
  const seconds = world.job.spec.deadlines?.queueSeconds ?? 0
  return {
    reason: 'DeadlineExceeded',
    message: `Not started within deadlines.queueSeconds (${seconds} s).`,
    fails: { class: 'DeadlineExceeded', hint: 'Raise spec.deadlines.queueSeconds or spec.priority in a new Job.' },
  }
}

function dependencyFailed({ dependencies }: JobWorld): Finding | undefined {
  const failed = dependencies.find(
    ({ job }) => job !== undefined && (statusOf(job).phase === 'Failed' || statusOf(job).phase === 'Cancelled'),
  )
  if (failed?.job === undefined) return undefined
  return {
    reason: 'DependencyFailed',
    message: `Job ${failed.name}, named in dependsOn, is ${statusOf(failed.job).phase}.`,
    fails: { class: 'DependencyFailed', hint: `Create ${failed.name} again under a new name and this Job with it.` },
  }
}

function isSuspended({ job }: JobWorld): Finding | undefined {
  return job.spec.suspend ? { reason: 'Suspended', message: 'spec.suspend is true; set it to false to let the Job start.' } : undefined
}

function dependenciesWait({ dependencies }: JobWorld): Finding | undefined {
  const open = dependencies.filter(({ job }) => job === undefined || !isTerminal(job))
  if (open.length === 0) return undefined
  const names = open.map(({ name, job }) => (job === undefined ? `${name} (does not exist)` : name))
  return {
    reason: 'WaitingForDependencies',
    message: `Waiting for ${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''} to succeed.`,
  }
}

function queueIsMissing({ job, queueExists }: JobWorld): Finding | undefined {
  return queueExists
    ? undefined
    : { reason: 'QueueNotFound', message: `There is no Queue ${job.spec.queue}; create it, or set spec.queue to default.` }
}

function modelIsMissing({ job, model, similarModel }: JobWorld): Finding | undefined {
  const wanted = job.spec.inference?.modelRef
  if (wanted === undefined || model !== undefined) return undefined
  const meant = similarModel === undefined ? 'create it, or correct modelRef in a new Job' : `did you mean ${similarModel}?`
  return {
    reason: 'ModelNotFound',
    message: `There is no Model ${wanted.name} in namespace ${wanted.namespace ?? job.metadata.namespace ?? ''}; ${meant}`,
  }
}

function modelIsNotAllowed({ job, model, modelAllowed }: JobWorld): Finding | undefined {
  if (model === undefined || modelAllowed) return undefined
  return {
    reason: 'ModelNotAllowed',
    message: `Model ${model.metadata.name} does not allow namespace ${job.metadata.namespace ?? ''}; its owner can add it to spec.allowedNamespaces.`,
  }
}

function modelIsNotReady({ model }: JobWorld): Finding | undefined {
  if (model === undefined || (model.status?.digest !== undefined && model.status.artifact !== undefined && model.status.phase === 'Ready'))
    return undefined
  const percent = model.status?.progress?.percent
  const state =
    model.status?.phase === 'Failed'
      ? 'its import failed; see its conditions'
      : percent === undefined
        ? 'it is not verified yet'
        : `its import is at ${percent} %`
  return { reason: 'ModelNotReady', message: `Waiting for Model ${model.metadata.name}: ${state}.` }
}

function isBackingOff({ job }: JobWorld, now: number): Finding | undefined {
  const retryAt = parseTime(statusOf(job).retryAt)
  if (retryAt === undefined || retryAt <= now) return undefined
  return { reason: 'BackingOff', message: `The next attempt starts at ${statusOf(job).retryAt ?? ''}.`, afterMs: retryAt - now }
}
