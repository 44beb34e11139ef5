/** What people ask for: their Jobs. Every object is read or written as the caller, so the cluster's RBAC decides. */
import type { Job } from '@mnemos/api'
import type { ArtifactStore } from '@mnemos/artifacts'
import { deleteQuery, listQuery, namespaceQuery, routes } from '@mnemos/contract'
import { isTerminal } from '@mnemos/domain'
import { pathOf } from '@mnemos/kube'
import type { StreamStore } from '@mnemos/stores'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Caller, Callers } from './callers.ts'
import { type JobFollower, jobs } from './job-follower.ts'
import { jobFrom } from './job-input.ts'
import { jobEvents } from './job-stream.ts'
import { registerLogReading } from './log-routes.ts'
import { Refusal } from './refusal.ts'
import { idOf, readQuery } from './request-reading.ts'
import { fastifyPath } from './route-path.ts'
import { isShortRun, submitShortRun } from './run-input.ts'
import { type EventReplyOptions, lastEventIdOf, sendEvents } from './sse-reply.ts'
import { resultKeyOf, resultTextOf } from './stored-result.ts'
import { createOnce, idempotencyKeyOf } from './submission.ts'

export interface UserRoutesOptions extends EventReplyOptions {
  readonly callers: Callers
  readonly artifacts: ArtifactStore
  readonly streams: StreamStore
  readonly follower: JobFollower
}

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
    const idempotencyKey = idempotencyKeyOf(request)
    const submission = { namespace, idempotencyKey, userName: caller.userName }
    if (isShortRun(request.body)) return reply.code(201).send(await submitShortRun(caller, request.body, submission))
    return reply.code(201).send(await createOnce(caller, jobs, jobFrom(request.body, submission), idempotencyKey))
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
    const { follower, streams } = options
    const resultOf = (of: Job): Promise<string | undefined> => resultTextOf(artifacts, of)
    return sendEvents(reply, request, (signal) => jobEvents({ follower, streams, resultOf }, job, lastEventIdOf(request), signal), options)
  })
}
