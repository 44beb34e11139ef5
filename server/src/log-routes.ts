/**
 * Logs of attempts that had a pod: the recorder puts them here, people read them, long after the pod is gone.
 *
 * Who may store is who may `create` on `mnemosjobs/logs` in the namespace, a right that only the recorder is given; who may read is who
 * may read the Job. The API server is asked both with the caller's own token.
 */
import type { Job } from '@mnemos/api'
import type { ArtifactStore } from '@mnemos/artifacts'
import { logsQuery, routes } from '@mnemos/contract'
import { hasOwnPods } from '@mnemos/domain'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { createAccessRights } from './access-rights.ts'
import type { Callers } from './callers.ts'
import type { JobFollower } from './job-follower.ts'
import { Refusal } from './refusal.ts'
import { bounded } from './request-bytes.ts'
import { fastifyPath } from './route-path.ts'

export interface LogRoutesOptions {
  readonly callers: Callers
  readonly artifacts: ArtifactStore
  readonly follower: Pick<JobFollower, 'get'>
}

/** Head, tail and the line between them, with room to spare. */
const maxLogBytes = 8 * 1024 * 1024

function keyOf(namespace: string, uid: string, attempt: number): string {
  return `logs/${namespace}/${uid}/a${attempt}`
}

/** Bodies of these routes are bytes: the parsers of the others do not apply. */
export function registerLogStoring(app: FastifyInstance, { callers, artifacts, follower }: LogRoutesOptions): void {
  const rights = createAccessRights()
  app.put(fastifyPath(routes.putLog.path), async (request) => {
    const { namespace, uid, attempt } = request.params as { namespace: string; uid: string; attempt: string } // by the path of the route
    const right = { subresource: 'logs', verb: 'create', namespace } as const
    await rights.demand(await callers.identify(request.headers.authorization), right, 'store logs')
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
    return artifacts.put(keyOf(namespace, uid, number), bounded(request.body, maxLogBytes, tooLarge))
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

function tooLarge(): Refusal {
  return new Refusal('MNEMOS_TOO_LARGE', `A log may have at most ${maxLogBytes} bytes.`)
}
