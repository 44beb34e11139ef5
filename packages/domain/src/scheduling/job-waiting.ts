/**
 * A Job that has no attempt out: whether it may start, and why not.
 *
 * The checks stand in order; the first finding wins. What only waits for a worker is said after a while, so that a Job that
 * starts at once costs no write for having waited.
 */
import { formatTime, type Job, type JobStatus, parseTime, type Reason } from '@mnemos/api'
import { nearest } from '../admission/nearest.ts'
import { aliasTargetOf } from '../models/alias.ts'
import { importKeyOf } from '../models/import-source.ts'
import { inputFiles } from './container-files.ts'
import { inferenceInputs } from './input-source.ts'
import { issuedPlan } from './job-dedicated.ts'
import { conditionsFor, isTerminal, type JobPlan, rest, settled, statusOf, uidOf, wakeAfter } from './job-status.ts'
import type { JobEffect, JobWorld, PlacedOn, Waiting } from './job-world.ts'
import { modelUsed } from './model-used.ts'
import { outputSchemaMistakes } from './output-schema.ts'
import { placesTold } from './placement.ts'
import { missingFor } from './pod-with-files.ts'

/** A wait shorter than a second is not worth a write; creation times are cut to whole seconds. */
const describeAfterMs = 2000
/** Who waits for a busy worker is told so after this long, if the line will not have brought him to its front soon. */
const describeBusyAfterMs = 10_000
const soonMs = 30_000
/** Jobs far back in the line are looked at later: most will have started by then. */
const refreshMs = 30_000

interface Finding {
  readonly reason: Reason
  readonly message: string
  /** The Job fails for good with this. */
  readonly fails?: { readonly class: 'BadInput' | 'DeadlineExceeded' | 'DependencyFailed'; readonly hint: string }
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
  queueIsNotAllowed,
  modelIsMissing,
  modelIsNotAllowed,
  modelIsNotReady,
  inputIsWrong,
  importIsWrong,
  outputSchemaIsWrong,
  podsCannotBeMade,
  isBackingOff,
]

/** What happens next to a Job that waits. */
export function waitingPlan(world: JobWorld, now: number): JobPlan {
  if (world.job.spec.cancel) return cancelledPlan(world, now)
  for (const check of checks) {
    const finding = check(world, now)
    if (finding === undefined) continue
    return finding.fails === undefined ? heldPlan(world, finding, now) : givenUpPlan(world, finding, finding.fails, now)
  }
  if (world.own !== undefined) return issuedPlan(world, world.own, now)
  return world.placement === undefined ? inLinePlan(world, now) : placedPlan(world, world.placement, now)
}

function cancelledPlan({ job }: JobWorld, now: number): JobPlan {
  return {
    ...rest,
    status: { ...settled(statusOf(job)), phase: 'Cancelled', finishedAt: formatTime(now) },
    conditions: conditionsFor('Cancelled', 'Cancelled', 'The Job was cancelled while it waited.'),
    effects: [{ type: 'leaveQueue', uid: uidOf(job) }],
  }
}

/** Issues the next attempt. The worker hears of it only after this status is stored. */
function placedPlan({ job, model }: JobWorld, placement: PlacedOn, now: number): JobPlan {
  const { startedAt: _startedAt, failure: _failure, ...kept } = settled(statusOf(job))
  const attempt = kept.attempt + 1
  const status = {
    ...kept,
    phase: 'Scheduled' as const,
    attempt,
    worker: placement,
    scheduledAt: formatTime(now),
    ...modelUsed(job, model),
  }
  return {
    ...rest,
    status,
    conditions: conditionsFor('Scheduled', 'Scheduled', `Attempt ${attempt} was given to Worker ${placement.name}.`),
    effects: [{ type: 'assign', job: { ...job, status }, model }],
    next: wakeAfter(job.spec.deadlines?.runSeconds === undefined ? undefined : job.spec.deadlines.runSeconds * 1000),
  }
}

/** Everything is there but a worker. */
function inLinePlan(world: JobWorld, now: number): JobPlan {
  const { job, model, waiting } = world
  const effects: JobEffect[] = [{ type: 'queue', job, model }]
  const deadlineMs = queueDeadlineLeftMs(world, now)
  const finding = workerFinding(world)
  const isBusy = finding.reason === 'WorkersBusy'
  const patienceMs = isBusy ? describeBusyAfterMs : waiting.position === undefined ? refreshMs : describeAfterMs
  const waitedMs = now - waitingSince(world)
  // Who came just now does not know yet whether there are workers at all.
  const dueMs = (waitedMs < describeAfterMs ? describeAfterMs : patienceMs) - waitedMs
  if (dueMs > 0) return { ...rest, effects, next: wakeAfter(dueMs, deadlineMs) }
  // In a line that moves fast, the writes that describe it would outnumber those that move it.
  if (isBusy && startsWithinMs(waiting) < soonMs) return { ...rest, effects, next: wakeAfter(describeBusyAfterMs, deadlineMs) }
  return { ...described(world, finding, placeOf(world, now)), effects, next: wakeAfter(refreshMs, deadlineMs) }
}

