/** What people ask for: their Jobs. Every object is read or written as the caller, so the cluster's RBAC decides. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Job } from '@mnemos/api'
import type { ArtifactStore } from '@mnemos/artifacts'
import { deleteQuery, formatEvent, listQuery, namespaceQuery, routes } from '@mnemos/contract'
import { isTerminal } from '@mnemos/domain'
import { isAlreadyExists, pathOf } from '@mnemos/kube'
import type { StreamStore } from '@mnemos/stores'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Caller, Callers } from './callers.ts'
import { type JobFollower, jobs } from './job-follower.ts'
import { jobFrom, requestDigestAnnotation } from './job-input.ts'
import { jobEvents } from './job-stream.ts'
import { registerLogReading } from './log-routes.ts'
import { Refusal } from './refusal.ts'
import { idOf, readQuery } from './request-reading.ts'
import { fastifyPath } from './route-path.ts'

export interface UserRoutesOptions {
  readonly callers: Callers
  readonly artifacts: ArtifactStore
  readonly streams: StreamStore
  readonly follower: JobFollower
  /** Aborts when the server stops. */
  readonly signal: AbortSignal
  /** How long a reader may leave unread what was sent; then it is cut, and may come back with its last id. Default 30 s. */
  readonly slowReaderMs?: number
}

const keepAliveMs = 15_000

