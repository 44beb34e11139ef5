/**
 * A typed client of the HTTP API: needs only `fetch`, so it runs in browsers too.
 *
 * The token is asked for anew for each request. Every refusal is an ApiError with the code of the table in errors.ts.
 */
import type { Job, JobInput, JobStatus, Model } from '@mnemos/api'
import { type ErrorBody, errorBody } from './errors.ts'
import { type PipelineClient, pipelineClient } from './pipeline-client.ts'
import { pathOfRoute, type Route, routes } from './routes.ts'
import { readEvents } from './sse.ts'

export interface ClientOptions {
  /** Base URL of the server. */
  readonly url: string
  readonly token: () => Promise<string>
  readonly fetch?: typeof fetch
}

/** One event of a Job's stream. */
export type JobEvent =
  | { readonly event: 'token'; readonly id: string; readonly index: number; readonly text: string }
  | { readonly event: 'reset'; readonly id: string; readonly attempt: number }
  | { readonly event: 'status'; readonly status: JobStatus }
  | { readonly event: 'end' }

export interface MnemosClient {
  submitJob(job: JobInput, options?: { idempotencyKey?: string; signal?: AbortSignal }): Promise<Job>
  getJob(namespace: string, name: string, signal?: AbortSignal): Promise<Job>
  listJobs(
    namespace: string,
    query?: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<{ items: Job[]; metadata: { continue?: string } }>
  cancelJob(namespace: string, name: string, options?: { purge?: boolean; signal?: AbortSignal }): Promise<void>
  /** The stored result as text. */
  jobResult(namespace: string, name: string, signal?: AbortSignal): Promise<string>
  /** The stored log of an attempt, the newest when absent; each line begins with its time. */
  jobLogs(namespace: string, name: string, options?: { attempt?: number; signal?: AbortSignal }): Promise<string>
  /** One connection; ends with `end`, or when the connection does. */
  streamJob(namespace: string, name: string, options?: { lastEventId?: string; signal?: AbortSignal }): AsyncGenerator<JobEvent>
  /** Moves an alias back to the Model that it stood for before. */
  rollbackModel(namespace: string, name: string, signal?: AbortSignal): Promise<Model>
  readonly pipelines: PipelineClient
}

/** A request that the server refused. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: string
  readonly details: NonNullable<ErrorBody['error']['details']>
  /** When to ask again, where the server says so. */
  readonly retryAfterSeconds: number | undefined

  constructor(status: number, body: ErrorBody['error'] | undefined, fallback: string, retryAfterSeconds?: number) {
    super(body?.message ?? fallback)
    this.retryAfterSeconds = retryAfterSeconds
    this.status = status
    this.code = body?.code ?? 'MNEMOS_INTERNAL'
    this.details = body?.details ?? []
  }
}

/** What one request holds beside its route. */
export interface CallOptions {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is, instead. */
  readonly stream?: ReadableStream<Uint8Array>
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

/** Sends one request. @throws ApiError */
export type Call = (route: Route, options: CallOptions) => Promise<Response>

export function createMnemosClient(options: ClientOptions): MnemosClient {
  const call: Call = (route, callOptions) => send(options, route, callOptions)
  // The server's answers are objects of the API server, which has checked them.
  const jsonOf = async <T>(route: Route, callOptions: CallOptions): Promise<T> => (await (await call(route, callOptions)).json()) as T
  return {
    pipelines: pipelineClient(call),
    rollbackModel: (namespace, id, signal) => jsonOf(routes.rollbackModel, { path: { id }, query: { namespace }, signal }),
    submitJob: (job, { idempotencyKey, signal } = {}) =>
      jsonOf(routes.submitJob, {
        body: job,
        query: { namespace: job.metadata.namespace ?? 'default' },
        headers: idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey },
        signal,
      }),
    getJob: (namespace, id, signal) => jsonOf(routes.getJob, { path: { id }, query: { namespace }, signal }),
    listJobs: (namespace, query, signal) => jsonOf(routes.listJobs, { query: { namespace, ...query }, signal }),
    cancelJob: async (namespace, id, { purge = false, signal } = {}) => {
      await call(routes.cancelJob, { path: { id }, query: { namespace, purge: String(purge) }, signal })
    },
    jobResult: async (namespace, id, signal) => (await call(routes.jobResult, { path: { id }, query: { namespace }, signal })).text(),
    jobLogs: async (namespace, id, { attempt, signal } = {}) => {
      const query = { namespace, ...(attempt === undefined ? {} : { attempt: String(attempt) }) }
      return (await call(routes.jobLogs, { path: { id }, query, signal })).text()
    },
    streamJob: async function* (namespace, id, { lastEventId, signal } = {}) {
      const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
      const response = await call(routes.streamJob, { path: { id }, query: { namespace }, headers, signal })
      if (response.body === null) return
      for await (const { event, id: eventId = '', data } of readEvents(response.body)) {
        const value = JSON.parse(data) as Record<string, unknown> // written by our server
        yield { event, id: eventId, ...(event === 'status' ? { status: value } : value) } as JobEvent
      }
    },
  }
}

/** @throws ApiError for everything but success */
export async function send(
  { url, token, fetch: fetchWith = fetch }: ClientOptions,
  route: Route,
  { path = {}, query = {}, body, stream, headers = {}, signal }: CallOptions,
): Promise<Response> {
  const target = new URL(`${url.replace(/\/$/, '')}${pathOfRoute(route, path)}`)
  for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value)
  const response = await fetchWith(target, {
    method: route.method,
    headers: {
      authorization: `Bearer ${await token()}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(stream === undefined ? {} : { body: stream, duplex: 'half' }),
    ...(signal === undefined ? {} : { signal }),
  })
  if (response.ok) return response
  const parsed = errorBody.safeParse(await response.json().catch(() => undefined))
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  const fallback = `${route.method} ${target.pathname} was answered with ${response.status}`
  throw new ApiError(response.status, parsed.data?.error, fallback, Number.isFinite(seconds) ? seconds : undefined)
}
