/**
 * A Job with `container`, or an inference with `placement.dedicated`: each attempt is a pod of its own, and the pod is the worker.
 *
 *   waiting ──status: Scheduled, attempt n──► pod n created ──► runs ──► terminal ──► Succeeded, Failed, or waiting again
 *
 * Guarantees: the status names the attempt before its pod is made; attempt n+1 is issued only when no pod of the Job can still
 * run; a cancel or a deadline takes effect only when the pod is terminal or gone, and a success that came first wins.
 */
import { formatTime, type Job, parseTime } from '@mnemos/api'
import type { Removal } from '@mnemos/kube'
import type { Pod } from '../workers/cluster-objects.ts'
import { type Failure, failedPlan, startOfAttempt, stoppedPlan } from './attempt-ends.ts'
import { logsRecordedAnnotation, podName, podPlace, stopSeconds } from './dedicated-pod.ts'
import { failureOfPod, isLeaving, isOver, type StartTrouble, startOfPod, startTroubleOf } from './dedicated-pod-state.ts'
import { conditionsFor, isActive, type JobPlan, rest, settled, statusOf, uidOf, wakeAfter, withEndedAttempt } from './job-status.ts'
import type { JobWorld, OwnPods } from './job-world.ts'
import { modelUsed } from './model-used.ts'
import { podWithFiles } from './pod-with-files.ts'
import { inferenceFailure, inputFailure, type TakenEnd, takenEnd } from './sidecar-end.ts'

/**
 * `Running` is written only for what still runs this long after its start: short Jobs save a write. Pods tell whole seconds, so this
 * is one second or more; with 1,000 ms what started late in a second would be told of at once.
 */
const runningAfterMs = 2000
/** A pod that nobody could place yet is told of after this long: the scheduler needs a moment. */
const describeAfterMs = 2000
/** A pod that its node cannot start is given up after this long. */
const givenUpAfterMs = 60_000
const retryNameMs = 5000

/** Issues the next attempt; its pod is made once that is stored. */
export function issuedPlan({ job, model }: JobWorld, own: OwnPods, now: number): JobPlan {
  if (own.pods.some((pod) => !isOver(pod))) return rest
  const { startedAt: _startedAt, failure: _failure, logs: _logs, ...kept } = settled(statusOf(job))
  const attempt = kept.attempt + 1
  const worker = podPlace(job, attempt)
  const { namespace = '' } = job.metadata
  const logs = own.recordsLogs ? { logs: `artifact://logs/${namespace}/${uidOf(job)}/a${attempt}` } : {}
  const status = { ...kept, phase: 'Scheduled' as const, attempt, worker, scheduledAt: formatTime(now), ...logs, ...modelUsed(job, model) }
  return { ...rest, status, conditions: conditionsFor('Scheduled', 'Scheduled', issuedMessage(attempt, worker.name)) }
}

/** What happens next to an attempt that is out. */
export function ownPodPlan(world: JobWorld, own: OwnPods, now: number): JobPlan {
  const pod = own.pods.find(({ metadata }) => metadata.name === podName(world.job, statusOf(world.job).attempt))
  if (pod === undefined) return absentPlan(world, own, now)
  if (isOver(pod)) return endedPlan(world.job, pod, now)
  const startedAt = startOf(world.job, pod)
  // The attempt ends at once, for the container has not begun; the pod is then one that nobody needs.
  const inputs = startedAt === undefined && !isLeaving(pod) ? inputFailure(world.job, pod) : undefined
  if (inputs !== undefined) return failedPlan(world.job, startedAt, inputs, now)
  const isGivenUp = startTroubleOf(pod)?.hasNode === true && givenUp(world.job, startedAt, now) !== undefined
  if (stopWanted(world.job, startedAt, now) !== undefined || isGivenUp) return { ...rest, remove: removalsOf([pod]) }
  return goingOnPlan(world.job, pod, startedAt, now)
}

/**
 * Pods that nobody needs: earlier attempts', and whatever still runs of a Job that has no attempt out. Where a recorder stores logs,
 * an ended pod goes when its log is stored, and not before.
 */
export function straysOf({ job, own }: JobWorld): Removal[] {
  if (own === undefined) return []
  const current = podName(job, statusOf(job).attempt)
  const isStray = (pod: Pod): boolean => {
    if (isActive(job) && pod.metadata.name === current) return false
    return isOver(pod) && own.recordsLogs ? hasLogStored(pod) : isActive(job) || !isOver(pod)
  }
  return removalsOf(own.pods.filter(isStray))
}

/** Whether the log of a pod of this Job is still to be stored: with the Job the pod would go. */
export function waitsForLogs({ own }: JobWorld): boolean {
  return own?.recordsLogs === true && own.pods.some((pod) => !hasLogStored(pod))
}

function hasLogStored({ metadata }: Pod): boolean {
  return metadata.annotations?.[logsRecordedAnnotation] === 'true'
}

