/**
 * Where artifacts come from. Of a run in pages; of one artifact with everything that it was made of, found among all Jobs of a namespace for
 * whoever may list them.
 */
import type { Job, PipelineRun } from '@mnemos/api'
import type { ArtifactStore } from '@mnemos/artifacts'
import { type Lineage, lineageQuery, pipelineRoutes as routes, runLineageQuery, runPath } from '@mnemos/contract'
import {
  givers,
  isTarget,
  itemLabel,
  type LineageNode,
  type LineageWork,
  type LineageWorld,
  lineageOf,
  madeFiles,
  piecesBehind,
  stepLabel,
  stepsBefore,
  upstreamOf,
} from '@mnemos/domain'
import { controllerOf, pathOf } from '@mnemos/kube'
import type { FastifyInstance } from 'fastify'
import { atOnce } from './at-once.ts'
import type { Caller, Callers } from './callers.ts'
import { type JobFollower, jobs } from './job-follower.ts'
import { findRun, pipelineRuns } from './pipeline-objects.ts'
import { Refusal } from './refusal.ts'
import { readPath, readQuery } from './request-reading.ts'
import { fastifyPath } from './route-path.ts'
import { doersOf, filesOf, jobNamed, type MadeWork, madeBy, madePage, positionOf, type RunReading, readRun, take } from './run-reading.ts'

export interface LineageRoutesOptions {
  readonly callers: Callers
  readonly artifacts: ArtifactStore
  readonly follower: Pick<JobFollower, 'get' | 'inNamespace'>
}

/** Nodes that one answer tells. */
const maxNodes = 500
/** Pieces of work that are looked at on the way upstream. */
const maxPieces = 2000
/** Jobs outside the work at hand that are looked at by their names. */
const maxGivers = 200
const askedAtOnce = 8

export function registerLineage(app: FastifyInstance, options: LineageRoutesOptions): void {
  const { callers, artifacts } = options
  app.get(fastifyPath(routes.pipelineRunLineage.path), async (request): Promise<Lineage> => {
    const { namespace, artifact, limit, continue: from } = readQuery(runLineageQuery, request)
    const place = readPath(runPath, request)
    const caller = await callers.identify(request.headers.authorization)
    const reading = await readRun(caller, await findRun(caller, { namespace, ...place }))
    if (artifact === undefined) return pageOfLineage(reading, artifacts, limit, from)
    const job = await jobOfTarget(caller, namespace, artifact, options)
    if (!(await isOfRun(reading, job)))
      throw new Refusal('MNEMOS_NOT_FOUND', `Job ${job.metadata.name}, which made it, is not of run ${place.run}; ask GET /v1/lineage.`)
    return closure(reading, artifacts, artifact, job)
  })
  app.get(routes.lineage.path, async (request): Promise<Lineage> => {
    const { namespace, artifact } = readQuery(lineageQuery, request)
    const caller = await callers.identify(request.headers.authorization)
    const job = await jobOfTarget(caller, namespace, artifact, options)
    const run = await runOf(caller, job)
    if (run !== undefined) return closure(await readRun(caller, run), artifacts, artifact, job)
    const work = await withGivers({ caller, namespace }, artifacts, [{ job, made: await filesOf(artifacts, job) }])
    return upstreamOf(artifact, { work, before: new Map() }, maxNodes) as Lineage // lists that nobody changes
  })
}

/** The Job that made what is asked about. @throws Refusal MNEMOS_NOT_FOUND, MNEMOS_BAD_REQUEST */
async function jobOfTarget(
  caller: Caller,
  namespace: string,
  target: string,
  { follower }: Pick<LineageRoutesOptions, 'follower'>,
): Promise<Job> {
  if (!isTarget(target))
    throw new Refusal('MNEMOS_BAD_REQUEST', 'The query is wrong: artifact is artifact://<key>, job://<job>/<output> or a SHA-256.')
  const [, named] = /^job:\/\/([^/]+)\//.exec(target) ?? []
  // The cache is ours: who may not list the Jobs of the namespace must not learn from it which there are.
  if (named === undefined) await caller.client.request('GET', pathOf(jobs, { namespace }), { query: { limit: '1' } })
  const name = named ?? nameIn(follower, namespace, target)
  const job = name === undefined ? undefined : await jobNamed({ caller, namespace }, name)
  if (job !== undefined) return job
  throw new Refusal('MNEMOS_NOT_FOUND', `No Job of namespace ${namespace} that is kept has made ${target}.`)
}

function nameIn(follower: LineageRoutesOptions['follower'], namespace: string, target: string): string | undefined {
  const [, place, uid = ''] = /^artifact:\/\/outputs\/([^/]+)\/([^/]+)\//.exec(target) ?? []
  if (place !== undefined) return place === namespace ? follower.get(uid)?.metadata.name : undefined
  const sha256 = target.replace('sha256:', '')
  const has = (job: Job): boolean => {
    const { result } = job.status ?? {}
    const maybe = result?.sha256 === sha256 || result?.inline?.includes(sha256) === true
    return maybe && madeFiles(job).some((file) => file.sha256 === sha256)
  }
  return follower.inNamespace(namespace).find(has)?.metadata.name
}

/** The run that owns a Job, while it is there. */
async function runOf({ client }: Caller, job: Job): Promise<PipelineRun | undefined> {
  const owner = controllerOf(job)
  if (owner?.kind !== pipelineRuns.kind) return undefined
  const run = await client.get(pipelineRuns, { namespace: job.metadata.namespace ?? '', name: owner.name })
  return run?.metadata.uid === owner.uid ? run : undefined
}

