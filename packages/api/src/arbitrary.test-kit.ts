/** Objects for property tests, made from the schema of a kind: right ones, and right ones with something wrong put in. */
import fc from 'fast-check'
import type { z } from 'zod'
import { kinds } from './kinds.ts'
import { limitsOf, shapeOf, unwrap } from './schema-walk.ts'

type AnySchema = z.core.$ZodType

/** Values that the schema accepts; what may be left out sometimes is. Rules are not heeded. */
export function arbitraryOf(schema: AnySchema): fc.Arbitrary<unknown> {
  const shape = shapeOf(schema)
  const { least = 0, most = 3 } = limitsOf(schema)
  switch (shape.type) {
    case 'object': {
      const required = Object.keys(shape.fields).filter((name) => !isOptional(shape.fields[name]))
      return fc.record(Object.fromEntries(Object.entries(shape.fields).map(([name, field]) => [name, arbitraryOf(field)])), {
        requiredKeys: required,
      })
    }
    case 'map':
      return fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), arbitraryOf(shape.values), { maxKeys: 3 })
    case 'list':
      return fc.array(arbitraryOf(shape.items), { minLength: least, maxLength: Math.min(most, 3) })
    case 'enum':
      return fc.constantFrom(...shape.values)
    case 'integer':
      return fc.integer({ min: least, max: Math.min(limitsOf(schema).most ?? 1000, 2 ** 31 - 1) })
    case 'number':
      return fc.double({ min: least, max: most, noNaN: true })
    case 'other':
      return isText(schema) ? textOf(schema) : fc.boolean()
  }
}

/** The same values with anything at all in one or more places. */
export function damaged(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(values, fc.array(fc.tuple(fc.nat(), fc.jsonValue({ maxDepth: 2 })), { minLength: 1, maxLength: 3 }))
    .map(([value, wrongs]) => wrongs.reduce<unknown>((sofar, [at, wrong]) => replaced(sofar, at, wrong), value))
}

function replaced(value: unknown, at: number, wrong: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong
  const keys = Object.keys(value)
  const key = keys[at % Math.max(keys.length, 1)]
  if (key === undefined) return { ...value, [`x${at}`]: wrong }
  return { ...value, [key]: replaced(Reflect.get(value, key), Math.floor(at / keys.length), wrong) }
}

function isOptional(schema: AnySchema | undefined): boolean {
  return schema?._zod.optin === 'optional'
}

function isText(schema: AnySchema): boolean {
  return unwrap(schema).schema._zod.def.type === 'string'
}

function textOf(schema: AnySchema): fc.Arbitrary<string> {
  const pattern = patternOf(schema)
  const { least = 0, most = 64 } = limitsOf(schema)
  const texts = pattern === undefined ? fc.string({ minLength: least, maxLength: Math.min(most, 12) }) : fc.stringMatching(pattern)
  return texts.filter((text) => Array.from(text).length <= most)
}

function patternOf(schema: AnySchema): RegExp | undefined {
  for (const check of unwrap(schema).schema._zod.def.checks ?? []) {
    const definition: { check: string; pattern?: RegExp } = check._zod.def
    if (definition.pattern !== undefined) return definition.pattern
  }
  return undefined
}

/** Messages of all rules of all kinds. */
export const ruleMessages: ReadonlySet<string> = new Set(kinds.flatMap(({ spec }) => messagesOf(spec)))

function messagesOf(schema: AnySchema): string[] {
  const own = (unwrap(schema).marks.rules ?? []).map(({ message }) => message)
  const shape = shapeOf(schema)
  if (shape.type === 'object') return [...own, ...Object.values(shape.fields).flatMap(messagesOf)]
  if (shape.type === 'list') return [...own, ...messagesOf(shape.items)]
  return shape.type === 'map' ? [...own, ...messagesOf(shape.values)] : own
}
