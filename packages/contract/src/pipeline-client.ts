/** The client's part for pipelines: their runs, what these made, and revisions. */
import type { Pipeline, PipelineInput, PipelineRun, PipelineRunStatus, RunPhase, stepPhases } from '@mnemos/api'
import type { Call, CallOptions } from './client.ts'
import { routesOfKind } from './collections.ts'
import type { ApproveBody, RetryBody, RunBody } from './pipeline-routes.ts'
import { pipelineRoutes } from './pipeline-routes.ts'
import type { Route } from './routes.ts'
import type { Lineage, PipelineDiff, PipelineRevision, RunArtifact, RunStep } from './run-views.ts'
import { readEvents } from './sse.ts'

export interface Page<T> {
  readonly items: readonly T[]
  readonly metadata: { readonly continue?: string }
}

export interface PageQuery {
  readonly limit?: number
  readonly continue?: string
  readonly signal?: AbortSignal
}

export type RunEvent =
  | { readonly event: 'run'; readonly id: string; readonly phase: RunPhase; readonly status: PipelineRunStatus }
  | { readonly event: 'refused'; readonly code: string; readonly message: string }
  | { readonly event: 'end' }

interface Once {
  readonly idempotencyKey?: string
  readonly signal?: AbortSignal
}

export interface PipelineClient {
  /** Takes the older document form (`synkron.mnemos.dev/v1`), too. */
  create(namespace: string, pipeline: PipelineInput | object, options?: { dryRun?: boolean; signal?: AbortSignal }): Promise<Pipeline>
  /** Needs the version that was read, as `metadata.resourceVersion` of the answer of `get`. */
  replace(
    namespace: string,
    name: string,
    pipeline: PipelineInput | object,
    options: { resourceVersion: string; dryRun?: boolean; signal?: AbortSignal },
  ): Promise<Pipeline>
  get(namespace: string, name: string, signal?: AbortSignal): Promise<Pipeline>
  list(namespace: string, query?: PageQuery & { readonly labelSelector?: string }): Promise<Page<Pipeline>>
  delete(namespace: string, name: string, signal?: AbortSignal): Promise<void>

  run(namespace: string, pipeline: string, body?: RunBody, options?: Once): Promise<PipelineRun>
  runs(namespace: string, pipeline: string, query?: PageQuery & { readonly phase?: RunPhase }): Promise<Page<PipelineRun>>
  getRun(namespace: string, pipeline: string, run: string, signal?: AbortSignal): Promise<PipelineRun>
  cancel(namespace: string, pipeline: string, run: string, signal?: AbortSignal): Promise<PipelineRun>
  suspend(namespace: string, pipeline: string, run: string, signal?: AbortSignal): Promise<PipelineRun>
  resume(namespace: string, pipeline: string, run: string, signal?: AbortSignal): Promise<PipelineRun>
  approve(namespace: string, pipeline: string, run: string, body: ApproveBody, signal?: AbortSignal): Promise<PipelineRun>
  retry(namespace: string, pipeline: string, run: string, body?: RetryBody, options?: Once): Promise<PipelineRun>
  steps(
    namespace: string,
    pipeline: string,
    run: string,
    query?: PageQuery & { readonly step?: string; readonly phase?: (typeof stepPhases)[number] },
  ): Promise<Page<RunStep>>
  /** One connection; ends with `end` or `refused`, or when the connection does. */
  events(
    namespace: string,
    pipeline: string,
    run: string,
    options?: { lastEventId?: string; signal?: AbortSignal },
  ): AsyncGenerator<RunEvent>
  artifacts(namespace: string, pipeline: string, run: string, query?: PageQuery & { readonly step?: string }): Promise<Page<RunArtifact>>
  /** The bytes as they come. */
  artifact(
    namespace: string,
    pipeline: string,
    run: string,
    of: { readonly step: string; readonly output: string; readonly item?: number; readonly signal?: AbortSignal },
  ): Promise<Response>
  runLineage(namespace: string, pipeline: string, run: string, query?: PageQuery & { readonly artifact?: string }): Promise<Lineage>
  lineage(namespace: string, artifact: string, signal?: AbortSignal): Promise<Lineage>

  revisions(namespace: string, pipeline: string, signal?: AbortSignal): Promise<{ readonly items: readonly PipelineRevision[] }>
  revision(namespace: string, pipeline: string, revision: number, signal?: AbortSignal): Promise<PipelineRevision>
  diff(namespace: string, pipeline: string, between: { from: number; to: number; signal?: AbortSignal }): Promise<PipelineDiff>
  rollback(
    namespace: string,
    pipeline: string,
    revision: number,
    options?: { resourceVersion?: string; signal?: AbortSignal },
  ): Promise<Pipeline>
}

type RunPlace = readonly [namespace: string, pipeline: string, run: string]
type Query = Readonly<Record<string, string | number | boolean | undefined>>

