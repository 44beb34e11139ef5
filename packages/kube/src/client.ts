/**
 * The client: typed requests to the API server over pooled connections, as raw JSON.
 *
 * Guarantees: a 404 of `get` is undefined and of `delete` is success; every other refusal is a KubeError with what the
 * server said; `Retry-After` of a 429 or 503 is obeyed (the request was not carried out then); no write leaves while the
 * fence is closed. It never repeats a request that may have been carried out.
 */
import { type Clock, systemClock } from './clock.ts'
import type { Credentials } from './credentials.ts'
import { isNotFound } from './errors.ts'
import type { KubeMetrics } from './metrics.ts'
import { metadataOf, type RequestOptions, send } from './send.ts'
import { createTransport, type Transport } from './transport.ts'
import { apiVersionOf, type KubeObject, type ObjectName, type Resource } from './types.ts'

/** Holds writes back when too little of the leadership is left. */
export interface Fence {
  /** @throws KubeError with reason FenceClosed */
  check(): void
}

export interface ListOptions {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Only `metadata` of each object is sent. */
  readonly metadataOnly?: boolean
  /** Objects in one page; default 500. */
  readonly limit?: number
  readonly signal?: AbortSignal
}

export interface PatchOptions {
  readonly subresource?: 'status' | 'scale'
  /** Default `merge`. */
  readonly type?: 'merge' | 'json'
  readonly signal?: AbortSignal
}

export interface ClientOptions {
  readonly credentials: Credentials
  /** Default `kube`. */
  readonly userAgent?: string
  readonly fence?: Fence
  /** Most connections for requests; default 32. */
  readonly connections?: number
  /** Silence of the server that ends a request; default 20,000 ms, in steps of half a second: a list that is never answered must not blind a cache for 30 s. */
  readonly requestTimeoutMs?: number
  readonly clock?: Clock
  readonly metrics?: KubeMetrics
}

export interface Client {
  get<T extends KubeObject>(resource: Resource<T>, name: ObjectName, options?: { signal?: AbortSignal }): Promise<T | undefined>
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<{ items: T[]; resourceVersion: string }>
  create<T extends KubeObject>(
    resource: Resource<T>,
    object: KubeObject,
    options?: { signal?: AbortSignal; dryRun?: boolean; fieldManager?: string },
  ): Promise<T>
  /** Server-side apply. */
  apply<T extends KubeObject>(
    resource: Resource<T>,
    object: KubeObject,
    options: { fieldManager: string; force?: boolean; signal?: AbortSignal },
  ): Promise<T>
  /** A patch that holds `metadata.uid` or `metadata.resourceVersion` is refused with 409 when they differ. */
  patch<T extends KubeObject>(resource: Resource<T>, name: ObjectName, patch: unknown, options?: PatchOptions): Promise<T>
  /** Replaces the status by compare-and-swap: 409 when the object changed since it was read. Fields absent from `status` are removed. */
  patchStatus<T extends KubeObject>(resource: Resource<T>, object: T, status: object, options?: { signal?: AbortSignal }): Promise<T>
  delete(
    resource: Resource,
    name: ObjectName,
    options?: {
      uid?: string
      resourceVersion?: string
      propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
      graceSeconds?: number
      signal?: AbortSignal
    },
  ): Promise<void>
  /** Any other request. The answer's JSON is not checked. */
  request<T>(method: string, path: string, options?: RequestOptions): Promise<T>
  /**
   * The same client acting for whoever owns the token; shares the connections.
   * @throws TypeError when the connections show a client certificate of ours
   */
  withToken(token: string): Client
  /** The same client writing only while the fence is open; shares the connections. */
  withFence(fence: Fence): Client
  readonly transport: Transport
  readonly context: RequestContext
  close(): Promise<void>
}

/** What every request of one client carries. */
export interface RequestContext {
  readonly userAgent: string
  readonly requestTimeoutMs: number
  readonly clock: Clock
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly fence?: Fence
  readonly metrics?: KubeMetrics
}

/** Makes a client with connections of its own. Close it when done. */
export function createClient(options: ClientOptions): Client {
  const transport = createTransport(options.credentials, options.connections ?? 32)
  return clientOver(transport, {
    userAgent: options.userAgent ?? 'kube',
    requestTimeoutMs: options.requestTimeoutMs ?? 20_000,
    clock: options.clock ?? systemClock,
    headers: {},
    ...(options.fence === undefined ? {} : { fence: options.fence }),
    ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
  })
}

