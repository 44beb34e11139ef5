/**
 * What should happen next to a Pipeline: its spec is checked as admission checks it, kept as a revision when it is right, and old
 * revisions go when nobody uses them.
 */
import { type ConditionFact, type Finding, type Pipeline, type PipelineRun, type PipelineStatus, parseTime } from '@mnemos/api'
import type { KubeObject, Plan, Removal } from '@mnemos/kube'
import { wakeAfter } from '../scheduling/job-status.ts'
import type { Written } from '../written.ts'
import type { CompiledPipeline } from './compiled.ts'
import { isOver } from './pipeline-run.ts'
import { type PipelineRevision, revisionName, revisionObject, withUsers } from './revision.ts'

export interface PipelineWorld {
  readonly pipeline: Pipeline
  /** The spec compiled, or what is wrong with it. */
  readonly compiled: CompiledPipeline | { readonly findings: readonly Finding[] }
  /** All revisions that this very Pipeline controls. */
  readonly revisions: readonly PipelineRevision[]
  /** All its runs. */
  readonly runs: readonly PipelineRun[]
  /** How long the next write of who uses a revision has to wait, in milliseconds. */
  readonly dueInMs: number
}

export type PipelinePlan = Plan<PipelineStatus, Written>

/** A run that is over within this time needs no revision of its own. */
const shortRunMs = 4000
/** Most users that a revision names: any of them keeps it. */
const maxUsers = 256
const maxMessage = 900

/** @param now milliseconds since 1970 */
export function decidePipeline(world: PipelineWorld, now: number): PipelinePlan {
  const { pipeline, compiled } = world
  if (pipeline.metadata.deletionTimestamp !== undefined) return rest
  if ('findings' in compiled) return invalidPlan(world, compiled.findings, now)
  const current = world.revisions.find(({ metadata }) => metadata.name === revisionName(pipeline))
  const apply = current === undefined ? [revisionObject(pipeline, [])] : []
  const message = `Revision ${pipeline.metadata.generation ?? 0} is in force: ${compiled.steps.size} steps.`
  const facts: ConditionFact[] = [
    { type: 'Ready', status: 'True', reason: 'RevisionInForce', message },
    { type: 'GraphValid', status: 'True', reason: 'RevisionInForce', message },
  ]
  const status: PipelineStatus = {
    ...statusOf(pipeline),
    revision: pipeline.metadata.generation,
    revisionName: revisionName(pipeline),
    steps: compiled.steps.size,
  }
  // Runs look for the revision that the status names, so it is there first.
  if (current === undefined) return { ...rest, apply, next: { kind: 'change' } }
  return { ...withKept(world, now), status, conditions: facts }
}

const rest: PipelinePlan = { status: undefined, apply: [], remove: [], events: [], next: { kind: 'change' } }

/** Runs go on with the last valid revision. */
function invalidPlan(world: PipelineWorld, findings: readonly Finding[], now: number): PipelinePlan {
  const said = findings.map(({ field, message, suggestion }) => `${field}: ${message}${suggestion === undefined ? '' : `; ${suggestion}`}`)
  const text = `${said.join('. ')}.`
  const message = text.length > maxMessage ? `${text.slice(0, maxMessage)}… (${findings.length} in all)` : text
  const fact = (type: ConditionFact['type'], status: ConditionFact['status']): ConditionFact => ({
    type,
    status,
    reason: 'GraphInvalid',
    message,
  })
  const facts = [fact('Ready', 'False'), fact('GraphValid', 'False'), fact('Stalled', 'True')]
  return { ...withKept(world, now), status: statusOf(world.pipeline), conditions: facts }
}

function statusOf({ status }: Pipeline): PipelineStatus {
  return status ?? { observedGeneration: 0, conditions: [] }
}

/** Revisions that nobody needs go; those that runs use name them as owners. */
function withKept(world: PipelineWorld, now: number): PipelinePlan {
  const { pipeline, revisions, runs, dueInMs } = world
  const unfinished = runs.filter((run) => !isOver(run))
  const usersOf = (revision: PipelineRevision): readonly PipelineRun[] =>
    unfinished.filter(({ status }) => status?.revisionName === revision.metadata.name)
  const newest = revisions.toSorted((a, b) => b.revision - a.revision)
  const old = newest.slice(pipeline.spec.revisionHistoryLimit).filter((revision) => usersOf(revision).length === 0)
  const lacking = newest.flatMap((revision) => lackingUsers(revision, usersOf(revision), now))
  if (lacking.length === 0) return { ...rest, remove: old.map(removalOf), next: wakeAfter(untilLastingMs(unfinished, now)) }
  if (dueInMs > 0) return { ...rest, remove: old.map(removalOf), next: { kind: 'after', seconds: dueInMs / 1000 } }
  const apply = lacking.map(({ revision, users }): KubeObject => withUsers(revision, pipeline, users))
  return { ...rest, apply, remove: old.map(removalOf), effects: [{ type: 'written', uid: pipeline.metadata.uid ?? '' }] }
}

/** When the next run that uses a revision has used it for a while; nothing else tells. */
function untilLastingMs(unfinished: readonly PipelineRun[], now: number): number | undefined {
  const waits = unfinished
    .filter(({ status }) => status?.revisionName !== undefined)
    .map(({ metadata }) => shortRunMs - (now - (parseTime(metadata.creationTimestamp) ?? 0)))
    .filter((ms) => ms > 0)
  return waits.length === 0 ? undefined : Math.min(...waits)
}

/** A revision that does not name all the runs that have used it for a while. */
function lackingUsers(
  revision: PipelineRevision,
  users: readonly PipelineRun[],
  now: number,
): readonly { readonly revision: PipelineRevision; readonly users: readonly PipelineRun[] }[] {
  const owners = new Set((revision.metadata.ownerReferences ?? []).map(({ uid }) => uid))
  const lasting = users
    .filter(({ metadata }) => now - (parseTime(metadata.creationTimestamp) ?? 0) >= shortRunMs)
    .toSorted((a, b) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''))
    .slice(0, maxUsers)
  return lasting.every(({ metadata }) => owners.has(metadata.uid ?? '')) ? [] : [{ revision, users: lasting }]
}

function removalOf({ apiVersion, kind, metadata: { namespace = '', name, uid = '' } }: PipelineRevision): Removal {
  return { apiVersion, kind, namespace, name, uid }
}
