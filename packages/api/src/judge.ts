/**
 * What is wrong with an object, all at once: the one judgement behind webhook, HTTP API, `lint` and forms.
 *
 * Schema first (zod), then the CEL rules of every part whose schema holds, as the API server does. Never throws, whatever
 * the object; work is bounded by the size of the object and by `maxFindings`.
 */
import { z } from 'zod'
import { celValue, holds } from './cel.ts'
import { findingOf } from './judge-issue.ts'
import { apiVersion, type KindDefinition } from './kind.ts'
import { kinds } from './kinds.ts'
import { schemaAt, shapeOf, unwrap } from './schema-walk.ts'
import { suggest } from './suggestion.ts'

export type FindingCode = 'required' | 'invalid' | 'enum' | 'outOfRange' | 'tooLong' | 'tooMany' | 'type' | 'unknownField' | 'immutable'

export interface Finding {
  /** JSON Pointer from the root of the object; empty for the whole of it. */
  readonly path: string
  /** The same as the API server writes it: `spec.inference.parameters.maxTokens`, `spec.dependsOn[0]`. */
  readonly field: string
  readonly code: FindingCode
  /** What is wrong, without the field's name. */
  readonly message: string
  readonly expected?: string
  readonly found?: string
  /** What would be right, as a sentence without a capital or a full stop. */
  readonly suggestion?: string
}

export type Path = readonly (string | number)[]

const maxFindings = 100
const maxDepth = 64

/** @param kind the definition of a kind, or its name @param options.unknownFields default `report` */
export function judge(
  kind: KindDefinition<z.ZodType, z.ZodType> | string,
  object: unknown,
  options: { unknownFields?: 'report' | 'ignore' } = {},
): readonly Finding[] {
  const definition = typeof kind === 'string' ? kinds.find((each) => each.kind === kind) : kind
  if (definition === undefined) {
    const name = typeof kind === 'string' ? kind : kind.kind
    return [
      about(
        ['kind'],
        'enum',
        `${name} is no kind of ${apiVersion}`,
        didYouMean(
          name,
          kinds.map((each) => each.kind),
        ),
      ),
    ]
  }
  if (!isRecord(object)) return [about([], 'type', 'must be an object')]
  const findings: Finding[] = []
  if ((options.unknownFields ?? 'report') === 'report') findUnknown(definition.spec, object['spec'], ['spec'], findings)
  if (object['apiVersion'] !== undefined && object['apiVersion'] !== apiVersion)
    findings.push(about(['apiVersion'], 'enum', `must be ${apiVersion}`))
  if (object['spec'] === undefined) findings.push(about(['spec'], 'required', 'is required'))
  else judgePart(definition.spec, object['spec'], ['spec'], findings)
  return findings.slice(0, maxFindings)
}

/** Findings of one schema and of everything below it. */
function judgePart(schema: z.ZodType, value: unknown, path: Path, findings: Finding[]): void {
  if (depthOf(value, maxDepth) > maxDepth) {
    findings.push(about(path, 'invalid', `is nested deeper than ${maxDepth} levels`))
    return
  }
  const parsed = schema.safeParse(value)
  for (const issue of parsed.error?.issues ?? []) {
    const at = [...path, ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))]
    findings.push(findingOf(issue, at, schemaAt(schema, issue.path.map(String)), valueAt(value, issue.path)))
  }
  judgeRules(schema, value, path, findings)
}

/** Evaluates the rules of this part and of those below; a part whose own schema fails has been reported already. */
function judgeRules(schema: z.core.$ZodType, value: unknown, path: Path, findings: Finding[]): void {
  if (value === undefined || value === null || findings.length >= maxFindings) return
  const { schema: inner, marks } = unwrap(schema)
  const rules = (marks.rules ?? []).filter(({ serverOnly }) => serverOnly !== true)
  if (rules.length > 0) {
    const parsed = z.safeParse(inner, value)
    if (parsed.success) {
      const self = celValue(inner, parsed.data)
      for (const rule of rules) {
        if (holds(rule, { self }) === true) continue
        const below = (rule.fieldPath ?? '').split('.').filter((part) => part !== '')
        findings.push(about([...path, ...below], rule.reason === 'FieldValueRequired' ? 'required' : 'invalid', rule.message))
      }
    }
  }
  const shape = shapeOf(schema)
  if (shape.type === 'object' && isRecord(value)) {
    for (const [name, field] of Object.entries(shape.fields)) judgeRules(field, value[name], [...path, name], findings)
  } else if (shape.type === 'list' && Array.isArray(value)) {
    for (const [at, item] of value.slice(0, maxFindings).entries()) judgeRules(shape.items, item, [...path, at], findings)
  }
}

function findUnknown(schema: z.core.$ZodType, value: unknown, path: Path, findings: Finding[]): void {
  if (findings.length >= maxFindings || path.length > maxDepth) return
  const shape = shapeOf(schema)
  if (shape.type === 'list' && Array.isArray(value)) {
    for (const [at, item] of value.slice(0, maxFindings).entries()) findUnknown(shape.items, item, [...path, at], findings)
  }
  if (shape.type !== 'object' || !isRecord(value)) return
  const known = Object.keys(shape.fields)
  for (const [name, item] of Object.entries(value)) {
    const field = Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined
    if (field !== undefined) findUnknown(field, item, [...path, name], findings)
    else findings.push(about([...path, name], 'unknownField', 'is not a field here', didYouMean(name, known)))
  }
}

/** `did you mean X?`, or the choices when nothing is near and they are few. */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  const meant = suggest(word, candidates)
  if (meant !== undefined) return `did you mean "${meant}"?`
  return candidates.length > 0 && candidates.length <= 16 ? `use one of ${candidates.join(', ')}` : undefined
}

export function about(path: Path, code: FindingCode, message: string, suggestion?: string): Finding {
  return { path: pointerOf(path), field: fieldOf(path), code, message, ...(suggestion === undefined ? {} : { suggestion }) }
}

/** JSON Pointer (RFC 6901). */
export function pointerOf(path: Path): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

export function fieldOf(path: Path): string {
  return path.map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${part}`)).join('')
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value
  for (const key of path) {
    if (typeof current !== 'object' || current === null) return undefined
    current = Reflect.get(current, key)
  }
  return current
}

function depthOf(value: unknown, limit: number): number {
  if (typeof value !== 'object' || value === null || limit < 0) return 0
  let deepest = 0
  for (const item of Object.values(value)) {
    deepest = Math.max(deepest, depthOf(item, limit - 1))
    if (deepest > limit) break
  }
  return deepest + 1
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
