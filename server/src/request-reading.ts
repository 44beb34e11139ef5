/** Reads the parts of a request by their schemas; what is wrong is said at once, by field. */
import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { Refusal } from './refusal.ts'

/** @throws Refusal MNEMOS_BAD_REQUEST */
export function readQuery<S extends z.ZodType>(schema: S, request: FastifyRequest): z.output<S> {
  return read(schema, request.query, 'The query')
}

/** @throws Refusal MNEMOS_BAD_REQUEST */
export function readBody<S extends z.ZodType>(schema: S, request: FastifyRequest): z.output<S> {
  return read(schema, request.body, 'The body')
}

/** The `{id}` of a path. */
export function idOf(request: FastifyRequest): string {
  return (request.params as { id: string }).id // by the path of the route
}

function read<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const details = parsed.error.issues.slice(0, 100).map(({ path, message }) => ({ field: path.join('.'), message }))
  const said = details.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`))
  throw new Refusal('MNEMOS_BAD_REQUEST', `${what} is wrong: ${said.join('; ')}`, { details })
}
