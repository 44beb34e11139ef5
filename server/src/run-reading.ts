/**
 * A run as its routes tell it: its pieces of work with the Jobs that did them, and what these left in the artifact store.
 *
 * A page of pieces costs as much as a page: their Jobs are asked for by label, however many more the run has. A Job counts when the run
 * owns it, or the earlier run whose work was kept; labels can be written by anybody.
 */
import type { Job, PipelineRun } from '@mnemos/api'
import type { ArtifactStore } from '@mnemos/artifacts'
import {
  itemLabel,
  labelOf,
  type MadeFile,
  madeFiles,
  needsStoredResult,
  piecesBehind,
  positionText,
  readPosition,
  runLabel,
  runWork,
  type StepWork,
  stepLabel,
  type WorkFilter,
  type WorkPiece,
  type WorkPosition,
} from '@mnemos/domain'
import { isControlledBy, type KubeObject, type Resource } from '@mnemos/kube'
import { atOnce } from './at-once.ts'
import type { Caller } from './callers.ts'
import { jobs } from './job-follower.ts'
import { pipelineRuns, specOfRun } from './pipeline-objects.ts'
import { Refusal } from './refusal.ts'
import { resultTextOf } from './stored-result.ts'

export interface RunReading {
  readonly caller: Caller
  readonly namespace: string
  readonly run: PipelineRun
  /** Of the revision; undefined when that is gone. */
  readonly spec: unknown
  readonly work: readonly StepWork[]
}

/** Who did a piece of work: a Job, or for a call of another pipeline a run. */
export type Doer = Job | PipelineRun

/** Requests to the API server or the artifact store at once, for one request of a caller. */
const askedAtOnce = 8
const maxStoredResultBytes = 256 * 1024
/** Pieces that are looked at for one page of what they left, in chunks. */
const chunk = 250
const maxChunks = 8
/** Retries of retries that are followed to whoever did a piece of work. */
const maxKept = 8

export async function readRun(caller: Caller, run: PipelineRun): Promise<RunReading> {
  const spec = await specOfRun(caller, run)
  return { caller, namespace: run.metadata.namespace ?? '', run, spec, work: runWork(spec, run.status) }
}

/** @throws Refusal MNEMOS_BAD_REQUEST */
export function positionOf(text: string | undefined): WorkPosition | undefined {
  const position = text === undefined ? undefined : readPosition(text)
  if (text !== undefined && position === undefined)
    throw new Refusal('MNEMOS_BAD_REQUEST', 'The query is wrong: continue is no metadata.continue of a page of this run.')
  return position
}

export function positionAt({ work: { step }, item }: WorkPiece, parts = 0): string {
  return positionText({ step, parts, ...(item === undefined ? {} : { item }) })
}

/** Who did each of these pieces; nothing for what has not begun or needs nobody. In their order. */
export async function doersOf(reading: RunReading, pieces: readonly WorkPiece[]): Promise<readonly (Doer | undefined)[]> {
  const begun = pieces.filter(({ work, phase }) => phase !== 'Waiting' && phase !== 'Skipped' && !['gate', 'approval'].includes(work.type))
  const byPlace = await ownersWork(
    reading,
    begun.filter(({ work }) => work.job === undefined),
  )
  const remembered = [...new Set(begun.flatMap(({ work }) => work.job ?? []))]
  const found = await atOnce(remembered, askedAtOnce, (name) => jobNamed(reading, name))
  const byName = new Map(remembered.map((name, at) => [name, found[at]]))
  return pieces.map((piece) => (piece.work.job === undefined ? byPlace.get(placeOf(piece)) : byName.get(piece.work.job)))
}

interface Wanted {
  readonly piece: WorkPiece
  /** Name of the run that may have it. */
  readonly source: string
}

/** By places: what the run did itself, else what it kept of an earlier run, which may itself have kept it. */
async function ownersWork(reading: RunReading, pieces: readonly WorkPiece[]): Promise<ReadonlyMap<string, Doer>> {
  const found = new Map<string, Doer>()
  let open: readonly Wanted[] = pieces.map((piece) => ({ piece, source: reading.run.metadata.name }))
  for (let depth = 0; depth < maxKept && open.length > 0; depth += 1) {
    const groups = Map.groupBy(open, ({ source }) => source)
    const left: Wanted[] = []
    for (const [source, wanted] of groups) {
      const owner =
        depth === 0 ? reading.run : await reading.caller.client.get(pipelineRuns, { namespace: reading.namespace, name: source })
      if (owner === undefined) continue
      const children = await childrenOf(
        reading,
        owner,
        wanted.map(({ piece }) => piece),
      )
      const keptOf = new Map(owner.status?.steps.map(({ name, run }) => [name, run]))
      for (const { piece } of wanted) {
        const [doer, kept] = [children.get(placeOf(piece)), keptOf.get(piece.work.step)]
        if (doer !== undefined) found.set(placeOf(piece), doer)
        else if (kept !== undefined) left.push({ piece, source: kept })
      }
    }
    open = left
  }
  return found
}

export function jobNamed({ caller, namespace }: Pick<RunReading, 'caller' | 'namespace'>, name: string): Promise<Job | undefined> {
  return caller.client.get(jobs, { namespace, name })
}

