/**
 * What zod can say and a CustomResourceDefinition cannot: refused with its path, so that nothing a kind says is lost on its
 * way to the API server. Looks at zod's own definitions, because zod's JSON Schema drops some of these without a word.
 */
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'

type AnySchema = z.core.$ZodType

/** The parts of zod's definitions that this file reads; zod types them one by one. */
interface Definition {
  readonly type: string
  readonly checks?: readonly z.core.$ZodCheck[]
  readonly coerce?: boolean
  readonly format?: string
  readonly catchall?: AnySchema
  readonly keyType?: AnySchema
  readonly innerType?: AnySchema
  readonly defaultValue?: unknown
}
interface CheckDefinition {
  readonly check: string
  readonly format?: string
  readonly pattern?: RegExp
}

const types = new Set([
  ...['object', 'record', 'array', 'string', 'number', 'boolean', 'enum', 'literal', 'optional', 'default', 'nullable'],
  // Judged where they stand: a structural schema says it better than "type unknown".
  ...['unknown', 'any', 'union', 'tuple', 'null', 'never', 'lazy'],
])
const instead: Readonly<Record<string, string>> = {
  transform: 'a transform cannot be part of a CRD',
  pipe: 'a transform cannot be part of a CRD',
  custom: 'a refinement cannot be part of a CRD; use rule()',
  overwrite: 'a change of the value (trim, toLowerCase, …) cannot be part of a CRD',
  prefault: 'a prefault cannot be part of a CRD; use default()',
  catch: 'a catch cannot be part of a CRD: the API server refuses what is wrong',
}
const checks = new Set([
  'min_length',
  'max_length',
  'length_equals',
  'greater_than',
  'less_than',
  'multiple_of',
  'number_format',
  'string_format',
])
/** Formats that the API server checks as zod does (near enough; the agreement fixtures hold them together), and plain patterns. */
const stringFormats = new Set(['datetime', 'email', 'uuid', 'regex'])
const numberFormats = new Set(['safeint', 'int32'])

/** @throws TypeError with the path and what to write instead */
export function refuseTraps(schema: AnySchema, at: string): void {
  const definition: Definition = schema._zod.def
  const refuse = (why: string): never => {
    throw new TypeError(`${at}: ${why}`)
  }
  if (!types.has(definition.type)) refuse(instead[definition.type] ?? `${definition.type} cannot be part of a CRD`)
  if (z.globalRegistry.get(schema)?.id !== undefined) refuse('an id in meta() would become a reference; leave it out')
  if (definition.coerce === true) refuse('coercion cannot be part of a CRD')
  if (definition.catchall !== undefined && definition.catchall._zod.def.type !== 'never')
    refuse('fields that nobody declared; declare them, or use opaque()')
  if (definition.type === 'record') refuseKeys(definition, refuse)
  if (definition.type === 'default') refuseDefault(definition, refuse)
  refuseFormat(definition.type, definition, refuse)
  for (const check of definition.checks ?? []) {
    const found: CheckDefinition = check._zod.def
    if (!checks.has(found.check)) refuse(instead[found.check] ?? `the check ${found.check} cannot be part of a CRD`)
    refuseFormat(definition.type, found, refuse)
  }
}

function refuseFormat(type: string, { format, pattern }: { format?: string; pattern?: RegExp }, refuse: (why: string) => never): void {
  if (format === undefined) return
  const known = type === 'number' ? numberFormats : stringFormats
  if (!known.has(format)) refuse(`the format ${format} means something else to the API server, or nothing; use regex() or a bound`)
  if (format === 'regex' && pattern !== undefined && pattern.flags.replace('u', '') !== '')
    refuse(`the flags of ${String(pattern)} would be lost`)
}

/** Rules on keys are lost in a CRD; `mapOf` says them as CEL. */
function refuseKeys({ keyType }: Definition, refuse: (why: string) => never): void {
  const key: Definition | undefined = keyType?._zod.def
  if (key?.type !== 'string' || key.checks !== undefined || key.format !== undefined)
    refuse('what is said about the keys would be lost; use mapOf()')
}

/** The API server fills in the defaults inside a default; zod does not, so a default says everything. */
function refuseDefault({ innerType, defaultValue }: Definition, refuse: (why: string) => never): void {
  if (innerType === undefined) return
  const parsed = z.safeParse(innerType, defaultValue)
  if (!parsed.success) refuse('the default is not allowed by its own schema')
  else if (!isDeepStrictEqual(parsed.data, defaultValue)) refuse(`write the default in full: ${JSON.stringify(parsed.data)}`)
}
