/** Routes about rules: what would be admitted, what a change of a schema breaks, and what policies say to cases. */
import { z } from 'zod'
import { body, json, namespaceQueryOf, object } from './route-parts.ts'
import type { Route } from './routes.ts'

const namespace = namespaceQueryOf('Namespace of objects that name none.')

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
