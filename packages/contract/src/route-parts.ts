/** Pieces of which routes are made. */
import { z } from 'zod'
import { namespaceName } from './namespace-name.ts'
import type { Route } from './routes.ts'

/** Any object of the cluster; its own schema is the cluster's to check. */
export const object = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string().optional() }),
})

/** The namespace as query parameter. @param what for the description */
export function namespaceQueryOf(what: string) {
  return z.object({ namespace: namespaceName.default('default').describe(what) })
}

/** What lists in pages read from their queries. */
export const page = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(100).describe('Most objects to answer with.'),
  continue: z.string().max(4096).optional().describe('`metadata.continue` of the page before.'),
})

export const json = (schema: z.ZodType, status = 200): Route['response'] => ({ status, contentType: 'application/json', schema })
export const bytes = (status = 200): Route['response'] => ({
  status,
  contentType: 'application/octet-stream',
  schema: z.string().describe('The bytes.'),
})
export const body = (schema: z.ZodType, contentType = 'application/json'): NonNullable<Route['body']> => ({ contentType, schema })
