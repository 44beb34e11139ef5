/** Gathers from caches and memory what a decision about one run may know. Reads only. */
import { createHash } from 'node:crypto'
import type { PipelineRun } from '@mnemos/api'
import {
  isOver,
  labelOf,
  mayUse,
  nearest,
  type PipelineRevision,
  type RunRevision,
  type RunSource,
  type RunWorld,
  revisionLabel,
} from '@mnemos/domain'
import { isControlledBy, keyOf, type Reader } from '@mnemos/kube'
import { jobs, models, namespaces, pipelineRuns, pipelines, revisions } from '../resources.ts'
import type { RunMemory } from './run-memory.ts'

export interface RunSources {
  readonly memory: RunMemory
}

const ended: RunRevision = { missing: 'noRevision', message: 'The run has ended.' }
/** Runs that a breaker looks at. */
const maxBefore = 200

export function observeRun({ memory }: RunSources, reader: Reader, run: PipelineRun): RunWorld {
  const { namespace = '', uid = '' } = run.metadata
  const key = keyOf(run.metadata)
  // Of a run that has ended only its time matters, however many Jobs it has.
  const own = isOver(run) ? { run, jobs: [], calls: [] } : sourceOf(reader, run)
  memory.observed(key, own.jobs.length)
  const source = (name: string): RunSource | undefined => {
    const found = reader.get(pipelineRuns, { namespace, name })
    return found === undefined ? undefined : sourceOf(reader, found)
  }
  return {
    ...own,
    revision: isOver(run) ? ended : memory.pinned(uid, () => revisionOf(memory, reader, own)),
    // A Model that a step made takes no room of Jobs once it is seen.
    made: memory.made(own, (name) => reader.get(models, { namespace, name }) !== undefined),
    refused: memory.refusals(uid),
    source,
    jobNamed: (name) => reader.get(jobs, { namespace, name }),
    remembered: (memo) => reader.byIndex(jobs, 'memo', `${namespace}/${memo}`),
    modelNamed: (name, of) => modelNamed(reader, { name, namespace: of ?? namespace }, namespace),
    before: () => endedBefore(reader, run),
    isNeeded: reader.byIndex(pipelineRuns, 'keeps', key).length > 0,
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
    dueInMs: memory.dueInMs(uid),
  }
}

function sourceOf(reader: Reader, run: PipelineRun): RunSource {
  const { uid = '' } = run.metadata
  return { run, jobs: reader.byIndex(jobs, 'run', uid), calls: reader.byIndex(pipelineRuns, 'caller', uid) }
}

/** The revision that the run uses: the one that it has begun with, else the one that it asks for, else the newest. */
function revisionOf(memory: RunMemory, reader: Reader, { run, jobs: steps, calls }: RunSource): RunRevision {
  const { namespace = '' } = run.metadata
  const { pipelineRef, revision: wanted, retryFrom } = run.spec
  const begun = run.status?.revisionName ?? [...steps, ...calls].at(0)?.metadata.labels?.[revisionLabel]
  const { name } = pipelineRef
  const pipeline = reader.get(pipelines, { namespace, name })
  const kept = reader.byIndex(revisions, 'pipeline', `${namespace}/${labelOf(name)}`)
  if (begun !== undefined)
    return (
      found(
        memory,
        kept.find(({ metadata }) => metadata.name === begun),
      ) ?? gone(name, `revision ${begun}`)
    )
  if (pipeline === undefined) return { missing: 'noPipeline', message: noPipeline(reader, namespace, name) }
  const own = kept.filter((revision) => isControlledBy(revision, pipeline))
  const number =
    wanted ?? (retryFrom === undefined ? undefined : reader.get(pipelineRuns, { namespace, name: retryFrom.run })?.status?.revision)
  if (number !== undefined)
    return (
      found(
        memory,
        own.find(({ revision }) => revision === number),
      ) ?? gone(name, `revision ${number}`, own)
    )
  const { status, metadata } = pipeline
  // Until its newest spec was looked at, a Pipeline says nothing of what new runs use.
  const inForce = status?.observedGeneration === metadata.generation ? status?.revisionName : undefined
  const current = found(
    memory,
    own.find((revision) => revision.metadata.name === inForce),
  )
  if (current !== undefined) return current
  const why = status?.conditions.find(({ type, status: is }) => type === 'GraphValid' && is === 'False')
  const message =
    why === undefined ? `Pipeline ${name} has not been looked at yet.` : `Pipeline ${name} is wrong, see its conditions: ${why.message}`
  return { missing: 'notReady', message }
}

function found(memory: RunMemory, revision: PipelineRevision | undefined): RunRevision | undefined {
  const pipeline = revision === undefined ? undefined : memory.compiled(revision)
  return revision === undefined || pipeline === undefined
    ? undefined
    : { name: revision.metadata.name, number: revision.revision, pipeline }
}

function gone(pipeline: string, what: string, own: readonly PipelineRevision[] = []): RunRevision {
  const known = own.map(({ revision }) => revision).sort((a, b) => a - b)
  const next = known.length === 0 ? 'create a new run' : `there are ${known.join(', ')}`
  return { missing: 'noRevision', message: `Pipeline ${pipeline} has no ${what} (any more); ${next}.` }
}

function noPipeline(reader: Reader, namespace: string, name: string): string {
  const names = reader
    .list(pipelines)
    .filter(({ metadata }) => metadata.namespace === namespace)
    .map(({ metadata }) => metadata.name)
  const meant = nearest(name, names)
  const next = meant === undefined ? 'create it, or correct pipelineRef in a new run' : `did you mean ${meant}?`
  return `There is no Pipeline ${name} in namespace ${namespace}; ${next}`
}

/** A Model that the namespace may use. */
function modelNamed(reader: Reader, name: { readonly name: string; readonly namespace: string }, from: string) {
  const model = reader.get(models, name)
  const labels = reader.get(namespaces, { name: from })?.metadata.labels ?? {}
  return model !== undefined && mayUse(model.spec.allowedNamespaces, name.namespace, { name: from, labels }) ? model : undefined
}

function endedBefore(reader: Reader, { metadata: { namespace = '', uid }, spec, status }: PipelineRun): readonly PipelineRun[] {
  const revision = status?.revisionName
  return reader
    .byIndex(pipelineRuns, 'pipeline', keyOf({ namespace, name: spec.pipelineRef.name }))
    .filter((other) => other.metadata.uid !== uid && isOver(other) && (revision === undefined || other.status?.revisionName === revision))
    .toSorted((a, b) => (b.status?.finishedAt ?? '').localeCompare(a.status?.finishedAt ?? ''))
    .slice(0, maxBefore)
}
