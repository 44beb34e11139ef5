/**
 * What is wrong with an object, all at once: the one judgement behind webhook, HTTP API, `lint` and forms.
 *
 * Schema first (zod), then rules (CEL), on the object as the API server would read it. Never throws, whatever the object;
 * the work is bounded by the schema and by the first findings, not by how deep or long the object is.
 */
import type { z } from 'zod'
import { asRead, isRecord } from './as-read.ts'
import { celValue } from './cel.ts'
import { about, didYouMean, type Finding } from './finding.ts'
import { findingOf } from './judge-issue.ts'
import { addBroken, isTransition, judgeRules, judgeTransitions } from './judge-rules.ts'
import { findUnknown, unknownRootFields } from './judge-unknown.ts'
import { apiVersion, type KindDefinition } from './kind.ts'
import { kinds } from './kinds.ts'
import type { Rule } from './schema.ts'
import { schemaAt } from './schema-walk.ts'

type AnyKind = KindDefinition<z.ZodType, z.ZodType>

export interface JudgeOptions {
  /** Default `report`. The API server itself drops unknown fields unless the client asks it to refuse them. */
  readonly unknownFields?: 'report' | 'ignore'
}

const maxFindings = 100

/**
 * Judges an object that a user wrote: its spec, not its status, which the API server does not take from users.
 *
 * @param kind the definition of a kind, or its name
 * @returns the findings, at most 100, none when the API server would accept the object
 */
export function judge(kind: AnyKind | string, object: unknown, options: JudgeOptions = {}): readonly Finding[] {
  const definition = definitionOf(kind)
  if (typeof definition === 'string') return [unknownKind(definition)]
  if (!isRecord(object)) return [about([], 'type', 'must be an object')]
  const findings: Finding[] = []
  if (object['apiVersion'] !== undefined && object['apiVersion'] !== apiVersion)
    findings.push(about(['apiVersion'], 'enum', `must be ${apiVersion}`))
  if ((options.unknownFields ?? 'report') === 'report') {
    findings.push(...unknownRootFields(object).slice(0, maxFindings))
    findUnknown(definition.spec, object['spec'], ['spec'], findings, maxFindings)
  }
  const spec = asRead(definition.spec, object['spec'])
  if (spec === undefined) return [...findings, about(['spec'], 'required', 'is required')].slice(0, maxFindings)
  findings.push(...schemaFindings(definition.spec, spec, object['spec']))
  judgeRules(definition.spec, spec, ['spec'], findings)
  const rules = judgedRules(definition).filter((rule) => !isTransition(rule))
  if (rules.length > 0) addBroken(rules, { self: celObject(definition, object) }, [], findings)
  return findings.slice(0, maxFindings)
}

/**
 * Judges an update: the new object, and what may not change. `immutable` findings name what the update changes and must not.
 *
 * @param before the object as the API server returned it
 * @param after the object as it would be stored
 */
export function judgeUpdate(kind: AnyKind | string, before: unknown, after: unknown, options: JudgeOptions = {}): readonly Finding[] {
  const findings = [...judge(kind, after, options)]
  const definition = definitionOf(kind)
  if (typeof definition === 'string' || !isRecord(before) || !isRecord(after)) return findings
  const variables = { self: celObject(definition, after), oldSelf: celObject(definition, before) }
  addBroken(judgedRules(definition).filter(isTransition), variables, [], findings)
  for (const block of ['spec', 'status'] as const)
    judgeTransitions(definition[block], asReadBlock(definition, before, block), asReadBlock(definition, after, block), [block], findings)
  return findings.slice(0, maxFindings)
}

function schemaFindings(schema: z.ZodType, spec: unknown, written: unknown): Finding[] {
  const { error } = schema.safeParse(spec)
  return (error?.issues ?? []).slice(0, maxFindings).map((issue) => {
    const below = issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))
    const missing = valueAt(spec, below) === undefined
    return findingOf(issue, ['spec', ...below], schemaAt(schema, below), missing ? undefined : valueAt(written, below))
  })
}

function judgedRules({ rules }: AnyKind): readonly Rule[] {
  return rules.filter(({ serverOnly, optionalOldSelf }) => serverOnly !== true && optionalOldSelf !== true)
}

/** The whole object as the rules of a kind see it. */
function celObject(definition: AnyKind, object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return {
    ...object,
    spec: celValue(definition.spec, asReadBlock(definition, object, 'spec')),
    status: celValue(definition.status, asReadBlock(definition, object, 'status')),
  }
}

function asReadBlock(definition: AnyKind, object: Readonly<Record<string, unknown>>, block: 'spec' | 'status'): unknown {
  return asRead(definition[block], object[block] ?? (block === 'status' ? definition.statusDefault : undefined))
}

/** The definition of a kind, or the name that no kind has. */
function definitionOf(kind: AnyKind | string): AnyKind | string {
  return typeof kind === 'string' ? (kinds.find((each) => each.kind === kind) ?? kind) : kind
}

function unknownKind(name: string): Finding {
  const names = kinds.map(({ kind }) => kind)
  return about(['kind'], 'enum', `${name} is no kind of ${apiVersion}`, didYouMean(name, names))
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  let current = value
  for (const key of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined
    current = Reflect.get(current, key)
  }
  return current
}
