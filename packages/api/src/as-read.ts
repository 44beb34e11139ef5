/**
 * An object as the API server reads it before it judges: a null where no null is taken is absent, absent fields get their
 * defaults, fields that nobody declared are gone.
 *
 * Guarantees: walks the schema, not the value, so nesting costs nothing; lists and maps are cut one past their bound, so the
 * work is bounded and the bound still shows as broken. Never throws; values of the wrong type stay as they are.
 */
import type { z } from 'zod'
import { defaultOf, limitsOf, shapeOf, takesNull, unwrap } from './schema-walk.ts'

export function asRead(schema: z.core.$ZodType, value: unknown): unknown {
  const isAbsent = value === undefined || (value === null && !takesNull(schema))
  const given = isAbsent ? defaultOf(schema) : value
  const shape = shapeOf(schema)
  if (shape.type === 'list' && Array.isArray(given)) {
    const items: readonly unknown[] = given.slice(0, oneMoreThan(limitsOf(schema).most))
    return items.map((item) => (item === null || item === undefined ? null : asRead(shape.items, item)))
  }
  if (!isRecord(given)) return given
  if (shape.type === 'object')
    return present(Object.entries(shape.fields).map(([name, field]) => [name, asRead(field, ownValue(given, name))]))
  if (shape.type === 'map') {
    const entries = Object.entries(given).slice(0, oneMoreThan(unwrap(schema).marks.maxProperties))
    return present(entries.map(([key, item]) => [key, asRead(shape.values, item)]))
  }
  return given
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value of a key that the object itself has: `constructor` and the like are nobody's fields. */
export function ownValue(object: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

function present(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(entries.filter(([, item]) => item !== undefined))
}

function oneMoreThan(bound: number | undefined): number | undefined {
  return bound === undefined ? undefined : bound + 1
}
