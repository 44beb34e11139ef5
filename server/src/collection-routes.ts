/**
 * Policies, Schemas and Pipelines over HTTP, as the caller: lists in pages, objects with their version as ETag, and writes that demand it, so that
 * nobody overwrites what they have not seen.
 */
import { apiVersion, group, kinds, version } from '@mnemos/api'
import { type Collection, collectionQueries, collections } from '@mnemos/contract'
import { isConflict, type KubeObject, pathOf, type Resource } from '@mnemos/kube'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Caller, Callers } from './callers.ts'
import { demandedVersion, stale, tagOf, tagsOf } from './etag.ts'
import { Refusal } from './refusal.ts'
import { idOf, parseOf, readBody, readQuery } from './request-reading.ts'
import { fastifyPath } from './route-path.ts'

const written = z.looseObject({
  apiVersion: z.literal(apiVersion),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string().optional(), namespace: z.string().optional() }),
})
const mergePatch = z.looseObject({ metadata: z.looseObject({}).optional() })

/** What other forms of an object a collection takes: each turns what was sent into the object, or leaves it as it is. */
export type OtherForms = Partial<Readonly<Record<Collection['kind'], (sent: unknown) => unknown>>>

/** Registers the routes of all collections. */
export function registerCollections(app: FastifyInstance, callers: Callers, forms: OtherForms = {}): void {
  for (const collection of collections) register(app, callers, { collection, read: forms[collection.kind] ?? ((sent) => sent) })
}

interface Target {
  readonly namespace?: string
}

interface Kept {
  readonly collection: Collection
  /** What was sent, as an object. */
  readonly read: (sent: unknown) => unknown
}

function register(app: FastifyInstance, callers: Callers, { collection, read: formOf }: Kept): void {
  const { path, kind } = collection
  const { list, read, write } = collectionQueries(collection)
  const resource = resourceOf(collection)
  const one = fastifyPath(`${path}/{id}`)
  const callerOf = (request: FastifyRequest): Promise<Caller> => callers.identify(request.headers.authorization)
  const find = async (caller: Caller, target: Target, name: string): Promise<KubeObject> => {
    const found = await caller.client.get(resource, { ...target, name })
    if (found !== undefined) return found
    const where = target.namespace === undefined ? '' : ` in namespace ${target.namespace}`
    throw new Refusal('MNEMOS_NOT_FOUND', `There is no ${kind} ${name}${where}; list them with GET ${path}.`)
  }

  app.get(path, async (request) => {
    const { limit, continue: next, labelSelector, ...target } = readQuery(list, request)
    const query = {
      limit: String(limit),
      ...(next === undefined ? {} : { continue: next }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
    }
    return (await callerOf(request)).client.request('GET', pathOf(resource, target), { query })
  })
  app.get(one, async (request, reply) => {
    const target: Target = readQuery(read, request)
    const object = await find(await callerOf(request), target, idOf(request))
    if (tagsOf(request.headers['if-none-match']).includes(tagOf(object))) return reply.code(304).header('etag', tagOf(object)).send()
    return reply.header('etag', tagOf(object)).send(object)
  })
  app.post(path, async (request, reply) => {
    const { dryRun, ...target } = readQuery(write, request)
    const object = objectOf(formOf(request.body), collection, target)
    return await send(reply.code(201), await callerOf(request), 'POST', pathOf(resource, target), { body: object, dryRun })
  })
  app.put(one, async (request, reply) => {
    const { dryRun, ...target } = readQuery(write, request)
    const name = idOf(request)
    const object = objectOf(formOf(request.body), collection, target, name)
    const resourceVersion = demandedVersion(request, kind, name)
    const body = { ...object, metadata: { ...object.metadata, name, resourceVersion } }
    return await send(reply, await callerOf(request), 'PUT', pathOf(resource, { ...target, name }), { body, dryRun })
  })
  app.patch(one, async (request, reply) => {
    const { dryRun, ...target } = readQuery(write, request)
    const name = idOf(request)
    const patch = readBody(mergePatch, request)
    const body = { ...patch, metadata: { ...patch.metadata, resourceVersion: demandedVersion(request, kind, name) } }
    const contentType = 'application/merge-patch+json'
    return await send(reply, await callerOf(request), 'PATCH', pathOf(resource, { ...target, name }), { body, dryRun, contentType })
  })
  app.delete(one, async (request, reply) => {
    const { dryRun, ...target } = readQuery(write, request)
    const caller = await callerOf(request)
    const object = await find(caller, target, idOf(request))
    const [tag] = tagsOf(request.headers['if-match'])
    if (tag !== undefined && tag !== '*' && tag !== tagOf(object)) throw stale(`${kind} ${idOf(request)}`)
    const { uid, resourceVersion } = object.metadata
    // Without a demand it is the object that was found, in whatever version.
    const preconditions = { uid, ...(tag === undefined || tag === '*' ? {} : { resourceVersion }) }
    // API servers read the options of the query only where there is no body.
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions,
      propagationPolicy: 'Background',
      ...(dryRun ? { dryRun: ['All'] } : {}),
    }
    await send(reply, caller, 'DELETE', pathOf(resource, { ...target, name: idOf(request) }), { body, dryRun, answer: object })
    return reply
  })
}

interface Write {
  readonly body: object
  readonly dryRun: boolean
  readonly contentType?: string
  /** Instead of the API server's own. */
  readonly answer?: KubeObject
}

async function send(reply: FastifyReply, { client }: Caller, method: string, path: string, { body, dryRun, contentType, answer }: Write) {
  const warnings: string[] = []
  try {
    const stored = await client.request<KubeObject>(method, path, {
      body,
      query: { fieldManager: 'mnemos-server', fieldValidation: 'Strict', ...(dryRun ? { dryRun: 'All' } : {}) },
      onWarning: (warning) => warnings.push(warning),
      ...(contentType === undefined ? {} : { contentType }),
    })
    if (warnings.length > 0) void reply.header('warning', warnings.map(headerOf))
    if (answer === undefined && !dryRun) void reply.header('etag', tagOf(stored))
    return await reply.send(answer ?? stored)
  } catch (error) {
    if (isConflict(error)) throw stale(path.split('/').at(-1) ?? '')
    throw error
  }
}

/** RFC 9110 quoted-string; header values hold no line breaks and only Latin characters. */
function headerOf(warning: string): string {
  return `299 - "${warning.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/["\\]/g, '\\$&')}"`
}

/** The object of the body, of this kind, in this place. */
function objectOf(sent: unknown, { kind }: Collection, { namespace }: Target, name?: string): z.output<typeof written> {
  const object = parseOf(written, sent, { what: 'The body is wrong' })
  const { metadata } = object
  const wrong =
    (object.kind !== kind && `kind: is ${object.kind}, and this is the place of ${kind}`) ||
    (metadata.namespace !== undefined &&
      metadata.namespace !== namespace &&
      `metadata.namespace: is not that of the query (${namespace ?? 'none'})`) ||
    (name !== undefined && metadata.name !== undefined && metadata.name !== name && `metadata.name: is not that of the path (${name})`)
  if (wrong) throw new Refusal('MNEMOS_BAD_REQUEST', `The body is wrong: ${wrong}`)
  return { ...object, metadata: { ...metadata, ...(namespace === undefined ? {} : { namespace }) } }
}

function resourceOf({ kind }: Collection): Resource {
  const definition = kinds.find((each) => each.kind === kind)
  if (definition === undefined) throw new TypeError(`there is no kind ${kind}`)
  return { group, version, plural: definition.plural, kind, namespaced: definition.scope === 'Namespaced' }
}
