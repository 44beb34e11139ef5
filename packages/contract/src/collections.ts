/** Collections: objects that are kept over HTTP as they are, each of one kind, in pages and with their versions. */
import { z } from 'zod'
import { body, json, namespaceQueryOf, object, page } from './route-parts.ts'
import type { Route } from './routes.ts'

const namespace = namespaceQueryOf('Namespace of objects that name none.')

/** Objects that are kept over HTTP as they are, each of one kind. */
export const collections = [
  { path: '/v1/policies', kind: 'Policy', isNamespaced: true },
  { path: '/v1/clusterpolicies', kind: 'ClusterPolicy', isNamespaced: false },
  { path: '/v1/schemas', kind: 'Schema', isNamespaced: false },
  { path: '/v1/pipelines', kind: 'Pipeline', isNamespaced: true },
] as const
export type Collection = (typeof collections)[number]

const labelled = z.object({ labelSelector: z.string().max(1024).optional().describe('Only objects with these labels.') })
const dryRun = z.object({ dryRun: z.stringbool().default(false).describe('Check everything and store nothing.') })

/** What the routes of a collection read from their queries. */
export function collectionQueries({ isNamespaced }: Pick<Collection, 'isNamespaced'>) {
  const scope = isNamespaced ? namespace : z.object({})
  return { list: scope.extend(page.shape).extend(labelled.shape), read: scope, write: scope.extend(dryRun.shape) }
}

/** The routes of one collection. `ETag` is the version of an object; `If-Match` demands it. */
export function collectionRoutes(collection: Collection): Readonly<Record<string, Route>> {
  const { path, kind } = collection
  const one = `${path}/{id}`
  const { list, read, write } = collectionQueries(collection)
  const auth = 'user'
  return {
    [`list${kind}`]: {
      method: 'GET',
      path,
      auth,
      summary: `Objects of kind ${kind}, in pages.`,
      query: list,
      response: json(z.looseObject({ items: z.array(object) })),
    },
    [`create${kind}`]: {
      method: 'POST',
      path,
      auth,
      summary: `Create a ${kind}.`,
      query: write,
      body: body(object),
      response: json(object, 201),
    },
    [`get${kind}`]: {
      method: 'GET',
      path: one,
      auth,
      summary: `One ${kind}, with its ETag; 304 for an ETag in If-None-Match.`,
      query: read,
      response: json(object),
    },
    [`replace${kind}`]: {
      ...{ method: 'PUT', path: one, auth, query: write, body: body(object), response: json(object) },
      summary: `Replace a ${kind}. Needs If-Match (428); 412 when it changed since.`,
    },
    [`patch${kind}`]: {
      ...{ method: 'PATCH', path: one, auth, query: write, response: json(object) },
      body: body(z.looseObject({}), 'application/merge-patch+json'),
      summary: `Change a ${kind} by a JSON merge patch (RFC 7396). Needs If-Match, as PUT does.`,
    },
    [`delete${kind}`]: {
      ...{ method: 'DELETE', path: one, auth, query: write, response: json(object) },
      summary: `Delete a ${kind}; with If-Match only in that version. Answers with what was deleted.`,
    },
  }
}

/** The routes of the collection of one kind, by name. */
export function routesOfKind<K extends Collection['kind']>(kind: K) {
  const collection = collections.find((each) => each.kind === kind)
  if (collection === undefined) throw new TypeError(`there is no collection of ${kind}`)
  type Verb = 'list' | 'create' | 'get' | 'replace' | 'patch' | 'delete'
  return collectionRoutes(collection) as Readonly<Record<`${Verb}${K}`, Route>> // the names that it makes
}
