/** Moves an alias (a Model whose source is another Model) back to what it stood for before, as the caller. */
import type { Model } from '@mnemos/api'
import { namespaceQuery, pipelinePath, pipelineRoutes } from '@mnemos/contract'
import { rollbackOfAlias } from '@mnemos/domain'
import { isConflict } from '@mnemos/kube'
import type { FastifyInstance } from 'fastify'
import type { Callers } from './callers.ts'
import { stale, tagOf } from './etag.ts'
import { models } from './pod-attempts.ts'
import { Refusal } from './refusal.ts'
import { readPath, readQuery } from './request-reading.ts'
import { fastifyPath } from './route-path.ts'

export function registerModelRollback(app: FastifyInstance, callers: Callers): void {
  app.post(fastifyPath(pipelineRoutes.rollbackModel.path), async (request, reply) => {
    const { namespace } = readQuery(namespaceQuery, request)
    const { id: name } = readPath(pipelinePath, request)
    const { client } = await callers.identify(request.headers.authorization)
    const model = await client.get(models, { namespace, name })
    if (model === undefined)
      throw new Refusal('MNEMOS_NOT_FOUND', `There is no Model ${name} in namespace ${namespace}; list them with kubectl get mnmodel.`)
    const back = rollbackOfAlias(model)
    if ('mistake' in back) throw new Refusal('MNEMOS_CONFLICT', `${back.mistake}.`)
    const { uid, resourceVersion } = model.metadata
    const patch = { ...back.patch, metadata: { ...back.patch.metadata, uid, resourceVersion } }
    try {
      const stored = await client.patch<Model>(models, { namespace, name }, patch)
      return await reply.header('etag', tagOf(stored)).send(stored)
    } catch (error) {
      throw isConflict(error) ? stale(`Model ${name}`) : error
    }
  })
}
