/**
 * What should happen next to a Job. Total: every world has a plan.
 *
 *   waiting (Pending, Retrying) ──placed──► active (Scheduled, Running) ──report──► terminal or waiting again
 *
 * Guarantees: a new attempt is issued only when the last one is known to be over; a cancel or a deadline takes effect only
 * when the worker has let go or is gone, and a valid result that came first wins; a short Job costs two writes of its status.
 */
import { parseTime } from '@mnemos/api'
import { activePlan } from './job-active.ts'
import { ownPodPlan, straysOf, waitsForLogs } from './job-dedicated.ts'
import { isActive, isTerminal, type JobPlan, rest, statusOf, uidOf, wakeAfter } from './job-status.ts'
import { waitingPlan } from './job-waiting.ts'
import type { AttemptEnd, JobEffect, JobWorld, ResultVerdict } from './job-world.ts'

/** @param now milliseconds since 1970 */
export function decideJob(world: JobWorld, now: number): JobPlan {
  const decided = decideByPhase(world, now)
  const strays = world.job.metadata.deletionTimestamp === undefined ? straysOf(world) : []
  const plan = strays.length === 0 ? decided : { ...decided, remove: [...decided.remove, ...strays] }
  const told = [...straysTold(world), ...lateReportTold(world)]
  return told.length === 0 ? plan : { ...plan, effects: [...(plan.effects ?? []), ...told] }
}

function decideByPhase(given: JobWorld, now: number): JobPlan {
  const isLeaving = given.job.metadata.deletionTimestamp !== undefined
  if (isTerminal(given.job)) return isLeaving ? rest : terminalPlan(given, now)
  const world = isLeaving ? cancelled(given) : given
  if (!isActive(world.job)) return waitingPlan(world, now)
  return world.own === undefined ? activePlan(world, now) : ownPodPlan(world, world.own, now)
}

/** A deleted Job is there as long as somebody's finalizer keeps it, which is no reason for its work to go on. */
function cancelled({ job, ...world }: JobWorld): JobWorld {
  return { ...world, job: { ...job, spec: { ...job.spec, cancel: true } } }
}

/** What Argo CD and Flux put on the objects that they keep. */
const gitOpsMarks = [
  'argocd.argoproj.io/tracking-id',
  'argocd.argoproj.io/instance',
  'kustomize.toolkit.fluxcd.io/name',
  'helm.toolkit.fluxcd.io/name',
]

/** A Job that has ended leaves the line, and is deleted when its time has come. */
function terminalPlan(world: JobWorld, now: number): JobPlan {
  const { job } = world
  const effects: JobEffect[] = [{ type: 'leaveQueue', uid: uidOf(job) }]
  const finishedAt = parseTime(statusOf(job).finishedAt)
  const ttl = job.spec.ttlSecondsAfterFinished
  if (ttl === undefined || finishedAt === undefined || isTrackedByGitOps(job)) return { ...rest, effects }
  const leftMs = finishedAt + ttl * 1000 - now
  if (leftMs > 0) return { ...rest, effects, next: wakeAfter(leftMs) }
  if (waitsForLogs(world)) return { ...rest, effects }
  const { name, namespace } = job.metadata
  const removal = { apiVersion: job.apiVersion, kind: job.kind, name, uid: uidOf(job) }
  return { ...rest, effects, remove: [namespace === undefined ? removal : { ...removal, namespace }] }
}

/** Whoever keeps the Job in Git would make it again, and it would run again, for ever. */
function isTrackedByGitOps({ metadata: { labels = {}, annotations = {} } }: JobWorld['job']): boolean {
  return gitOpsMarks.some((mark) => mark in labels || mark in annotations)
}

/** Nobody waits for these attempts: their results are refused, and those still at work are stopped. */
function straysTold({ job, strays }: JobWorld): JobEffect[] {
  const uid = uidOf(job)
  return strays.map(({ attempt, worker, ended }) =>
    ended ? { type: 'answer', uid, attempt, worker, verdict: 'superseded' } : { type: 'stop', uid, attempt, worker, reason: 'superseded' },
  )
}

/** A report on the newest attempt after that attempt was closed: heard twice, or too late. */
function lateReportTold({ job, report }: JobWorld): JobEffect[] {
  const { attempt, worker, phase } = statusOf(job)
  if (isActive(job) || worker === undefined || report === undefined) return []
  const about = { uid: uidOf(job), attempt, worker }
  if (report.end !== undefined) return [{ type: 'answer', ...about, verdict: verdictFor(phase, report.end) }]
  return [{ type: 'stop', ...about, reason: 'superseded' }]
}

function verdictFor(phase: string, end: AttemptEnd): ResultVerdict {
  const outcome = { succeeded: 'Succeeded', failed: 'Failed', cancelled: 'Cancelled', released: 'Cancelled' } as const
  return outcome[end.type] === phase ? 'committed' : 'superseded'
}