function removalsOf(pods: readonly Pod[]): Removal[] {
  return pods
    .filter((pod) => !isLeaving(pod))
    .map(({ metadata: { namespace = '', name, uid = '' } }) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      namespace,
      name,
      uid,
      graceSeconds: stopSeconds,
    }))
}

type Kept = Extract<TakenEnd, { readonly result: unknown }>
type Stop = 'cancelled' | 'runDeadline' | 'queueDeadline'

function stopWanted(job: Job, startedAt: number | undefined, now: number): Stop | undefined {
  if (job.spec.cancel) return 'cancelled'
  const leftMs = deadlineLeftMs(job, startedAt, now)
  if (leftMs === undefined || leftMs > 0) return undefined
  return startedAt === undefined ? 'queueDeadline' : 'runDeadline'
}

/** What waits for a node has not started: the deadline of the queue goes on for it, and that of the run has not begun. */
function deadlineLeftMs(job: Job, startedAt: number | undefined, now: number): number | undefined {
  const { queueSeconds, runSeconds } = job.spec.deadlines ?? {}
  if (startedAt !== undefined) return runSeconds === undefined ? undefined : startedAt + runSeconds * 1000 - now
  const created = parseTime(job.metadata.creationTimestamp)
  // A later attempt has been started before.
  if (queueSeconds === undefined || created === undefined || statusOf(job).attempt > 1) return undefined
  return created + queueSeconds * 1000 - now
}

function stopped(job: Job, startedAt: number | undefined, stop: Stop, now: number): JobPlan {
  if (stop !== 'queueDeadline') return stoppedPlan(job, startedAt, now)
  const message = `Not started within deadlines.queueSeconds (${job.spec.deadlines?.queueSeconds ?? 0} s). ${toldOf(job)}`.trim()
  const hint = 'Raise spec.deadlines.queueSeconds in a new Job, or ask for what a node has.'
  return failedPlan(job, undefined, { class: 'DeadlineExceeded', reason: 'QueueDeadline', message, hint }, now)
}

/** There is no pod: it is yet to be made or seen, was refused, or is gone. */
function absentPlan(world: JobWorld, own: OwnPods, now: number): JobPlan {
  const { job } = world
  const startedAt = startOf(job, undefined)
  if (own.absent === 'made') return { ...rest, next: wakeAfter(retryNameMs) }
  const stop = stopWanted(job, startedAt, now)
  if (stop !== undefined) return stopped(job, startedAt, stop, now)
  const failure = failureOfAbsent(job, own, now)
  if (failure !== undefined) return failedPlan(job, startedAt, failure, now)
  return createdPlan(world, own, now)
}

function failureOfAbsent(job: Job, { absent, refusal }: OwnPods, now: number): Failure | undefined {
  const { worker, phase } = statusOf(job)
  if (refusal !== undefined && !refusal.nameIsTaken)
    return {
      class: 'BadInput',
      reason: 'PodRefused',
      message: `The pod was refused: ${refusal.message}`,
      hint: 'Change that in a new Job, or ask whoever made that rule or quota.',
    }
  const given = givenUp(job, startOf(job, undefined), now)
  if (given !== undefined) return given
  if (absent === 'unmade' && phase === 'Scheduled') return undefined
  return { class: 'NodeLost', reason: 'PodLost', message: `Pod ${worker?.name ?? ''} is gone: it was deleted, or its node was lost.` }
}

/** The failure of an attempt whose pod could not be started for too long: by us it was deleted, perhaps before a restart. */
function givenUp(job: Job, startedAt: number | undefined, now: number): Failure | undefined {
  const trouble = troubleTold(job)
  if (startedAt !== undefined || trouble === undefined || troubleLeftMs(job, now) !== 0) return undefined
  const { reason, message } = trouble
  return { class: 'ContainerFailed', reason, message, hint: 'Correct spec.container in a new Job.' }
}

function createdPlan(world: JobWorld, own: OwnPods, now: number): JobPlan {
  const { job } = world
  const { attempt } = statusOf(job)
  // An attempt's pod is made when no other can run any more, and when its name is free.
  if (own.nameIsHeld || own.pods.some((each) => !isOver(each))) return rest
  const pod = podWithFiles(world, own, attempt)
  if ('failure' in pod) return failedPlan(job, undefined, pod.failure, now)
  if ('missing' in pod) {
    const trouble = held(job, { reason: 'NoSidecar', message: pod.missing, hasNode: false })
    return { ...rest, ...trouble, next: wakeAfter(retryNameMs, deadlineLeftMs(job, undefined, now)) }
  }
  const plan: JobPlan = {
    ...rest,
    create: [pod.made],
    effects: [{ type: 'podMade', uid: uidOf(job), attempt }],
    next: wakeAfter(retryNameMs, deadlineLeftMs(job, undefined, now)),
  }
  if (own.refusal === undefined) return plan
  return { ...plan, ...held(job, { reason: 'PodRefused', message: own.refusal.message, hasNode: false }) }
}