/** When it is this Job's turn if the line goes on as it did lately; for those far back, the earliest that can be. */
function startsWithinMs({ position = placesTold, startsPerSecond }: Waiting): number {
  return (position * 1000) / startsPerSecond
}

function workerFinding({ waiting: { connected, capable, engine }, emptyPools }: JobWorld): Finding {
  const needs = engine === undefined ? 'needs a Worker' : `needs a Worker with engine ${engine}`
  if (capable === 0 && emptyPools.length > 0) return { reason: 'NoWorker', message: emptyPools.join(' ') }
  if (connected === 0) return { reason: 'NoWorker', message: `${needs}; none that takes work is connected` }
  if (capable === 0)
    return { reason: 'NoWorker', message: `${needs} in a pool that this namespace may use; none of the ${connected} connected is one` }
  return { reason: 'WorkersBusy', message: `${needs} with a free slot; all ${capable} that could run it are busy` }
}

/** Something other than a worker is missing. */
function heldPlan(world: JobWorld, finding: Finding, now: number): JobPlan {
  const effects: JobEffect[] = [{ type: 'leaveQueue', uid: uidOf(world.job) }]
  const deadlineMs = queueDeadlineLeftMs(world, now)
  // A Job that backs off says so already.
  if (finding.reason === 'BackingOff') return { ...rest, effects, next: wakeAfter(finding.afterMs, deadlineMs) }
  const dueMs = waitingSince(world) + describeAfterMs - now
  if (dueMs > 0) return { ...rest, effects, next: wakeAfter(dueMs, finding.afterMs, deadlineMs) }
  return { ...described(world, finding), effects, next: wakeAfter(finding.afterMs, deadlineMs) }
}

type Place = Pick<NonNullable<JobStatus['queue']>, 'position' | 'startEta'>

/** The place in the line and when it will be this Job's turn. An estimate stands until the place changes: it is worth no write of its own. */
function placeOf({ job, waiting }: JobWorld, now: number): Place {
  const { position, startsPerSecond } = waiting
  if (position === undefined) return {}
  const told = statusOf(job).queue
  if (told?.position === position && told.startEta !== undefined) return { position, startEta: told.startEta }
  return { position, ...(startsPerSecond === 0 ? {} : { startEta: formatTime(now + startsWithinMs(waiting)) }) }
}

function described({ job }: JobWorld, { reason, message }: Finding, place: Place = {}): JobPlan {
  const status = statusOf(job)
  const phase = status.attempt === 0 ? 'Pending' : 'Retrying'
  const { retryAt: _retryAt, ...kept } = status
  return {
    ...rest,
    status: { ...kept, phase, queue: { reasons: [message.slice(0, 256)], ...place } },
    conditions: conditionsFor(phase, reason, message),
  }
}

function givenUpPlan(
  { job }: JobWorld,
  { reason, message }: Finding,
  { class: failureClass, hint }: NonNullable<Finding['fails']>,
  now: number,
): JobPlan {
  const failure = { class: failureClass, reason, message: message.slice(0, 1024), hint }
  return {
    ...rest,
    status: { ...settled(statusOf(job)), phase: 'Failed', finishedAt: formatTime(now), failure },
    conditions: conditionsFor('Failed', reason, message),
    events: [{ type: 'Warning', reason, action: 'Wait', note: `Job ${job.metadata.name} failed: ${message}` }],
    effects: [{ type: 'leaveQueue', uid: uidOf(job) }],
  }
}

function waitingSince({ job }: JobWorld): number {
  return parseTime(statusOf(job).attempts.at(-1)?.endedAt) ?? parseTime(job.metadata.creationTimestamp) ?? 0
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
  return {
    reason: 'DeadlineExceeded',
    message: `Not started within deadlines.queueSeconds (${world.job.spec.deadlines?.queueSeconds ?? 0} s).`,
    fails: { class: 'DeadlineExceeded', hint: 'Raise spec.deadlines.queueSeconds or spec.priority in a new Job.' },
  }
}

function dependencyFailed({ dependencies }: JobWorld): Finding | undefined {
  const failed = dependencies.find(({ job }) => job !== undefined && isTerminal(job) && statusOf(job).phase !== 'Succeeded')
  if (failed?.job === undefined) return undefined
  return {
    reason: 'DependencyFailed',
    message: `Job ${failed.name}, named in dependsOn, is ${statusOf(failed.job).phase}.`,
    fails: { class: 'DependencyFailed', hint: `Create ${failed.name} again under a new name, and this Job with it.` },
  }
}

function isSuspended({ job }: JobWorld): Finding | undefined {
  return job.spec.suspend ? { reason: 'Suspended', message: 'spec.suspend is true; set it to false to let the Job start' } : undefined
}

function dependenciesWait({ dependencies }: JobWorld): Finding | undefined {
  const open = dependencies.filter(({ job }) => job === undefined || !isTerminal(job))
  if (open.length === 0) return undefined
  const names = open.slice(0, 5).map(({ name, job }) => (job === undefined ? `${name} (does not exist)` : name))
  const more = open.length > names.length ? ` and ${open.length - names.length} more` : ''
  return { reason: 'WaitingForDependencies', message: `waits for ${names.join(', ')}${more} to succeed` }
}

