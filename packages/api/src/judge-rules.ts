/**
 * What zod does not know and the API server does: CEL rules, repeats in keyed lists and sets, the size of maps.
 *
 * Works on an object as read (as-read.ts), whether its schema holds or not: a rule that cannot be evaluated because of
 * another mistake is left out, as that mistake is told already.
 */
import type { z } from 'zod'
import { isRecord, ownValue } from './as-read.ts'
import { celValue, holds } from './cel.ts'
import { about, type Finding, type FindingCode, type Path, pointerOf } from './finding.ts'
import type { Rule } from './schema.ts'
import { shapeOf, unwrap } from './schema-walk.ts'

/** Whether the rule compares with the object before an update. */
export function isTransition({ rule }: Rule): boolean {
  return /\boldSelf\b/.test(rule)
}

/** Adds findings about the value and everything below it. Places that have a finding already are not judged again. */
export function judgeRules(schema: z.core.$ZodType, value: unknown, path: Path, findings: Finding[]): void {
  if (value === undefined || value === null) return
  const { marks } = unwrap(schema)
  if (findings.length === 0 || !isTold(path, findings)) {
    const rules = (marks.rules ?? []).filter((rule) => rule.serverOnly !== true && !isTransition(rule))
    if (rules.length > 0) addBroken(rules, { self: celValue(schema, value) }, path, findings)
    addTooMany(marks.maxProperties, value, path, findings)
    if (marks.listType === 'map' || marks.listType === 'set') addRepeats(value, marks.listMapKeys, path, findings)
  }
  const shape = shapeOf(schema)
  if (shape.type === 'object' && isRecord(value)) {
    for (const [name, field] of Object.entries(shape.fields)) judgeRules(field, ownValue(value, name), [...path, name], findings)
  } else if (shape.type === 'map' && isRecord(value)) {
    for (const [key, item] of Object.entries(value)) judgeRules(shape.values, item, [...path, key], findings)
  } else if (shape.type === 'list' && Array.isArray(value)) {
    for (const [at, item] of value.entries()) judgeRules(shape.items, item, [...path, at], findings)
  }
}

/**
 * Adds findings of transition rules about the value and the fields below it. As for the API server, a rule is judged where the
 * value is there before and after; items of lists and maps have no before.
 */
export function judgeTransitions(schema: z.core.$ZodType, before: unknown, after: unknown, path: Path, findings: Finding[]): void {
  if (before === undefined || before === null || after === undefined || after === null) return
  const rules = (unwrap(schema).marks.rules ?? []).filter((rule) => rule.serverOnly !== true && isTransition(rule))
  if (rules.length > 0) addBroken(rules, { self: celValue(schema, after), oldSelf: celValue(schema, before) }, path, findings)
  const shape = shapeOf(schema)
  if (shape.type !== 'object' || !isRecord(before) || !isRecord(after)) return
  for (const [name, field] of Object.entries(shape.fields))
    judgeTransitions(field, ownValue(before, name), ownValue(after, name), [...path, name], findings)
}

function isTold(path: Path, findings: readonly Finding[]): boolean {
  const here = pointerOf(path)
  return findings.some((finding) => finding.path === here)
}

/** Adds a finding for each rule that does not hold. */
export function addBroken(rules: readonly Rule[], variables: Readonly<Record<string, unknown>>, path: Path, findings: Finding[]): void {
  for (const rule of rules) {
    if (holds(rule, variables) !== false) continue
    const below = (rule.fieldPath ?? '').split('.').filter((part) => part !== '')
    findings.push(about([...path, ...below], codeOf(rule), rule.message))
  }
}

function codeOf(rule: Rule): FindingCode {
  if (isTransition(rule)) return 'immutable'
  if (rule.reason === 'FieldValueRequired') return 'required'
  return rule.reason === 'FieldValueDuplicate' ? 'duplicate' : 'invalid'
}

function addTooMany(most: number | undefined, value: unknown, path: Path, findings: Finding[]): void {
  if (most !== undefined && isRecord(value) && Object.keys(value).length > most)
    findings.push(about(path, 'tooMany', `has more than ${most} entries`))
}

function addRepeats(value: unknown, keys: readonly string[] | undefined, path: Path, findings: Finding[]): void {
  if (!Array.isArray(value)) return
  const items: readonly unknown[] = value
  const seen = new Map<string, number>()
  for (const [at, item] of items.entries()) {
    const key = keys === undefined ? item : isRecord(item) ? keys.map((name) => ownValue(item, name)) : undefined
    if (key === undefined) continue
    const text = JSON.stringify(key)
    const first = seen.get(text)
    if (first === undefined) seen.set(text, at)
    else findings.push(about([...path, at], 'duplicate', `repeats item ${first}`, 'remove it, or give it another name'))
  }
}