function endedPlan(job: Job, pod: Pod, now: number): JobPlan {
  const startedAt = startOf(job, pod)
  const stop = stopWanted(job, startedAt, now)
  if (pod.status?.phase === 'Succeeded') {
    const taken = takenEnd(job, pod)
    if (taken === 'waits') return { ...rest, next: wakeAfter(deadlineLeftMs(job, startedAt, now)) }
    if ('result' in taken) return succeededPlan(job, startedAt, taken, now)
    return stop === 'cancelled' ? stopped(job, startedAt, stop, now) : failedPlan(job, startedAt, taken.failure, now)
  }
  // What failed by itself before it was stopped has that cause.
  if (stop !== undefined && (stop === 'cancelled' || isLeaving(pod))) return stopped(job, startedAt, stop, now)
  return failedPlan(job, startedAt, givenUp(job, startedAt, now) ?? inferenceFailure(job, pod, failureOfPod(pod)), now)
}

function succeededPlan(job: Job, startedAt: number | undefined, { result, usage }: Kept, now: number): JobPlan {
  const status = statusOf(job)
  const { failure: _failure, ...kept } = settled(status)
  const message = `Attempt ${status.attempt} succeeded: pod ${status.worker?.name ?? ''} ended with exit code 0.`
  return {
    ...rest,
    status: {
      ...kept,
      phase: 'Succeeded',
      ...startOfAttempt(startedAt),
      finishedAt: formatTime(now),
      ...(result === undefined ? {} : { result }),
      ...(usage === undefined ? {} : { usage }),
      attempts: withEndedAttempt(status, 'Succeeded', now),
    },
    conditions: conditionsFor('Succeeded', 'Succeeded', message),
  }
}

/** The pod is there: tell of what keeps it from starting, or that it runs. */
function goingOnPlan(job: Job, pod: Pod, startedAt: number | undefined, now: number): JobPlan {
  const deadlineMs = deadlineLeftMs(job, startedAt, now)
  if (isLeaving(pod)) return { ...rest, next: wakeAfter(deadlineMs) }
  const status = statusOf(job)
  if (startedAt !== undefined) {
    const untilToldMs = startedAt + runningAfterMs - now
    if (status.phase === 'Scheduled' && untilToldMs > 0) return { ...rest, next: wakeAfter(untilToldMs, deadlineMs) }
    const message = `Pod ${status.worker?.name ?? ''} has run attempt ${status.attempt} since ${formatTime(startedAt)}.`
    return {
      ...rest,
      status: { ...settled(status), phase: 'Running', ...startOfAttempt(startedAt) },
      conditions: conditionsFor('Running', 'Running', message),
      next: wakeAfter(deadlineMs),
    }
  }
  const trouble = startTroubleOf(pod)
  if (trouble === undefined) return { ...rest, ...free(job), next: wakeAfter(deadlineMs) }
  const untilToldMs = (parseTime(pod.metadata.creationTimestamp) ?? 0) + describeAfterMs - now
  if (!trouble.hasNode && untilToldMs > 0) return { ...rest, next: wakeAfter(untilToldMs, deadlineMs) }
  return {
    ...rest,
    ...held(job, trouble),
    next: wakeAfter(trouble.hasNode ? (troubleLeftMs(job, now) ?? givenUpAfterMs) : undefined, deadlineMs),
  }
}

/** The attempt is out and nothing is known to hold it. */
function free(job: Job): Pick<JobPlan, 'status' | 'conditions'> {
  const status = settled(statusOf(job))
  return { status, conditions: conditionsFor('Scheduled', 'Scheduled', issuedMessage(status.attempt, status.worker?.name ?? '')) }
}

/** The attempt is out, and this holds it. The condition that says so tells, by its time, since when. */
function held(job: Job, { reason, message, hasNode }: StartTrouble): Pick<JobPlan, 'status' | 'conditions'> {
  const { status, conditions = [] } = free(job)
  const told = { type: hasNode ? 'Started' : 'Placed', status: 'False', reason, message } as const
  return {
    status: status === undefined ? undefined : { ...status, queue: { reasons: [message.slice(0, 256)] } },
    conditions: hasNode ? [told, ...conditions] : [told],
  }
}

function troubleTold(job: Job): { readonly reason: string; readonly message: string; readonly lastTransitionTime: string } | undefined {
  return statusOf(job).conditions.find(({ type, status }) => type === 'Started' && status === 'False')
}

/** How long a pod that its node cannot start is still waited for, at least 0; undefined when nothing was told of that. */
function troubleLeftMs(job: Job, now: number): number | undefined {
  const since = parseTime(troubleTold(job)?.lastTransitionTime)
  return since === undefined ? undefined : Math.max(0, since + givenUpAfterMs - now)
}

/** What holds the attempt, as it was told last. */
function toldOf(job: Job): string {
  return statusOf(job).queue?.reasons[0] ?? ''
}

/** When the attempt started. What is stored stays. */
function startOf(job: Job, pod: Pod | undefined): number | undefined {
  return parseTime(statusOf(job).startedAt) ?? (pod === undefined ? undefined : startOfPod(pod))
}

function issuedMessage(attempt: number, place: string): string {
  return `Attempt ${attempt} was given to pod ${place}.`
}