function clientOver(transport: Transport, context: RequestContext): Client {
  const request = async <T>(method: string, path: string, options: RequestOptions = {}): Promise<T> =>
    (await send(transport, context, method, path, options)) as T // the caller names the shape of the answer
  return {
    transport,
    context,
    request,
    get: async (resource, name, options) => undefinedIfNotFound(request('GET', pathOf(resource, name), options)),
    list: (resource, options) => listPages(request, resource, options ?? {}),
    create: (resource, object, options = {}) =>
      request('POST', pathOf(resource, { ...namespaceOf(object) }), {
        body: object,
        query: { ...(options.dryRun === true ? { dryRun: 'All' } : {}), ...managerOf(options.fieldManager) },
        ...signalOf(options.signal),
      }),
    apply: (resource, object, { fieldManager, force, signal }) =>
      request('PATCH', pathOf(resource, object.metadata), {
        body: object,
        contentType: 'application/apply-patch+yaml',
        query: { fieldManager, ...(force === true ? { force: 'true' } : {}) },
        ...signalOf(signal),
      }),
    patch: (resource, name, patch, { subresource, type = 'merge', signal } = {}) =>
      request('PATCH', pathOf(resource, name, subresource), {
        body: patch,
        contentType: `application/${type === 'merge' ? 'merge' : 'json'}-patch+json`,
        ...signalOf(signal),
      }),
    patchStatus: (resource, object, status, options) =>
      request('PATCH', pathOf(resource, object.metadata, 'status'), {
        body: {
          metadata: { uid: object.metadata.uid, resourceVersion: object.metadata.resourceVersion },
          status: replacing(statusOf(object), status),
        },
        contentType: 'application/merge-patch+json',
        ...options,
      }),
    delete: async (resource, name, options = {}) => {
      const { uid, resourceVersion, propagationPolicy = 'Background', graceSeconds, signal } = options
      const preconditions = { ...(uid === undefined ? {} : { uid }), ...(resourceVersion === undefined ? {} : { resourceVersion }) }
      await undefinedIfNotFound(
        request('DELETE', pathOf(resource, name), {
          body: {
            kind: 'DeleteOptions',
            apiVersion: 'v1',
            propagationPolicy,
            preconditions,
            ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
          },
          ...signalOf(signal),
        }),
      )
    },
    withToken: (token) => {
      // API servers look at a certificate first: the caller would act as us.
      if (transport.credentials.tls.cert !== undefined) throw new TypeError('a connection with a client certificate cannot act by a token')
      return clientOver(transport, { ...context, headers: { ...context.headers, authorization: `Bearer ${token}` } })
    },
    withFence: (fence) => clientOver(transport, { ...context, fence }),
    close: () => transport.close(),
  }
}

/** The path of a collection, an object, or a subresource of one. */
export function pathOf(resource: Resource, { namespace, name }: { namespace?: string; name?: string }, subresource?: string): string {
  const prefix = resource.group === '' ? `/api/${resource.version}` : `/apis/${apiVersionOf(resource)}`
  const scope = resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  if (resource.namespaced && name !== undefined && namespace === undefined)
    throw new TypeError(`${resource.kind} ${name} needs a namespace`)
  return `${prefix}${scope}/${resource.plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}${subresource === undefined ? '' : `/${subresource}`}`
}

async function listPages<T extends KubeObject>(
  request: Client['request'],
  resource: Resource<T>,
  options: ListOptions,
): Promise<{ items: T[]; resourceVersion: string }> {
  const { namespace, labelSelector, fieldSelector, metadataOnly = false, limit = 500, signal } = options
  const items: T[] = []
  let next: string | undefined
  let resourceVersion = ''
  do {
    const query = {
      limit: String(limit),
      ...(next === undefined ? {} : { continue: next }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    }
    const page = await request<{ items: T[] | null; metadata: { resourceVersion: string; continue?: string } }>(
      'GET',
      pathOf(resource, namespace === undefined ? {} : { namespace }),
      { query, ...(metadataOnly ? { headers: metadataOf('PartialObjectMetadataList') } : {}), ...signalOf(signal) },
    )
    // Items of a list come without their kind; every reader here relies on it.
    const typed = { apiVersion: apiVersionOf(resource), kind: resource.kind }
    for (const item of page.items ?? []) items.push(Object.assign(item, typed))
    resourceVersion = page.metadata.resourceVersion
    next = page.metadata.continue === '' ? undefined : page.metadata.continue
  } while (next !== undefined)
  return { items, resourceVersion }
}

/** A merge patch that turns `before` into exactly `after`: what is gone is null, lists are replaced whole. */
export function replacing(before: unknown, after: object): Record<string, unknown> {
  const patch: Record<string, unknown> = {}
  const old = isPlainObject(before) ? before : {}
  for (const key of Object.keys(old)) if (!(key in after)) patch[key] = null
  for (const [key, value] of Object.entries(after)) {
    if (value === undefined) patch[key] = null
    else patch[key] = isPlainObject(value) && isPlainObject(old[key]) ? replacing(old[key], value) : value
  }
  return patch
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function statusOf(object: KubeObject): unknown {
  return 'status' in object ? object.status : undefined
}

function namespaceOf(object: KubeObject): { namespace?: string } {
  return object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }
}

const signalOf = (signal: AbortSignal | undefined): { signal?: AbortSignal } => (signal === undefined ? {} : { signal })
const managerOf = (fieldManager: string | undefined): { fieldManager?: string } => (fieldManager === undefined ? {} : { fieldManager })

async function undefinedIfNotFound<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
