/** Revisions of pipelines: which there are, what changed between two, and back to one. The change is that of the caller. */
import {
  diffQuery,
  type PipelineDiff,
  type PipelineRevision,
  pipelinePath,
  pipelineQuery,
  revisionPath,
  rollbackBody,
  pipelineRoutes as routes,
} from '@mnemos/contract'
import { specChanges, unifiedDiff } from '@mnemos/domain'
import { isConflict, type KubeObject, pathOf } from '@mnemos/kube'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { stringify } from 'yaml'
import type { Callers } from './callers.ts'
import { stale, tagOf, versionIn } from './etag.ts'
import { findPipeline, pipelines, type Revision, revisionNumbered, revisionsOf } from './pipeline-objects.ts'
import { Refusal } from './refusal.ts'
import { readBody, readPath, readQuery } from './request-reading.ts'
import { fastifyPath } from './route-path.ts'

export function registerRevisions(app: FastifyInstance, callers: Callers): void {
  const found = async (request: FastifyRequest) => {
    const { namespace } = readQuery(pipelineQuery, request)
    const { id } = readPath(pipelinePath, request)
    const caller = await callers.identify(request.headers.authorization)
    const pipeline = await findPipeline(caller, namespace, id)
    return { caller, pipeline, namespace, kept: await revisionsOf(caller, pipeline) }
  }

  app.get(fastifyPath(routes.listPipelineRevisions.path), async (request) => {
    const { pipeline, kept } = await found(request)
    return { items: kept.map((each) => shown(each, pipeline.status?.revision)) }
  })
  app.get(fastifyPath(routes.getPipelineRevision.path), async (request) => {
    const { pipeline, kept } = await found(request)
    const { revision } = readPath(revisionPath, request)
    const one = revisionNumbered(pipeline, kept, revision)
    return { ...shown(one, pipeline.status?.revision), spec: specOf(one) }
  })
  app.get(fastifyPath(routes.diffPipeline.path), async (request): Promise<PipelineDiff> => {
    const { from, to } = readQuery(diffQuery, request)
    const { pipeline, kept } = await found(request)
    const [older, newer] = [revisionNumbered(pipeline, kept, from), revisionNumbered(pipeline, kept, to)].map(specOf)
    const { changes, isWhole } = specChanges(older, newer)
    const { name } = pipeline.metadata
    const names = { before: `${name} revision ${from}`, after: `${name} revision ${to}` }
    return { from, to, changes: changes.map((each) => ({ ...each })), isWhole, text: unifiedDiff(yamlOf(older), yamlOf(newer), names) }
  })
  app.post(fastifyPath(routes.rollbackPipeline.path), async (request, reply) => {
    const { caller, pipeline, kept, namespace } = await found(request)
    const { revision } = readBody(rollbackBody, request)
    const spec = specOf(revisionNumbered(pipeline, kept, revision))
    const { name } = pipeline.metadata
    const resourceVersion = versionIn(request, `Pipeline ${name}`) ?? pipeline.metadata.resourceVersion
    const { status: _status, ...rest } = pipeline
    const body = { ...rest, metadata: { ...pipeline.metadata, resourceVersion }, spec }
    const query = { fieldManager: 'mnemos-server', fieldValidation: 'Strict' }
    try {
      const stored = await caller.client.request<KubeObject>('PUT', pathOf(pipelines, { namespace, name }), { body, query })
      return await reply.header('etag', tagOf(stored)).send(stored)
    } catch (error) {
      throw isConflict(error) ? stale(`Pipeline ${name}`) : error
    }
  })
}

function shown({ metadata, revision }: Revision, current: number | undefined): PipelineRevision {
  const { name, creationTimestamp } = metadata
  return {
    ...{ revision, name, isCurrent: revision === current },
    ...(creationTimestamp === undefined ? {} : { createdAt: creationTimestamp }),
  }
}

function specOf({ metadata, data }: Revision): Record<string, unknown> {
  const { spec } = data ?? {}
  if (typeof spec === 'object' && spec !== null) return spec as Record<string, unknown> // a Pipeline's, which is an object
  throw new Refusal('MNEMOS_NOT_FOUND', `ControllerRevision ${metadata.name} holds no spec; it was not made by MNEMOS.`)
}

/** Keys in one order: the API server keeps none. */
function yamlOf(spec: unknown): string {
  return stringify(spec, { version: '1.1', sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false })
}
