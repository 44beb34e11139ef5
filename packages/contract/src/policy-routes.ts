/** Routes about rules: what would be admitted, what a change of a schema breaks, and the policies and Schemas themselves. */
import { z } from 'zod'
import type { Route } from './routes.ts'

const object = z.looseObject({ apiVersion: z.string(), kind: z.string(), metadata: z.looseObject({ name: z.string().optional() }) })
const namespaceName = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
const namespace = z.object({ namespace: namespaceName.default('default').describe('Namespace of objects that name none.') })
const json = (schema: z.ZodType, status = 200): Route['response'] => ({ status, contentType: 'application/json', schema })
const body = (schema: z.ZodType, contentType = 'application/json'): NonNullable<Route['body']> => ({ contentType, schema })

const exampleJob = {
  apiVersion: 'mnemos.dev/v1alpha1',
  kind: 'Job',
  metadata: { name: 'hello', namespace: 'default' },
  spec: { inference: { modelRef: { name: 'smollm' }, prompt: 'Say hello.' } },
}

/** One thing that is wrong with an object. */
export const validationError = z.object({
  pointer: z.string().describe('JSON Pointer; empty for the whole object.'),
  field: z.string().describe('The same as kubectl writes it.'),
  code: z.string().describe('What sort of mistake: required, invalid, enum, unknownField, forbidden, … or the reason of the API server.'),
  message: z.string(),
  expected: z.string().optional(),
  found: z.string().optional(),
  suggestion: z.string().optional(),
})

export const validation = z.object({
  valid: z.boolean(),
  errors: z.array(validationError).describe('Everything that is wrong, at once.'),
  warnings: z.array(z.string()),
  object: object.optional().describe('As it would be stored; of what is valid.'),
})

export const validationBatch = z.object({
  valid: z.int(),
  invalid: z.int(),
  results: z.array(validation.extend({ index: z.int(), kind: z.string().optional(), name: z.string().optional() })),
})
export const maxBatch = 100
export const batchBody = z.object({ objects: z.array(z.unknown()).min(1).max(maxBatch) }).meta({ examples: [{ objects: [exampleJob] }] })

export const compatibilityMode = z.enum([
  'NONE',
  'BACKWARD',
  'FORWARD',
  'FULL',
  'BACKWARD_TRANSITIVE',
  'FORWARD_TRANSITIVE',
  'FULL_TRANSITIVE',
])
const schemaDocument = z.union([z.record(z.string(), z.unknown()), z.boolean()])
export const compatibilityBody = z
  .union([
    z.strictObject({ older: schemaDocument, newer: schemaDocument, mode: compatibilityMode.default('BACKWARD') }),
    z.strictObject({
      schema: z.string().min(1).describe('Name of a stored Schema: its document in force is the older one.'),
      document: schemaDocument.describe('What is to follow it.'),
      mode: compatibilityMode.optional().describe('That of the Schema when absent.'),
    }),
  ])
  .meta({ examples: [{ older: { maximum: 10 }, newer: { maximum: 5 }, mode: 'BACKWARD' }] })
const difference = z.looseObject({
  direction: z.enum(['BACKWARD', 'FORWARD']),
  pointer: z.string(),
  keyword: z.string(),
  message: z.string(),
})
export const compatibility = z.object({
  compatible: z.boolean(),
  result: z.enum(['compatible', 'incompatible', 'undecided', 'unreadable']),
  mode: compatibilityMode,
  differences: z.array(difference.extend({ counterExample: z.unknown() })),
  doubts: z.array(difference),
  errors: z.array(z.object({ document: z.enum(['older', 'newer']), pointer: z.string(), message: z.string() })),
})

export const casesBody = z
  .strictObject({
    cases: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(256),
          object: z.record(z.string(), z.unknown()),
          oldObject: z.record(z.string(), z.unknown()).optional(),
          user: z.string().optional(),
          groups: z.array(z.string()).optional(),
          now: z.iso.datetime({ offset: true }).optional(),
          expect: z.enum(['Allowed', 'Warned', 'Redacted', 'Refused']),
          rule: z.string().optional(),
          message: z.string().optional(),
        }),
      )
      .min(1)
      .max(maxBatch),
    objects: z.array(z.record(z.string(), z.unknown())).max(maxBatch).default([]).describe('What exists: Models, Namespaces.'),
  })
  .meta({ examples: [{ cases: [{ name: 'a plain question passes', object: exampleJob, expect: 'Allowed' }] }] })
export const caseResults = z.object({
  passed: z.int(),
  failed: z.int(),
  results: z.array(
    z.object({
      name: z.string(),
      passed: z.boolean(),
      outcome: z.enum(['Allowed', 'Warned', 'Redacted', 'Refused']).optional(),
      problem: z.string().optional(),
      said: z.array(z.string()),
    }),
  ),
})

export const judgingRoutes = {
  validate: {
    method: 'POST',
    path: '/v1/validate',
    auth: 'user',
    summary: 'What admission would say to an object of the caller now, without storing it: by a dry run, so with its policies.',
    query: namespace,
    body: body(object.meta({ examples: [exampleJob] })),
    response: json(validation),
  },
  validateBatch: {
    method: 'POST',
    path: '/v1/validate/batch',
    auth: 'user',
    summary: 'The same for up to 100 objects; answers come in their order.',
    query: namespace,
    body: body(batchBody),
    response: json(validationBatch),
  },
  checkCompatibility: {
    method: 'POST',
    path: '/v1/compatibility',
    auth: 'user',
    summary: 'What a change of a JSON Schema breaks, with documents that show it.',
    body: body(compatibilityBody),
    response: json(compatibility),
  },
  testPolicy: {
    method: 'POST',
    path: '/v1/policies/{id}/test',
    auth: 'user',
    summary: 'Holds a stored Policy, alone, to cases with expected outcomes. Nothing is stored or counted.',
    query: namespace,
    body: body(casesBody),
    response: json(caseResults),
  },
  testClusterPolicy: {
    method: 'POST',
    path: '/v1/clusterpolicies/{id}/test',
    auth: 'user',
    summary: 'The same for a ClusterPolicy.',
    query: namespace,
    body: body(casesBody),
    response: json(caseResults),
  },
} as const satisfies Record<string, Route>

/** Objects that are kept over HTTP as they are, each of one kind. */
export const collections = [
  { path: '/v1/policies', kind: 'Policy', isNamespaced: true },
  { path: '/v1/clusterpolicies', kind: 'ClusterPolicy', isNamespaced: false },
  { path: '/v1/schemas', kind: 'Schema', isNamespaced: false },
] as const
export type Collection = (typeof collections)[number]

const dryRun = z.object({ dryRun: z.stringbool().default(false).describe('Check everything and store nothing.') })
const page = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(100).describe('Most objects to answer with.'),
  continue: z.string().max(4096).optional().describe('`metadata.continue` of the page before.'),
  labelSelector: z.string().max(1024).optional().describe('Only objects with these labels.'),
})

/** What the routes of a collection read from their queries. */
export function collectionQueries({ isNamespaced }: Pick<Collection, 'isNamespaced'>) {
  const scope = isNamespaced ? namespace : z.object({})
  return { list: scope.extend(page.shape), read: scope, write: scope.extend(dryRun.shape) }
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