function placeOf({ work: { step }, item }: WorkPiece): string {
  return item === undefined ? step : `${step}:${item}`
}

async function childrenOf(reading: RunReading, owner: PipelineRun, pieces: readonly WorkPiece[]): Promise<ReadonlyMap<string, Doer>> {
  const calls = pieces.filter(({ work }) => work.type === 'pipeline')
  const others = pieces.filter(({ work }) => work.type !== 'pipeline')
  const [called, worked] = [await listed<PipelineRun>(reading, pipelineRuns, owner, calls), await listed<Job>(reading, jobs, owner, others)]
  return new Map(
    [...called, ...worked].map((doer) => {
      const { [stepLabel]: step = '', [itemLabel]: item } = doer.metadata.labels ?? {}
      return [item === undefined ? step : `${step}:${item}`, doer]
    }),
  )
}

/** The children of a run that are these pieces: one list for steps, one for instances. */
async function listed<T extends KubeObject>(
  { caller, namespace }: RunReading,
  resource: Resource<T>,
  owner: PipelineRun,
  pieces: readonly WorkPiece[],
): Promise<readonly T[]> {
  const run = `${runLabel}=${labelOf(owner.metadata.name)}`
  const [whole, instances] = [pieces.filter(({ item }) => item === undefined), pieces.filter(({ item }) => item !== undefined)]
  const steps = (of: readonly WorkPiece[]): string => `${stepLabel} in (${[...new Set(of.map(({ work }) => work.step))].join(',')})`
  const items = [...new Set(instances.map(({ item }) => item))].join(',')
  const selectors = [
    ...(whole.length === 0 ? [] : [`${run},${steps(whole)},!${itemLabel}`]),
    ...(instances.length === 0 ? [] : [`${run},${steps(instances)},${itemLabel} in (${items})`]),
  ]
  const pages = await Promise.all(selectors.map((labelSelector) => caller.client.list(resource, { namespace, labelSelector })))
  return pages.flatMap((page) => page.items).filter((child) => isControlledBy(child, owner))
}

/** A piece of work that left something. */
export interface MadeWork {
  readonly piece: WorkPiece
  readonly job: Job
  readonly made: readonly MadeFile[]
}

/** What these pieces left; those that left nothing are not told. */
export async function madeBy(reading: RunReading, artifacts: ArtifactStore, pieces: readonly WorkPiece[]): Promise<readonly MadeWork[]> {
  const doers = await doersOf(reading, pieces)
  const made = await atOnce(doers, askedAtOnce, async (doer) => (doer === undefined || !isJob(doer) ? [] : filesOf(artifacts, doer)))
  return pieces.flatMap((piece, at) => {
    const [job, files] = [doers[at], made[at] ?? []]
    return job === undefined || !isJob(job) || files.length === 0 ? [] : [{ piece, job, made: files }]
  })
}

/** What a Job left, from its status or, where that is too long for one, from its stored result. */
export async function filesOf(artifacts: ArtifactStore, job: Job): Promise<readonly MadeFile[]> {
  return madeFiles(job, needsStoredResult(job) ? await resultTextOf(artifacts, job, maxStoredResultBytes) : undefined)
}

export function isJob(doer: Doer): doer is Job {
  return doer.kind === jobs.kind
}

/** A page of what a run left: whole pieces, and of the first and last of them perhaps a part. */
export interface MadePage {
  readonly made: readonly MadeWork[]
  readonly continue?: string
}

/** @param limit most files. A page may have fewer, even none, and go on. */
export async function madePage(
  reading: RunReading,
  artifacts: ArtifactStore,
  { position, limit, filter }: { readonly position: WorkPosition | undefined; readonly limit: number; readonly filter: WorkFilter },
): Promise<MadePage> {
  const pieces = piecesBehind(reading.work, position, { ...filter, phase: 'Succeeded' })
  const page: MadeWork[] = []
  let room = limit
  let last: WorkPiece | undefined
  for (let chunks = 0; chunks < maxChunks; chunks += 1) {
    const next = take(pieces, chunk)
    for (const { piece, job, made } of await madeBy(reading, artifacts, next)) {
      if (room === 0) return { made: page, continue: positionAt(last ?? piece) }
      const told = isWithin(position, piece) ? position.parts : 0
      const part = made.slice(told, told + room)
      page.push({ piece, job, made: part })
      if (told + part.length < made.length) return { made: page, continue: positionAt(piece, told + part.length) }
      room -= part.length
      last = piece
    }
    if (next.length < chunk) return { made: page }
    last = room === 0 ? last : next.at(-1)
  }
  return { made: page, ...(last === undefined ? {} : { continue: positionAt(last) }) }
}

function isWithin(position: WorkPosition | undefined, { work, item }: WorkPiece): position is WorkPosition {
  return position !== undefined && position.step === work.step && position.item === item
}

export function take<T>(from: Iterator<T, void>, most: number): readonly T[] {
  const taken: T[] = []
  while (taken.length < most) {
    const next = from.next()
    if (next.done === true) break
    taken.push(next.value)
  }
  return taken
}