function queueIsMissing({ job, queueExists }: JobWorld): Finding | undefined {
  if (queueExists) return undefined
  return { reason: 'QueueNotFound', message: `no Queue ${job.spec.queue}; create it, or set spec.queue to default` }
}

function queueIsNotAllowed({ job, queueAllowed }: JobWorld): Finding | undefined {
  if (queueAllowed) return undefined
  const { namespace = '' } = job.metadata
  const message = `Queue ${job.spec.queue} does not take Jobs of namespace ${namespace}; set spec.queue to another, or ask who may label the namespace`
  return { reason: 'QueueNotAllowed', message }
}

function modelIsMissing({ job, model, otherModels }: JobWorld): Finding | undefined {
  const wanted = job.spec.inference?.modelRef
  if (wanted === undefined || model !== undefined) return undefined
  const meant = nearest(wanted.name, otherModels)
  const advice = meant === undefined ? 'create it, or correct modelRef in a new Job' : `did you mean ${meant}?`
  return {
    reason: 'ModelNotFound',
    message: `no Model ${wanted.name} in namespace ${wanted.namespace ?? job.metadata.namespace ?? ''}; ${advice}`,
  }
}

function modelIsNotAllowed({ job, model, modelAllowed }: JobWorld): Finding | undefined {
  if (model === undefined || modelAllowed) return undefined
  const message = `Model ${model.metadata.name} does not allow namespace ${job.metadata.namespace ?? ''}; its owner can add it to spec.allowedNamespaces`
  return { reason: 'ModelNotAllowed', message }
}

/** Says nothing of percents: thousands of Jobs may wait for one Model, and each would write them down. */
function modelIsNotReady({ model }: JobWorld): Finding | undefined {
  if (model === undefined) return undefined
  const { phase, digest, artifact, conditions = [] } = model.status ?? {}
  if (conditions.some(({ type, reason }) => type === 'Ready' && reason === 'PolicyViolation'))
    return { reason: 'ModelNotReady', message: `waits for Model ${model.metadata.name}: a policy does not allow it, see its conditions` }
  // A Model that is being brought up for serving has its bytes: whoever asks it is part of that.
  if (digest !== undefined && artifact !== undefined) return undefined
  const own = phase === 'Failed' ? 'its import failed, see its conditions' : 'its artifact is not verified yet'
  const state = aliasTargetOf(model) === undefined ? own : 'it is an alias that leads to no verified bytes, see its conditions'
  return { reason: 'ModelNotReady', message: `waits for Model ${model.metadata.name}: ${state}` }
}

/** Inputs that can never be had. Those of Jobs that have not succeeded yet are waited for like dependencies. */
function inputIsWrong({ job, dependencies }: JobWorld): Finding | undefined {
  const jobNamed = (wanted: string): Job | undefined => dependencies.find(({ name }) => name === wanted)?.job
  const field = job.spec.inference === undefined ? 'spec.container.inputs' : 'spec.inference.inputs'
  const inputs = inferenceInputs(job, jobNamed) ?? inputFiles(job, jobNamed)
  if (!('mistake' in inputs)) return undefined
  const message = `${inputs.mistake}.`
  return { reason: 'BadInput', message, fails: { class: 'BadInput', hint: `Correct ${field} in a new Job.` } }
}

/** An import of bytes that MNEMOS has: only those of its own namespace, by a key that the operator found. */
function importIsWrong({ job }: JobWorld): Finding | undefined {
  const found = importKeyOf(job)
  if (found === undefined || !('mistake' in found)) return undefined
  const message = `${found.mistake}.`
  return { reason: 'BadInput', message, fails: { class: 'BadInput', hint: 'Correct spec.source.uri of the Model.' } }
}

/** As admission says, which may have been away. */
function outputSchemaIsWrong({ job }: JobWorld): Finding | undefined {
  const { outputs } = job.spec.container ?? {}
  const [mistake] = outputSchemaMistakes(outputs)
  if (mistake === undefined) return undefined
  const { index, pointer, message } = mistake
  const field = index === undefined ? 'spec.container.outputs' : `spec.container.outputs[${index}].schema`
  const place = pointer === '' ? field : `${field} at ${pointer}`
  return { reason: 'BadInput', message: `${place}: ${message}.`, fails: { class: 'BadInput', hint: `Correct ${field} in a new Job.` } }
}

/** Files and answers are moved by programs of ours in the pods of Jobs. */
function podsCannotBeMade({ job, own }: JobWorld): Finding | undefined {
  const message = own === undefined ? undefined : missingFor(job, own)
  return message === undefined ? undefined : { reason: 'NoSidecar', message, afterMs: 5000 }
}

function isBackingOff({ job }: JobWorld, now: number): Finding | undefined {
  const { retryAt } = statusOf(job)
  const leftMs = (parseTime(retryAt) ?? now) - now
  return leftMs <= 0 ? undefined : { reason: 'BackingOff', message: `the next attempt starts at ${retryAt ?? ''}`, afterMs: leftMs }
}
