/**
 * Logs of attempts that had a pod: the recorder puts them here, people read them, long after the pod is gone.
 *
 * Who may store is who may `create` on `mnemosjobs/logs` in the namespace, a right that only the recorder is given; who may read is who
 * may read the Job. The API server is asked both with the caller's own token.
 */
import { Readable } from 'node:stream'
import type { Job } from '@mnemos/api'
import type { ArtifactStore } from '@mnemos/artifacts'
import { logsQuery, routes } from '@mnemos/contract'
import { hasOwnPods } from '@mnemos/domain'
import { type KubeObject, resource } from '@mnemos/kube'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Caller, Callers } from './callers.ts'
import { type JobFollower, jobs } from './job-follower.ts'
import { Refusal } from './refusal.ts'
import { fastifyPath } from './route-path.ts'

export interface LogRoutesOptions {
  readonly callers: Callers
  readonly artifacts: ArtifactStore
  readonly follower: Pick<JobFollower, 'get'>
}

interface AccessReview extends KubeObject {
  readonly status?: { readonly allowed?: boolean }
}

const accessReviews = resource<AccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'selfsubjectaccessreviews',
  kind: 'SelfSubjectAccessReview',
  namespaced: false,
})
/** Head, tail and the line between them, with room to spare. */
const maxLogBytes = 8 * 1024 * 1024
const allowedForMs = 30_000
const maxAllowed = 4096

function keyOf(namespace: string, uid: string, attempt: number): string {
  return `logs/${namespace}/${uid}/a${attempt}`
}

/** Bodies of these routes are bytes: the parsers of the others do not apply. */
export function registerLogStoring(app: FastifyInstance, { callers, artifacts, follower }: LogRoutesOptions): void {
  const mayStore = rightToStore()
  app.put(fastifyPath(routes.putLog.path), async (request) => {
    const { namespace, uid, attempt } = request.params as { namespace: string; uid: string; attempt: string } // by the path of the route
    await mayStore(await callers.identify(request.headers.authorization), namespace)
    const job = follower.get(uid)
    const number = Number(attempt)
    if (
      job?.metadata.namespace !== namespace ||
      !hasOwnPods(job) ||
      !Number.isSafeInteger(number) ||
      number < 1 ||
      number > (job.status?.attempt ?? 0)
    )
      throw new Refusal('MNEMOS_NOT_FOUND', `There is no attempt ${attempt.slice(0, 16)} of such a Job in namespace ${namespace}.`)
    return artifacts.put(keyOf(namespace, uid, number), Readable.from(bounded(request.body as Readable | undefined)))
  })
}

/** @param find the Job of a request, read as the caller */
export function registerLogReading(
  app: FastifyInstance,
  artifacts: ArtifactStore,
  find: (request: FastifyRequest) => Promise<{ readonly job: Job; readonly namespace: string; readonly name: string }>,
): void {
  app.get(fastifyPath(routes.jobLogs.path), async (request, reply) => {
    const parsed = logsQuery.safeParse(request.query)
    if (!parsed.success) throw new Refusal('MNEMOS_BAD_REQUEST', 'The query is wrong: attempt is a whole number from 1 on.')
    const { job, namespace, name } = await find(request)
    if (!hasOwnPods(job))
      throw new Refusal('MNEMOS_NOT_FOUND', `Job ${name} has no pod of its own, so no log; see /v1/jobs/${name}/result.`)
    const attempt = parsed.data.attempt ?? job.status?.attempt ?? 0
    const found = attempt < 1 ? undefined : await artifacts.get(keyOf(namespace, job.metadata.uid ?? '', attempt))
    if (found === undefined)
      throw new Refusal(
        'MNEMOS_NOT_FOUND',
        `No log of attempt ${attempt} of Job ${name} is stored (yet); kubectl logs reads it while there is a pod.`,
      )
    // A log may be replaced while it is read: its length is that of what was read.
    return reply.type('text/plain; charset=utf-8').send(Buffer.concat((await found.bytes.toArray()) as Buffer[]))
  })
}

/** The API server is asked at most once in half a minute for each caller and namespace. */
function rightToStore(): (caller: Caller, namespace: string) => Promise<void> {
  const allowed = new Map<string, number>()
  return async ({ userName, client }, namespace) => {
    const id = `${userName} ${namespace}`
    if ((allowed.get(id) ?? 0) > performance.now()) return
    const resourceAttributes = { group: jobs.group, resource: jobs.plural, subresource: 'logs', verb: 'create', namespace }
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      metadata: { name: '' },
      ...{ spec: { resourceAttributes } },
    }
    const { status } = await client.create(accessReviews, review)
    if (status?.allowed !== true)
      throw new Refusal(
        'MNEMOS_FORBIDDEN',
        `${userName} may not store logs: that needs the right to create mnemosjobs/logs in namespace ${namespace}.`,
      )
    if (allowed.size >= maxAllowed) allowed.clear()
    allowed.set(id, performance.now() + allowedForMs)
  }
}

async function* bounded(body: Readable | undefined): AsyncGenerator<Buffer> {
  let size = 0
  for await (const chunk of (body ?? Readable.from([])).iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxLogBytes) throw new Refusal('MNEMOS_TOO_LARGE', `A log may have at most ${maxLogBytes} bytes.`)
    yield chunk
  }
}
