/** Moves an alias (a Model whose source is another Model) back to what it stood for before, as the caller. */
import type { Model } from '@mnemos/api'
import { namespaceQuery, pipelinePath, pipelineRoutes } from '@mnemos/contract'
import { previousAnnotation } from '@mnemos/domain'
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
    if ('mistake' in back) throw new Refusal('MNEMOS_CONFLICT', back.mistake)
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

interface AliasPatch {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> }
  readonly spec: { readonly source: { readonly uri: string; readonly digest?: null } }
}

const scheme = 'model://'

/** What an alias becomes: what it was before, and before that what it is now. */
function rollbackOfAlias({ metadata: { name, annotations }, spec }: Model): { readonly patch: AliasPatch } | { readonly mistake: string } {
  const { uri, digest } = spec.source
  if (!uri.startsWith(scheme)) return { mistake: `Model ${name} is no alias: name a Model whose spec.source.uri is ${scheme}<name>.` }
  const previous = annotations?.[previousAnnotation]
  if (previous === undefined)
    return { mistake: `Model ${name} was never moved: it has no annotation ${previousAnnotation} that names what to go back to.` }
  return {
    patch: {
      metadata: { annotations: { [previousAnnotation]: uri.slice(scheme.length) } },
      // A digest that was demanded of the one says nothing of the other.
      spec: { source: { uri: `${scheme}${previous}`, ...(digest === undefined ? {} : { digest: null }) } },
    },
  }
}