/** Whether the Job did a piece of its work: as its own, one that an earlier run did, or one that was remembered. */
async function isOfRun(reading: RunReading, job: Job): Promise<boolean> {
  const { step, item } = placeOf(reading, job)
  const work = reading.work.find((each) => each.step === step)
  const phase = item === undefined ? work?.phase : work?.items?.[item]
  if (work === undefined || phase === undefined) return false
  const [doer] = await doersOf(reading, [{ work, phase, ...(item === undefined ? {} : { item }) }])
  return doer?.metadata.uid === job.metadata.uid
}

async function pageOfLineage(reading: RunReading, artifacts: ArtifactStore, limit: number, from: string | undefined): Promise<Lineage> {
  const page = await madePage(reading, artifacts, { position: positionOf(from), limit, filter: {} })
  const own = page.made.map(workOf)
  const told = new Set(own.flatMap(({ made }) => made.map(({ key }) => `artifact://${key}`)))
  const nodes = lineageOf(worldOf(reading, await withGivers(reading, artifacts, own))).filter(({ artifact }) => told.has(artifact.uri))
  return answerOf(reading, { nodes, isWhole: page.continue === undefined }, page.continue)
}

async function closure(reading: RunReading, artifacts: ArtifactStore, target: string, job: Job): Promise<Lineage> {
  const steps = upstreamSteps(reading.spec, stepOf(reading, job))
  const work: LineageWork[] = []
  let isWhole = true
  for (const step of steps) {
    const pieces = piecesBehind(reading.work, undefined, { step, phase: 'Succeeded' })
    work.push(...(await madeBy(reading, artifacts, take(pieces, maxPieces - work.length))).map(workOf))
    isWhole &&= pieces.next().done === true
  }
  const isThere = work.some((each) => each.job.metadata.uid === job.metadata.uid)
  if (!isThere) work.push({ ...placeOf(reading, job), job, made: await filesOf(artifacts, job) })
  const found = upstreamOf(target, worldOf(reading, await withGivers(reading, artifacts, work)), maxNodes)
  return answerOf(reading, { nodes: found.nodes, isWhole: found.isWhole && isWhole })
}

/** The step and all that it waits for, directly or not. */
function upstreamSteps(spec: unknown, step: string | undefined): readonly string[] {
  const before = stepsBefore(spec)
  const steps = new Set(step === undefined ? [] : [step])
  for (const each of steps) for (const other of before.get(each) ?? []) steps.add(other)
  return [...steps]
}

function stepOf({ work }: RunReading, { metadata }: Job): string | undefined {
  return work.find((each) => each.job === metadata.name)?.step ?? metadata.labels?.[stepLabel]
}

function placeOf(reading: RunReading, job: Job): Pick<LineageWork, 'step' | 'item'> {
  const step = stepOf(reading, job)
  const isInstance = reading.work.some((each) => each.step === step && each.items !== undefined)
  const item = isInstance ? job.metadata.labels?.[itemLabel] : undefined
  return { ...(step === undefined ? {} : { step }), ...(item === undefined ? {} : { item: Number(item) }) }
}

function workOf({ piece: { work, item }, job, made }: MadeWork): LineageWork {
  return { step: work.step, ...(item === undefined ? {} : { item }), job, made }
}

/** With the Jobs that gave them something, and those that gave these something, as far as they are named and there. */
async function withGivers(
  reading: Pick<RunReading, 'caller' | 'namespace'>,
  artifacts: ArtifactStore,
  work: readonly LineageWork[],
): Promise<readonly LineageWork[]> {
  const all = [...work]
  const known = new Set(work.map(({ job }) => job.metadata.name))
  let [open, left]: [readonly LineageWork[], number] = [work, maxGivers]
  while (open.length > 0 && left > 0) {
    const names = [...new Set(open.flatMap(({ job }) => givers(job)))].filter((name) => !known.has(name)).slice(0, left)
    left -= names.length
    for (const name of names) known.add(name)
    const found = await atOnce(names, askedAtOnce, async (name): Promise<LineageWork | undefined> => {
      const job = await jobNamed(reading, name)
      return job === undefined ? undefined : { job, made: await filesOf(artifacts, job) }
    })
    open = found.flatMap((each) => each ?? [])
    all.push(...open)
  }
  return all
}

function worldOf({ run: { metadata, spec, status }, spec: written, work: steps }: RunReading, work: readonly LineageWork[]): LineageWorld {
  const revision = status?.revision
  return {
    work,
    run: { run: metadata.name, pipeline: spec.pipelineRef.name, ...(revision === undefined ? {} : { revision }) },
    before: stepsBefore(written),
    mediaTypeOf: (step, output) => steps.find((each) => each.step === step)?.mediaTypes?.get(output),
  }
}

function answerOf(
  { run: { metadata, spec, status } }: RunReading,
  { nodes, isWhole }: { readonly nodes: readonly LineageNode[]; readonly isWhole: boolean },
  next?: string,
): Lineage {
  return {
    ...{ run: metadata.name, pipeline: spec.pipelineRef.name },
    ...(status?.revision === undefined ? {} : { revision: status.revision }),
    ...{ nodes: nodes as Lineage['nodes'], isWhole }, // lists that nobody changes
    ...(next === undefined ? {} : { metadata: { continue: next } }),
  }
}
