/**
 * The HTTP routes as data: the server registers them, the client calls them, OpenAPI describes them.
 *
 * `{id}` of a Job is its name; the namespace is a query parameter. `{key}` may hold slashes.
 */
import { z } from 'zod'
import { assignmentWork } from './assignment.ts'
import { collectionRoutes, collections } from './collections.ts'
import { fileRoutes } from './file-routes.ts'
import { namespaceName } from './namespace-name.ts'
import { pipelineRoutes } from './pipeline-routes.ts'
import { judgingRoutes } from './policy-routes.ts'
import { bytes, json, namespaceQueryOf, object } from './route-parts.ts'

export interface Route {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path with `{parameters}`. */
  readonly path: string
  readonly summary: string
  /** Who may call: a person by a Bearer token of the cluster, a worker by the token of its assignment, anybody. */
  readonly auth: 'user' | 'assignment' | 'none'
  readonly query?: z.ZodObject
  readonly body?: { readonly contentType: string; readonly schema: z.ZodType }
  readonly response: { readonly status: number; readonly contentType: string; readonly schema: z.ZodType }
}

export const namespaceQuery = namespaceQueryOf('Namespace of the Job.')

export const listQuery = namespaceQuery.extend({
  limit: z.coerce.number().int().min(1).max(500).default(100).describe('Most Jobs to answer with.'),
  continue: z.string().max(4096).optional().describe('`metadata.continue` of the page before.'),
  labelSelector: z.string().max(1024).optional().describe('Only Jobs with these labels.'),
  phase: z
    .enum(['Pending', 'Scheduled', 'Running', 'Retrying', 'Succeeded', 'Failed', 'Cancelled'])
    .optional()
    .describe('Only Jobs in this phase.'),
})

export const logsQuery = namespaceQuery.extend({
  attempt: z.coerce.number().int().min(1).optional().describe('Number of the attempt; the newest when absent.'),
})

export const deleteQuery = namespaceQuery.extend({
  purge: z.stringbool().default(false).describe('Delete the object as well; without it the Job is cancelled and kept.'),
})

const shortParameters = z.object({
  max_tokens: z.number().optional(),
  maxTokens: z.number().optional(),
  temperature: z.number().optional(),
  top_p: z.number().optional(),
  topP: z.number().optional(),
  top_k: z.number().optional(),
  topK: z.number().optional(),
  seed: z.number().optional(),
  stop: z.array(z.string()).optional(),
})

/** The short form of a Job, as scripts write it. */
export const shortJob = z.strictObject({
  kind: z.literal('inference'),
  namespace: namespaceName.optional(),
  name: z.string().max(63).optional(),
  model_ref: z.string().optional().describe('Name of the Model.'),
  modelRef: z.string().optional().describe('The same.'),
  spec: z.strictObject({
    prompt: z.string().optional(),
    messages: z.array(z.object({ role: z.string(), content: z.string() })).optional(),
    params: shortParameters.optional(),
  }),
})

/** The short form of a PipelineRun, in the place where Jobs are submitted. */
export const shortPipelineRun = z.strictObject({
  kind: z.literal('pipeline'),
  namespace: namespaceName.optional(),
  name: z.string().max(63).optional(),
  pipeline: z.string().optional().describe('Name of the Pipeline.'),
  pipeline_ref: z.string().optional().describe('The same.'),
  spec: z.strictObject({ params: z.record(z.string(), z.unknown()).optional() }).optional(),
})

export const tokenLine = z.union([
  z.object({ index: z.int().min(0), text: z.string() }),
  z.object({
    end: z.literal(true),
    at: z
      .int()
      .min(0)
      .optional()
      .describe('How many tokens there are: with fewer the stream does not end, and the answer says which is wanted.'),
  }),
])
export const nextIndex = z.object({ next: z.int().min(0).describe('Index of the token that is wanted next.') })
export const storedArtifact = z.object({ key: z.string(), sha256: z.string(), sizeBytes: z.int() })

