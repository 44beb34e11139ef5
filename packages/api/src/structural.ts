/**
 * zod → structural OpenAPI v3 schema, as a CustomResourceDefinition wants it.
 *
 * Guarantees: what cannot be said in a structural schema, or would not be bounded, or has no description, is refused with
 * its path when the CRD is generated, never dropped. Rules of structural schemas: Kubernetes, apiextensions/v1.
 */
import { z } from 'zod'
import { type Marks, marksOf, type Rule } from './schema.ts'
import { refuseTraps } from './structural-traps.ts'

/** A structural schema as it stands in a CRD. */
export interface Structural {
  description?: string
  type?: string
  format?: string
  pattern?: string
  enum?: readonly unknown[]
  nullable?: boolean
  default?: unknown
  minimum?: number
  exclusiveMinimum?: boolean
  maximum?: number
  exclusiveMaximum?: boolean
  multipleOf?: number
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
  'x-kubernetes-int-or-string'?: true
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
  anyOf?: Emitted[]
}

/** zod writes its own limits for every integer; they say nothing that the format does not. */
const safeInteger = Number.MAX_SAFE_INTEGER
const int32 = { least: -(2 ** 31), most: 2 ** 31 - 1 }
const notStructural = ['anyOf', 'oneOf', 'allOf', 'not', '$ref', 'prefixItems']
/** Keywords copied as they are. Any keyword that is neither here nor converted below is refused. */
const copied = ['minLength', 'maxLength', 'minItems', 'maxItems', 'multipleOf', 'exclusiveMinimum', 'exclusiveMaximum', 'nullable'] as const
const converted = [
  ...['type', 'description', 'enum', 'default', 'format', 'pattern', 'minimum', 'maximum'],
  ...['properties', 'required', 'items', 'additionalProperties'],
]
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
    override: ({ zodSchema, jsonSchema, path }) => {
      refuseTraps(zodSchema, pathBelow(at, path))
      const marks = marksOf(zodSchema)
      if (Object.keys(marks).length > 0)
        Object.assign(jsonSchema, { [marksKey]: { ...((jsonSchema as Emitted)[marksKey] as Marks | undefined), ...marks } })
    },
  })
  return convert(emitted as Emitted, at, true)
}

/** `Job.spec` and ['properties', 'stop', 'items'] make `Job.spec.stop[]`. */
function pathBelow(at: string, [keyword, name, ...rest]: readonly (string | number)[]): string {
  if (keyword === undefined) return at
  if (keyword === 'properties') return pathBelow(`${at}.${String(name)}`, rest)
  return pathBelow(`${at}${keyword === 'items' ? '[]' : '{}'}`, name === undefined ? [] : [name, ...rest])
}

function convert(from: Emitted, at: string, isRoot = false): Structural {
  const marks = (from[marksKey] ?? {}) as Marks
  const to: Structural = {}
  if (from.description !== undefined) to.description = from.description
  else if (!isRoot && !at.endsWith('[]') && !at.endsWith('{}')) throw new TypeError(`${at}: describe it`)
  if (marks.intOrString === true) return convertIntOrString(from, to, at)
  if (marks.preserveUnknownFields === true && from.type === undefined) return { ...to, 'x-kubernetes-preserve-unknown-fields': true }
  refuseKeywords(from, at)
  copyValueKeywords(from, to, at)
  if (from.type === 'array') convertArray(from, to, marks, at)
  if (from.type === 'object') convertObject(from, to, marks, at)
  if (marks.mapType !== undefined) to['x-kubernetes-map-type'] = marks.mapType
  if (marks.rules !== undefined && marks.rules.length > 0) to['x-kubernetes-validations'] = marks.rules.map(crdRule)
  return to
}

function refuseKeywords(from: Emitted, at: string): void {
  for (const key of Object.keys(from)) {
    if (notStructural.includes(key))
      throw new TypeError(`${at}: ${key} is not structural; use optional siblings and rule(), or one pattern`)
    if (key !== marksKey && !converted.includes(key) && !copied.some((name) => name === key))
      throw new TypeError(`${at}: ${key} has no place in a CRD`)
  }
  if (from.type === undefined) throw new TypeError(`${at}: it has no type; use opaque() for objects of any shape, anyValue() for any value`)
}

function copyValueKeywords(from: Emitted, to: Structural, at: string): void {
  if (from.type !== undefined) to.type = from.type
  if (Array.isArray(from['enum'])) to.enum = from['enum']
  if (from['default'] !== undefined) to.default = from['default']
  if (typeof from['format'] === 'string') to.format = from['format']
  if (typeof from['pattern'] === 'string' && !formatsWithPattern.has(to.format ?? '')) to.pattern = re2(from['pattern'], at)
  if (from.type === 'integer') copyIntegerBounds(from, to)
  else if (from.type === 'number') copyBounds(from, to, { least: Number.NEGATIVE_INFINITY, most: Number.POSITIVE_INFINITY })
  for (const keyword of copied) if (from[keyword] !== undefined) Object.assign(to, { [keyword]: from[keyword] })
  if (from.type === 'string' && to.enum === undefined && to.maxLength === undefined && to.format === undefined)
    throw new TypeError(`${at}: bound it with max()`)
}

/**
 * The format is the smallest that holds both bounds. The bounds of int32 are written, too: the API server checks the format,
 * but then does not say which field is wrong.
 */
function copyIntegerBounds(from: Emitted, to: Structural): void {
  const { least, most } = int32
  const fits = Number(from['minimum'] ?? -safeInteger) >= least && Number(from['maximum'] ?? safeInteger) <= most
  to.format = fits ? 'int32' : 'int64'
  copyBounds(from, to, { least: -safeInteger, most: safeInteger })
}

function copyBounds(from: Emitted, to: Structural, implied: { least: number; most: number }): void {
  const { minimum, maximum } = from
  if (typeof minimum === 'number' && minimum > implied.least) to.minimum = minimum
  if (typeof maximum === 'number' && maximum < implied.most) to.maximum = maximum
}

/** Both halves in one place, each keyword judged for the type that it is about. */
function convertIntOrString({ anyOf = [], default: fallback }: Emitted, to: Structural, at: string): Structural {
  const halves = anyOf.map((half) => convert(half, `${at}[]`))
  if (halves.map(({ type }) => type).join() !== 'integer,string') throw new TypeError(`${at}: use quantity()`)
  const { format: _format, ...bounds } = Object.assign({}, ...halves) as Structural
  const { type: _type, ...keywords } = bounds
  return { ...to, ...keywords, ...(fallback === undefined ? {} : { default: fallback }), 'x-kubernetes-int-or-string': true }
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
  if (Object.keys(from.properties ?? {}).length > 0) {
    to.properties = Object.fromEntries(
      Object.entries(from.properties ?? {}).map(([name, property]) => [name, convert(property, `${at}.${name}`)]),
    )
    if (from.required !== undefined && from.required.length > 0) to.required = [...from.required].sort()
  } else if (typeof from.additionalProperties === 'object') {
    to.additionalProperties = convert(from.additionalProperties, `${at}{}`)
    if (marks.maxProperties === undefined) throw new TypeError(`${at}: bound the map: use mapOf()`)
    to.maxProperties = marks.maxProperties
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
