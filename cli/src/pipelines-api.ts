/**
 * What the commands about pipelines ask for, in one namespace: the routes of the server under /v1/pipelines, and of the API server, as the
 * user, which run has a name: a path of the server names the pipeline of a run, and people name the run alone.
 */
import { type Model, type Pipeline, type PipelineRun, pipelineRunKind } from '@mnemos/api'
import type {
  ApproveBody,
  Lineage,
  MnemosClient,
  Page,
  PipelineDiff,
  PipelineRevision,
  RetryBody,
  RunArtifact,
  RunBody,
  RunEvent,
  RunStep,
} from '@mnemos/contract'
import { type Client, resource } from '@mnemos/kube'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'

/** A run by its names, as the paths of the server want them. */
export type RunId = Pick<PipelineRun, 'metadata' | 'spec'>

export interface PipelinesApi {
  list(signal: AbortSignal): Promise<readonly Pipeline[]>
  get(name: string, signal: AbortSignal): Promise<Pipeline>
  create(pipeline: object, signal: AbortSignal): Promise<Pipeline>
  remove(name: string, signal: AbortSignal): Promise<void>
  start(pipeline: string, body: RunBody, signal: AbortSignal): Promise<PipelineRun>
  /** Of all pipelines when none is named. */
  runs(pipeline: string | undefined, signal: AbortSignal): Promise<readonly PipelineRun[]>
  /** Undefined when there is none of that name. */
  findRun(name: string, signal: AbortSignal): Promise<PipelineRun | undefined>
  /** The rows of one step, or of all. */
  steps(run: RunId, query: { readonly step?: string; readonly most?: number }, signal: AbortSignal): Promise<readonly RunStep[]>
  steer(run: RunId, verb: 'cancel' | 'suspend' | 'resume', signal: AbortSignal): Promise<void>
  approve(run: RunId, decision: ApproveBody, signal: AbortSignal): Promise<void>
  retry(run: RunId, body: RetryBody, signal: AbortSignal): Promise<PipelineRun>
  events(run: RunId, lastEventId: string | undefined, signal: AbortSignal): AsyncIterable<RunEvent>
  artifacts(run: RunId, signal: AbortSignal): Promise<readonly RunArtifact[]>
  lineageOfRun(run: RunId, signal: AbortSignal): Promise<Lineage>
  lineageOf(artifact: string, signal: AbortSignal): Promise<Lineage>
  /** Newest first, without their specs. */
  revisions(pipeline: string, signal: AbortSignal): Promise<readonly PipelineRevision[]>
  revision(pipeline: string, revision: number, signal: AbortSignal): Promise<PipelineRevision>
  diff(pipeline: string, between: { readonly from: number; readonly to: number }, signal: AbortSignal): Promise<PipelineDiff>
  rollback(pipeline: string, revision: number, signal: AbortSignal): Promise<Pipeline>
  rollbackModel(model: string, signal: AbortSignal): Promise<Model>
}

export interface PipelinesAccess {
  readonly client: Pick<MnemosClient, 'pipelines' | 'rollbackModel'>
  /** Does one thing as the user at the API server. */
  readonly withCluster: <T>(work: (client: Client) => Promise<T>) => Promise<T>
}

const runResource = resource<PipelineRun>({
  ...{ group: 'mnemos.dev', version: 'v1alpha1', plural: pipelineRunKind.plural, kind: 'PipelineRun', namespaced: true },
})

export function pipelinesIn(namespace: string, { client, withCluster }: PipelinesAccess): PipelinesApi {
  const { pipelines, rollbackModel } = client
  const names = ({ metadata, spec }: RunId): readonly [string, string, string] => [namespace, spec.pipelineRef.name, metadata.name]
  return {
    list: (signal) => allPages((more) => pipelines.list(namespace, { ...more, signal })),
    get: (name, signal) => pipelines.get(namespace, name, signal),
    create: (pipeline, signal) => pipelines.create(namespace, pipeline, { signal }),
    remove: (name, signal) => pipelines.delete(namespace, name, signal),
    start: (name, body, signal) => pipelines.run(namespace, name, body, { signal }),
    runs: (name, signal) =>
      name === undefined
        ? withCluster(async (cluster) => (await cluster.list(runResource, { namespace, signal })).items)
        : allPages((more) => pipelines.runs(namespace, name, { ...more, signal })),
    findRun: (name, signal) => withCluster((cluster) => cluster.get(runResource, { namespace, name }, { signal })),
    steps: (run, { most, ...query }, signal) => allPages((more) => pipelines.steps(...names(run), { ...query, ...more, signal }), most),
    steer: async (run, verb, signal) => {
      await pipelines[verb](...names(run), signal)
    },
    approve: async (run, decision, signal) => {
      await pipelines.approve(...names(run), decision, signal)
    },
    retry: (run, body, signal) => pipelines.retry(...names(run), body, { signal }),
    events: (run, lastEventId, signal) =>
      pipelines.events(...names(run), { signal, ...(lastEventId === undefined ? {} : { lastEventId }) }),
    artifacts: (run, signal) => allPages((more) => pipelines.artifacts(...names(run), { ...more, signal })),
    lineageOfRun: (run, signal) => pipelines.runLineage(...names(run), { limit: pageSize, signal }),
    lineageOf: (artifact, signal) => pipelines.lineage(namespace, artifact, signal),
    revisions: async (name, signal) => (await pipelines.revisions(namespace, name, signal)).items,
    revision: (name, revision, signal) => pipelines.revision(namespace, name, revision, signal),
    diff: (name, between, signal) => pipelines.diff(namespace, name, { ...between, signal }),
    rollback: (name, revision, signal) => pipelines.rollback(namespace, name, revision, { signal }),
    rollbackModel: (name, signal) => rollbackModel(namespace, name, signal),
  }
}

const pageSize = 500

/** @param most enough is enough: pages are asked for until there are so many */
async function allPages<T>(
  page: (query: { readonly limit: number; readonly continue?: string }) => Promise<Page<T>>,
  most = Number.POSITIVE_INFINITY,
): Promise<readonly T[]> {
  const items: T[] = []
  let query: { readonly limit: number; readonly continue?: string } = { limit: pageSize }
  for (;;) {
    const { items: more, metadata } = await page(query)
    items.push(...more)
    const { continue: next = '' } = metadata
    if (next === '' || items.length >= most) return items
    query = { limit: pageSize, continue: next }
  }
}

/** The run of a name. @throws CliError when there is none */
export async function runNamed(api: PipelinesApi, namespace: string, name: string, signal: AbortSignal): Promise<PipelineRun> {
  const run = await api.findRun(name, signal)
  if (run !== undefined) return run
  throw new CliError(`PipelineRun ${name} in namespace ${namespace} was not found`, {
    code: 'MNEMOS_NOT_FOUND',
    exitCode: exitCodes.notFound,
    hint: `mnemos pipelines runs -n ${namespace}`,
  })
}

/** The spec that a run uses, undefined while it has none or when it is not kept any more. */
export async function specOfRun(api: PipelinesApi, run: Pick<PipelineRun, 'spec' | 'status'>, signal: AbortSignal): Promise<unknown> {
  const revision = run.status?.revision ?? run.spec.revision
  try {
    if (revision !== undefined) return (await api.revision(run.spec.pipelineRef.name, revision, signal)).spec
    return (await api.get(run.spec.pipelineRef.name, signal)).spec
  } catch (error) {
    if (error instanceof Error && 'status' in error && error.status === 404) return undefined
    throw error
  }
}
