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
import { isActive, isTerminal, type JobPlan, rest, statusOf } from './job-status.ts'
import { waitingPlan } from './job-waiting.ts'
import type { JobEffect, JobWorld } from './job-world.ts'

/** @param now milliseconds since 1970 */
export function decideJob(world: JobWorld, now: number): JobPlan {
  const plan = decideByPhase(world, now)
  const answers: JobEffect[] = world.strays.map((attempt) => ({ type: 'answer', uid: uidOf(world), attempt, verdict: 'superseded' }))
  return answers.length === 0 ? plan : { ...plan, effects: [...(plan.effects ?? []), ...answers] }
}

function decideByPhase(world: JobWorld, now: number): JobPlan {
  if (world.job.metadata.deletionTimestamp !== undefined) return rest
  if (isTerminal(world.job)) return terminalPlan(world, now)
  return isActive(world.job) ? activePlan(world, now) : waitingPlan(world, now)
}

/** A Job that has ended: its worker is told, it leaves the line, and it is deleted when its time has come. */
function terminalPlan({ job, report }: JobWorld, now: number): JobPlan {
  const status = statusOf(job)
  const uid = job.metadata.uid ?? ''
  const effects: JobEffect[] = [{ type: 'leaveQueue', uid }]
  if (report?.end !== undefined)
    effects.push({
      type: 'answer',
      uid,
      attempt: status.attempt,
      verdict: status.phase === 'Succeeded' && report.end.type !== 'succeeded' ? 'superseded' : 'committed',
    })
  const ttl = job.spec.ttlSecondsAfterFinished
  const finishedAt = parseTime(status.finishedAt)
  if (ttl === undefined || finishedAt === undefined) return { ...rest, effects }
  const leftSeconds = (finishedAt + ttl * 1000 - now) / 1000
  if (leftSeconds > 0) return { ...rest, effects, next: { kind: 'after', seconds: leftSeconds } }
  const { name, namespace } = job.metadata
  return {
    ...rest,
    effects,
    remove: [{ apiVersion: job.apiVersion, kind: job.kind, name, ...(namespace === undefined ? {} : { namespace }), uid }],
  }
}

function uidOf({ job }: JobWorld): string {
  return job.metadata.uid ?? ''
}