export function pipelineClient(call: Call): PipelineClient {
  // The server's answers are objects of the API server, which has checked them.
  const jsonOf = async <T>(route: Route, options: CallOptions): Promise<T> => (await (await call(route, options)).json()) as T
  const { createPipeline, replacePipeline, getPipeline, listPipeline, deletePipeline } = routesOfKind('Pipeline')
  const page = <T>(route: Route, [namespace, id, run]: RunPlace, { signal, ...query }: PageQuery = {}): Promise<T> =>
    jsonOf(route, { path: { id, run }, query: { namespace, ...queryOf(query) }, signal })
  const steering =
    (route: Route) =>
    (namespace: string, id: string, run: string, signal?: AbortSignal): Promise<PipelineRun> =>
      jsonOf(route, { path: { id, run }, query: { namespace }, signal })
  return {
    create: (namespace, body, { dryRun, signal } = {}) =>
      jsonOf(createPipeline, { body, query: { namespace, ...queryOf({ dryRun }) }, signal }),
    replace: (namespace, id, body, { resourceVersion, dryRun, signal }) =>
      jsonOf(replacePipeline, {
        ...{ path: { id }, body, query: { namespace, ...queryOf({ dryRun }) }, signal },
        headers: { 'if-match': `"${resourceVersion}"` },
      }),
    get: (namespace, id, signal) => jsonOf(getPipeline, { path: { id }, query: { namespace }, signal }),
    list: (namespace, { signal, ...query } = {}) => jsonOf(listPipeline, { query: { namespace, ...queryOf(query) }, signal }),
    delete: async (namespace, id, signal) => {
      await call(deletePipeline, { path: { id }, query: { namespace }, signal })
    },
    run: (namespace, id, body = {}, { idempotencyKey, signal } = {}) =>
      jsonOf(pipelineRoutes.runPipeline, { path: { id }, body, query: { namespace }, headers: keyed(idempotencyKey), signal }),
    runs: (namespace, id, { signal, ...query } = {}) =>
      jsonOf(pipelineRoutes.listPipelineRuns, { path: { id }, query: { namespace, ...queryOf(query) }, signal }),
    getRun: steering(pipelineRoutes.getPipelineRun),
    cancel: steering(pipelineRoutes.cancelPipelineRun),
    suspend: steering(pipelineRoutes.suspendPipelineRun),
    resume: steering(pipelineRoutes.resumePipelineRun),
    approve: (namespace, id, run, body, signal) =>
      jsonOf(pipelineRoutes.approvePipelineStep, { path: { id, run }, body, query: { namespace }, signal }),
    retry: (namespace, id, run, body = {}, { idempotencyKey, signal } = {}) =>
      jsonOf(pipelineRoutes.retryPipelineRun, { path: { id, run }, body, query: { namespace }, headers: keyed(idempotencyKey), signal }),
    steps: (namespace, id, run, query) => page(pipelineRoutes.pipelineRunSteps, [namespace, id, run], query),
    events: (namespace, id, run, options) => runEvents(call, { path: { id, run }, query: { namespace } }, options),
    artifacts: (namespace, id, run, query) => page(pipelineRoutes.pipelineRunArtifacts, [namespace, id, run], query),
    artifact: (namespace, id, run, { step, output, item, signal }) =>
      call(pipelineRoutes.getPipelineRunArtifact, { path: { id, run, step, output }, query: { namespace, ...queryOf({ item }) }, signal }),
    runLineage: (namespace, id, run, query) => page(pipelineRoutes.pipelineRunLineage, [namespace, id, run], query),
    lineage: (namespace, artifact, signal) => jsonOf(pipelineRoutes.lineage, { query: { namespace, artifact }, signal }),
    ...revisionClient(jsonOf),
  }
}

function revisionClient(
  jsonOf: <T>(route: Route, options: CallOptions) => Promise<T>,
): Pick<PipelineClient, 'revisions' | 'revision' | 'diff' | 'rollback'> {
  return {
    revisions: (namespace, id, signal) => jsonOf(pipelineRoutes.listPipelineRevisions, { path: { id }, query: { namespace }, signal }),
    revision: (namespace, id, revision, signal) =>
      jsonOf(pipelineRoutes.getPipelineRevision, { path: { id, revision: String(revision) }, query: { namespace }, signal }),
    diff: (namespace, id, { from, to, signal }) =>
      jsonOf(pipelineRoutes.diffPipeline, { path: { id }, query: { namespace, ...queryOf({ from, to }) }, signal }),
    rollback: (namespace, id, revision, { resourceVersion, signal } = {}) =>
      jsonOf(pipelineRoutes.rollbackPipeline, {
        ...{ path: { id }, body: { revision }, query: { namespace }, signal },
        headers: resourceVersion === undefined ? {} : { 'if-match': `"${resourceVersion}"` },
      }),
  }
}

async function* runEvents(
  call: Call,
  at: CallOptions,
  { lastEventId, signal }: { lastEventId?: string; signal?: AbortSignal } = {},
): AsyncGenerator<RunEvent> {
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
  const response = await call(pipelineRoutes.pipelineRunEvents, { ...at, headers, signal })
  if (response.body === null) return
  for await (const { event, id = '', data } of readEvents(response.body)) {
    yield { ...(JSON.parse(data) as object), event, ...(event === 'run' ? { id } : {}) } as RunEvent // written by our server
  }
}

const keyed = (key: string | undefined): Readonly<Record<string, string>> => (key === undefined ? {} : { 'idempotency-key': key })

/** What is undefined is not asked for. */
function queryOf(query: Query): Record<string, string> {
  return Object.fromEntries(Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])))
}
