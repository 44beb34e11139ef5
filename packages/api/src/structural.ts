/**
 * zod → structural OpenAPI v3 schema, as a CustomResourceDefinition wants it.
 *
 * Guarantees: what cannot be said in a structural schema, or would not be bounded, or has no description, is refused with
 * its path when the CRD is generated, never dropped. Rules of structural schemas: Kubernetes, apiextensions/v1.
 */
import { z } from 'zod'
import { type Marks, marksOf, type Rule } from './schema.ts'

/** A structural schema as it stands in a CRD. */
export interface Structural {
  description?: string
  type?: string
  format?: string
  pattern?: string
  enum?: readonly string[]
  default?: unknown
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  maxProperties?: number
  required?: string[]
  items?: Structural
  properties?: Record<string, Structural>
  additionalProperties?: Structural
  'x-kubernetes-list-type'?: string
  'x-kubernetes-list-map-keys'?: readonly string[]
  'x-kubernetes-map-type'?: string
  'x-kubernetes-preserve-unknown-fields'?: true
  'x-kubernetes-validations'?: readonly CrdRule[]
}

interface CrdRule {
  readonly rule: string
  readonly message: string
  readonly fieldPath?: string
  readonly reason?: string
  readonly optionalOldSelf?: boolean
}

/** What zod's own JSON Schema may hold at one place. */
interface Emitted {
  [key: string]: unknown
  type?: string
  description?: string
  properties?: Record<string, Emitted>
  items?: Emitted
  additionalProperties?: boolean | Emitted
  required?: string[]
}

/** Most entries of a map without a bound of its own. */
const defaultMaxProperties = 64
/** zod writes these for every integer; they say nothing. */
const safeInteger = Number.MAX_SAFE_INTEGER
const marksKey = '~marks'
const formatsWithPattern = new Set(['date-time', 'email', 'uuid'])

/**
 * @param schema object schema of a spec or a status
 * @param at path for error messages, e.g. `Job.spec`
 * @throws TypeError naming the path of the first place that cannot be expressed
 */
export function structuralOf(schema: z.ZodType, at: string): Structural {
  const emitted = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    reused: 'inline',
    cycles: 'throw',
    unrepresentable: 'throw',
    override: ({ zodSchema, jsonSchema }) => {
      refuseSilent(zodSchema, at)
      const marks = marksOf(zodSchema)
      if (Object.keys(marks).length > 0)
        Object.assign(jsonSchema, { [marksKey]: { ...((jsonSchema as Emitted)[marksKey] as Marks | undefined), ...marks } })
    },
  })
  return convert(emitted as Emitted, at, true)
}

/** Refinements and transforms run in JavaScript only: the API server would not know of them. */
function refuseSilent(schema: z.core.$ZodType, at: string): void {
  const { checks = [], type } = schema._zod.def
  if (checks.some((check) => check._zod.def.check === 'custom'))
    throw new TypeError(`${at}: a refinement cannot be part of a CRD; use rule()`)
  if (type === 'transform' || type === 'pipe') throw new TypeError(`${at}: a transform cannot be part of a CRD`)
}

function convert(from: Emitted, at: string, isRoot = false): Structural {
  for (const key of ['anyOf', 'oneOf', 'allOf', 'not', '$ref', 'prefixItems']) {
    if (key in from) throw new TypeError(`${at}: ${key} is not structural; use optional siblings and rule(), or one pattern`)
  }
  const marks = (from[marksKey] ?? {}) as Marks
  const to: Structural = {}
  if (from.description !== undefined) to.description = from.description
  else if (!isRoot && !at.endsWith('[]') && !at.endsWith('{}')) throw new TypeError(`${at}: describe it`)
  copyValueKeywords(from, to, at)
  if (from.type === 'array') convertArray(from, to, marks, at)
  if (from.type === 'object') convertObject(from, to, marks, at)
  if (marks.mapType !== undefined) to['x-kubernetes-map-type'] = marks.mapType
  if (marks.rules !== undefined && marks.rules.length > 0) to['x-kubernetes-validations'] = marks.rules.map(crdRule)
  return to
}

function copyValueKeywords(from: Emitted, to: Structural, at: string): void {
  if (from.type === undefined) throw new TypeError(`${at}: it has no type; use opaque() for values of any shape`)
  to.type = from.type
  if (from['enum'] !== undefined) to.enum = from['enum'] as string[]
  if (from['default'] !== undefined) to.default = from['default']
  if (typeof from['format'] === 'string' && from['format'] !== 'safeint') to.format = from['format']
  if (typeof from['pattern'] === 'string' && !formatsWithPattern.has(to.format ?? '')) to.pattern = re2(from['pattern'], at)
  if (from.type === 'integer') to.format = Math.abs(Number(from['maximum'] ?? safeInteger)) <= 2 ** 31 ? 'int32' : 'int64'
  for (const bound of ['minimum', 'maximum'] as const) {
    const value = from[bound]
    if (typeof value === 'number' && Math.abs(value) < 2 ** 31 - 1) to[bound] = value
  }
  for (const bound of ['minLength', 'maxLength', 'minItems', 'maxItems'] as const) {
    const value = from[bound]
    if (typeof value === 'number') to[bound] = value
  }
  if (from.type === 'string' && to.enum === undefined && to.maxLength === undefined && to.format === undefined)
    throw new TypeError(`${at}: bound it with max()`)
}

function convertArray(from: Emitted, to: Structural, marks: Marks, at: string): void {
  if (to.maxItems === undefined) throw new TypeError(`${at}: bound the list with max()`)
  to.items = convert(from.items ?? {}, `${at}[]`)
  to['x-kubernetes-list-type'] = marks.listType ?? 'atomic'
  if (marks.listMapKeys !== undefined) to['x-kubernetes-list-map-keys'] = marks.listMapKeys
}

function convertObject(from: Emitted, to: Structural, marks: Marks, at: string): void {
  if (marks.preserveUnknownFields === true) {
    to['x-kubernetes-preserve-unknown-fields'] = true
    return
  }
  if (from.properties !== undefined) {
    to.properties = Object.fromEntries(
      Object.entries(from.properties).map(([name, property]) => [name, convert(property, `${at}.${name}`)]),
    )
    if (from.required !== undefined && from.required.length > 0) to.required = [...from.required].sort()
  } else if (typeof from.additionalProperties === 'object') {
    to.additionalProperties = convert(from.additionalProperties, `${at}{}`)
    to.maxProperties = defaultMaxProperties
  } else {
    throw new TypeError(`${at}: an object without fields; use opaque() or z.record()`)
  }
}

/** The API server compiles patterns with RE2, which has neither look-around nor back-references. */
function re2(pattern: string, at: string): string {
  if (/\(\?[=!<]|\\[1-9]/.test(pattern)) throw new TypeError(`${at}: the pattern needs look-around or back-references, which RE2 lacks`)
  return pattern.replaceAll('\\/', '/')
}

/** A rule as the CRD writes it. */
export function crdRule({ rule, message, fieldPath, reason, optionalOldSelf }: Rule): CrdRule {
  return {
    rule,
    message,
    ...(fieldPath === undefined ? {} : { fieldPath }),
    ...(reason === undefined ? {} : { reason }),
    ...(optionalOldSelf === undefined ? {} : { optionalOldSelf }),
  }
}
