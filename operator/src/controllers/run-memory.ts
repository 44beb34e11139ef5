/**
 * What the operator remembers of runs beside the caches: the revision that each uses, compiled once; children that were created and are
 * yet to be seen; what the API server refused. For one term of leadership; what is lost costs a request, never a step.
 */
import type { Model, PipelineRun } from '@mnemos/api'
import {
  type CompiledPipeline,
  compilePipeline,
  isOver,
  type PipelineRevision,
  type RunEffect,
  type RunRevision,
  type RunSource,
  unseenMs,
} from '@mnemos/domain'
import { type Clock, type KubeError, keyOf, type Reader } from '@mnemos/kube'
import { Pace } from '../pace.ts'
import { pipelineRuns } from '../resources.ts'

/** Progress of a run is written at most this often. */
const progressEveryMs = 2000
/** A pass over a run takes time in proportion to its Jobs: those with many are looked at after so many Jobs for each millisecond of waiting. */
const jobsPerMs = 100
const maxSettleMs = 500
const maxRefusalLength = 400
const nobody: ReadonlyMap<string, string> = new Map()

export class RunMemory {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #pace: Pace
  /** By the UID of the revision: a revision never changes. */
  readonly #compiled = new Map<string, CompiledPipeline | undefined>()
  /** By the UID of the run. */
  readonly #pinned = new Map<string, RunRevision>()
  readonly #made = new Map<string, Map<string, number>>()
  readonly #refusals = new Map<string, Map<string, string>>()
  /** Jobs of large runs, by key. */
  readonly #sizes = new Map<string, number>()

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
    this.#pace = new Pace(progressEveryMs, () => clock.monotonic())
  }

  /** The revision of a run, looked for until it is found: a run that has begun goes on although its revision is deleted. */
  pinned(uid: string, look: () => RunRevision): RunRevision {
    const known = this.#pinned.get(uid)
    if (known !== undefined) return known
    const found = look()
    if (!('missing' in found)) this.#pinned.set(uid, found)
    return found
  }

  /** The pipeline of a revision, ready to be run; undefined for one that this version takes no more. */
  compiled({ metadata: { uid = '' }, data }: PipelineRevision): CompiledPipeline | undefined {
    if (!this.#compiled.has(uid)) {
      const compiled = data?.spec === undefined ? undefined : compilePipeline(data.spec)
      this.#compiled.set(uid, compiled === undefined || 'findings' in compiled ? undefined : compiled)
    }
    return this.#compiled.get(uid)
  }

  /** A revision is gone; runs that have begun with it keep what they have. */
  revisionGone(uid: string): void {
    this.#compiled.delete(uid)
  }

  /** Names of children that were created and are not among those that are known. @param isSeen of Models, which the run does not own */
  made({ run, jobs, calls }: RunSource, isSeen: (model: string) => boolean): ReadonlySet<string> {
    const made = this.#made.get(run.metadata.uid ?? '')
    if (made === undefined) return new Set()
    for (const { metadata } of [...jobs, ...calls]) made.delete(metadata.name)
    for (const name of made.keys()) if (isSeen(name)) made.delete(name)
    const since = this.#clock.monotonic() - unseenMs
    for (const [name, at] of made) if (at < since) made.delete(name)
    if (made.size === 0) this.#made.delete(run.metadata.uid ?? '')
    return new Set(made.keys())
  }

  refusals(uid: string): ReadonlyMap<string, string> {
    return this.#refusals.get(uid) ?? nobody
  }

  refused({ metadata: { uid = '' } }: PipelineRun, child: string, { message }: KubeError): void {
    const known = this.#refusals.get(uid) ?? new Map<string, string>()
    this.#refusals.set(uid, known.set(child, message.slice(0, maxRefusalLength)))
  }

  perform(effect: RunEffect): void {
    if (effect.type === 'written') {
      this.#pace.written(effect)
      return
    }
    const made = this.#made.get(effect.uid) ?? new Map<string, number>()
    for (const name of effect.names) made.set(name, this.#clock.monotonic())
    this.#made.set(effect.uid, made)
  }

  observed(key: string, jobs: number): void {
    if (jobs > jobsPerMs) this.#sizes.set(key, jobs)
    else this.#sizes.delete(key)
  }

  /** How long changes of its Jobs are gathered before a run is looked at, so that its cost for each Job does not grow with their number. */
  settleMs(key: string): number {
    return Math.min(maxSettleMs, Math.floor((this.#sizes.get(key) ?? 0) / jobsPerMs))
  }

  dueInMs(uid: string): number {
    return this.#pace.dueInMs(uid)
  }

  /** Keys of runs that may wait for a Model: they made it, or move it, which somebody else may have made. */
  publishing({ metadata: { namespace = '' } }: Model, reader: Reader): readonly string[] {
    const runs = reader.list(pipelineRuns).filter((run) => run.metadata.namespace === namespace && !isOver(run))
    return runs.filter(({ metadata }) => this.#publishes(metadata.uid ?? '')).map(({ metadata }) => keyOf(metadata))
  }

  #publishes(uid: string): boolean {
    const revision = this.#pinned.get(uid)
    return revision !== undefined && 'pipeline' in revision && [...revision.pipeline.steps.values()].some(({ type }) => type === 'publish')
  }

  forget(uid: string): void {
    this.#pinned.delete(uid)
    this.#made.delete(uid)
    this.#refusals.delete(uid)
  }
}