export function registerUserRoutes(app: FastifyInstance, options: UserRoutesOptions): void {
  const { callers, artifacts } = options
  const callerOf = (request: FastifyRequest): Promise<Caller> => callers.identify(request.headers.authorization)
  const find = async (request: FastifyRequest): Promise<{ caller: Caller; job: Job; namespace: string; name: string }> => {
    const { namespace } = readQuery(namespaceQuery, request)
    const name = idOf(request)
    const caller = await callerOf(request)
    const job = await caller.client.get(jobs, { namespace, name })
    if (job === undefined)
      throw new Refusal(
        'MNEMOS_NOT_FOUND',
        `There is no Job ${name} in namespace ${namespace}; list them with GET /v1/jobs?namespace=${namespace}.`,
      )
    return { caller, job, namespace, name }
  }

  app.post(routes.submitJob.path, async (request, reply) => {
    const { namespace } = readQuery(namespaceQuery, request)
    const caller = await callerOf(request)
    const key = request.headers['idempotency-key']
    const job = jobFrom(request.body, {
      namespace,
      idempotencyKey: typeof key === 'string' ? key : undefined,
      userName: caller.userName,
    })
    return reply.code(201).send(await createOnce(caller, job as Job, typeof key === 'string'))
  })
  app.get(routes.listJobs.path, async (request) => {
    const { namespace, limit, continue: next, labelSelector, phase } = readQuery(listQuery, request)
    const caller = await callerOf(request)
    const query = {
      limit: String(limit),
      ...(next === undefined ? {} : { continue: next }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(phase === undefined ? {} : { fieldSelector: `status.phase=${phase}` }),
    }
    return caller.client.request('GET', pathOf(jobs, { namespace }), { query })
  })
  app.get(fastifyPath(routes.getJob.path), async (request) => (await find(request)).job)
  app.delete(fastifyPath(routes.cancelJob.path), async (request, reply) => {
    const { purge } = readQuery(deleteQuery, request)
    const { caller, job, namespace, name } = await find(request)
    const isOver = isTerminal(job)
    const left =
      isOver || job.spec.cancel
        ? job
        : await caller.client.patch<Job>(jobs, { namespace, name }, { metadata: { uid: job.metadata.uid }, spec: { cancel: true } })
    if (purge && job.metadata.uid !== undefined) await caller.client.delete(jobs, { namespace, name }, { uid: job.metadata.uid })
    return reply.code(202).send(left)
  })
  app.get(fastifyPath(routes.jobResult.path), async (request, reply) => {
    const { job, name } = await find(request)
    const result = job.status?.result
    if (result === undefined) throw new Refusal('MNEMOS_NOT_READY', `Job ${name} has no result: it is ${job.status?.phase ?? 'Pending'}.`)
    const key = resultKeyOf(job)
    const found = key === undefined ? undefined : await artifacts.get(key)
    if (found === undefined) throw new Refusal('MNEMOS_NOT_FOUND', `The result of Job ${name} is no longer stored.`)
    return reply
      .type('application/json')
      .header('etag', `"${found.about.sha256}"`)
      .header('content-length', found.about.sizeBytes)
      .send(found.bytes)
  })
  registerLogReading(app, artifacts, find)
  app.get(fastifyPath(routes.streamJob.path), async (request, reply) => {
    const { job } = await find(request)
    return streamTo(reply, request, job, options)
  })
}

/** Where the result is stored. What a status names outside its own Job's place is nobody's result: statuses can be written by hand. */
function resultKeyOf({ metadata, status }: Job): string | undefined {
  const place = `outputs/${metadata.namespace ?? ''}/${metadata.uid ?? ''}/`
  const key = status?.result?.uri.replace('artifact://', '')
  return key?.startsWith(place) === true ? key : undefined
}

/** Creates the Job; with a key, one that is there from the same request is the answer. */
async function createOnce(caller: Caller, job: Job, isIdempotent: boolean): Promise<Job> {
  try {
    return await caller.client.create<Job>(jobs, job)
  } catch (error) {
    if (!isIdempotent || !isAlreadyExists(error)) throw error
    const existing = await caller.client.get(jobs, job.metadata)
    if (existing === undefined) throw error
    const digestOf = ({ metadata }: Job): string | undefined => metadata.annotations?.[requestDigestAnnotation]
    if (digestOf(existing) === digestOf(job)) return existing
    throw new Refusal('MNEMOS_CONFLICT', 'This Idempotency-Key was used for another request; use a new one.', { cause: error })
  }
}

async function streamTo(
  reply: FastifyReply,
  request: FastifyRequest,
  job: Job,
  { follower, streams, artifacts, signal, slowReaderMs = 30_000 }: UserRoutesOptions,
): Promise<FastifyReply> {
  const gone = new AbortController()
  const stop = AbortSignal.any([signal, gone.signal])
  reply.hijack()
  const { raw } = reply
  raw.on('close', () => gone.abort())
  raw.on('error', () => gone.abort())
  // Who left while the Job was looked up has closed already and will not say so again.
  if (raw.destroyed) gone.abort()
  raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'x-request-id': request.id,
  })
  raw.flushHeaders()
  const alive = setInterval(() => raw.write(': alive\n\n'), keepAliveMs)
  try {
    const header = request.headers['last-event-id']
    const resultOf = async (of: Job): Promise<string | undefined> => {
      const key = resultKeyOf(of)
      const found = key === undefined ? undefined : await artifacts.get(key)
      return found === undefined ? undefined : Buffer.concat(await found.bytes.toArray()).toString()
    }
    for await (const event of jobEvents({ follower, streams, resultOf }, job, typeof header === 'string' ? header : undefined, stop)) {
      if (!raw.write(formatEvent(event))) await untilRead(raw, slowReaderMs, stop)
    }
  } catch (error) {
    request.log.error({ error: String(error) }, 'a stream broke')
    raw.destroy()
  } finally {
    clearInterval(alive)
    raw.end()
  }
  return reply
}

/** Waits until the reader has taken what was written, for it alone; cuts it when that takes too long. */
async function untilRead(raw: ServerResponse, slowReaderMs: number, signal: AbortSignal): Promise<void> {
  const timer = setTimeout(() => raw.destroy(), slowReaderMs)
  try {
    await once(raw, 'drain', { signal })
  } catch {
    // The reader is gone or the server stops; the loop above sees the same signal.
  } finally {
    clearTimeout(timer)
  }
}
