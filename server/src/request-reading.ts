/** Reads the parts of a request by their schemas; what is wrong is said at once, by field. */
import type { ApiErrorCode } from '@mnemos/contract'
import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { Refusal } from './refusal.ts'

/** @throws Refusal MNEMOS_BAD_REQUEST */
export function readQuery<S extends z.ZodType>(schema: S, request: FastifyRequest): z.output<S> {
  return parseOf(schema, request.query, { what: 'The query is wrong' })
}

/** @throws Refusal MNEMOS_BAD_REQUEST */
export function readBody<S extends z.ZodType>(schema: S, request: FastifyRequest): z.output<S> {
  return parseOf(schema, request.body, { what: 'The body is wrong' })
}

/** A body that may be left out. @throws Refusal MNEMOS_BAD_REQUEST */
export function readOptionalBody<S extends z.ZodType>(schema: S, request: FastifyRequest): z.output<S> {
  return parseOf(schema, request.body ?? {}, { what: 'The body is wrong' })
}

/** What stands in the path. @throws Refusal MNEMOS_BAD_REQUEST */
export function readPath<S extends z.ZodType>(schema: S, request: FastifyRequest): z.output<S> {
  return parseOf(schema, request.params, { what: 'The path is wrong' })
}

/** The `{id}` of a path. */
export function idOf(request: FastifyRequest): string {
  return (request.params as { id: string }).id // by the path of the route
}

/** @throws Refusal with every field that is wrong */
export function parseOf<S extends z.ZodType>(
  schema: S,
  value: unknown,
  { code = 'MNEMOS_BAD_REQUEST', what }: { readonly code?: ApiErrorCode; readonly what: string },
): z.output<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const details = parsed.error.issues.slice(0, 100).map(({ path, message }) => ({ field: path.join('.'), message }))
  const said = details.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`))
  throw new Refusal(code, `${what}: ${said.join('; ')}`, { details })
}