export const routes = {
  submitJob: {
    method: 'POST',
    path: '/v1/jobs',
    auth: 'user',
    summary:
      'Create a Job, from the object itself or from the short form; the short form of kind `pipeline` makes a PipelineRun. With `Idempotency-Key` the same request twice makes one Job.',
    query: namespaceQuery,
    body: { contentType: 'application/json', schema: z.union([object, shortJob, shortPipelineRun]) },
    response: json(object, 201),
  },
  listJobs: {
    method: 'GET',
    path: '/v1/jobs',
    auth: 'user',
    summary: 'Jobs of a namespace, in pages.',
    query: listQuery,
    response: json(z.looseObject({ items: z.array(object) })),
  },
  getJob: { method: 'GET', path: '/v1/jobs/{id}', auth: 'user', summary: 'One Job.', query: namespaceQuery, response: json(object) },
  cancelJob: {
    method: 'DELETE',
    path: '/v1/jobs/{id}',
    auth: 'user',
    summary: 'Cancel a Job; with `purge` delete it.',
    query: deleteQuery,
    response: json(object, 202),
  },
  streamJob: {
    method: 'GET',
    path: '/v1/jobs/{id}/stream',
    auth: 'user',
    summary:
      'Server-sent events: `token` {index, text}, `reset` {attempt} before the first token of a new attempt, `status` with the status, `end`. Resumes behind `Last-Event-ID`.',
    query: namespaceQuery,
    response: { status: 200, contentType: 'text/event-stream', schema: z.string() },
  },
  jobResult: {
    method: 'GET',
    path: '/v1/jobs/{id}/result',
    auth: 'user',
    summary: 'The stored result of a Job that succeeded.',
    query: namespaceQuery,
    response: bytes(),
  },
  jobLogs: {
    method: 'GET',
    path: '/v1/jobs/{id}/logs',
    auth: 'user',
    summary: 'The stored log of an attempt of a Job with a container: lines with their times, the middle left out when it is long.',
    query: logsQuery,
    response: { status: 200, contentType: 'text/plain', schema: z.string() },
  },
  putLog: {
    method: 'PUT',
    path: '/v1/logs/{namespace}/{uid}/{attempt}',
    auth: 'user',
    summary: 'Replace the stored log of an attempt; for the recorder, who may `create` on `mnemosjobs/logs`.',
    body: { contentType: 'text/plain', schema: z.string() },
    response: json(storedArtifact),
  },
  attemptWork: {
    method: 'GET',
    path: '/v1/attempts/{uid}/{attempt}/work',
    auth: 'assignment',
    summary: 'What an inference in a pod of its own is to do; for that pod.',
    response: json(assignmentWork),
  },
  putEvents: {
    method: 'POST',
    path: '/v1/attempts/{uid}/{attempt}/events',
    auth: 'assignment',
    summary: 'Tokens of an attempt while they appear, as lines of JSON. A line with an index that is known is left out.',
    body: { contentType: 'application/x-ndjson', schema: tokenLine },
    response: json(nextIndex),
  },
  nextEvent: {
    method: 'GET',
    path: '/v1/attempts/{uid}/{attempt}/events',
    auth: 'assignment',
    summary: 'How far the stream of an attempt has got.',
    response: json(nextIndex),
  },
  getArtifact: {
    method: 'GET',
    path: '/v1/artifacts/{key}',
    auth: 'assignment',
    summary: 'The bytes of an object; understands Range. The ETag is the SHA-256. May answer 307: then get Location, without the token.',
    response: bytes(),
  },
  headArtifact: {
    method: 'HEAD',
    path: '/v1/artifacts/{key}',
    auth: 'assignment',
    summary: 'Size and SHA-256 of an object.',
    response: bytes(),
  },
  putArtifact: {
    method: 'PUT',
    path: '/v1/artifacts/{key}',
    auth: 'assignment',
    summary: 'Store an object. `x-mnemos-sha256` is compared with what arrived; the answer is what was read back.',
    body: { contentType: 'application/octet-stream', schema: z.string() },
    response: json(storedArtifact),
  },
  ...fileRoutes,
  ...judgingRoutes,
  ...pipelineRoutes,
  health: {
    method: 'GET',
    path: '/v1/health',
    auth: 'none',
    summary: 'Whether the server can serve.',
    response: json(z.object({ status: z.literal('ok') })),
  },
  openapi: { method: 'GET', path: '/openapi.json', auth: 'none', summary: 'This description.', response: json(z.looseObject({})) },
} as const satisfies Record<string, Route>

export type RouteName = keyof typeof routes

/** Every route: those with names of their own, and those that all collections have alike. */
export const allRoutes: Readonly<Record<string, Route>> = Object.fromEntries(
  [routes, ...collections.map(collectionRoutes)].flatMap((each) => Object.entries<Route>(each)),
)

/** Fills the parameters of a route's path. Slashes of `{key}` stay. */
export function pathOfRoute(route: Pick<Route, 'path'>, parameters: Readonly<Record<string, string | number>>): string {
  return route.path.replace(/\{(\w+)\}/g, (_match, name: string) => {
    const value = String(parameters[name] ?? '')
    return name === 'key' ? value.split('/').map(encodeURIComponent).join('/') : encodeURIComponent(value)
  })
}
