/**
 * The marks that a zod schema carries on its way to a CustomResourceDefinition: CEL rules, list types, printer columns.
 *
 * Guarantees: a mark changes nothing about what zod itself accepts; the judges (API server, webhook, CLI, web form) all
 * read the same mark. Knows nothing of any particular kind.
 */
import { z } from 'zod'

/** A CEL rule (`x-kubernetes-validations`). `serverOnly` marks rules that need `oldSelf` or functions that only the API server has. */
export interface Rule {
  readonly rule: string
  readonly message: string
  /** Where the finding belongs, relative to the schema that carries the rule, e.g. `.spec.cancel`. */
  readonly fieldPath?: string
  readonly reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired' | 'FieldValueDuplicate'
  readonly serverOnly?: boolean
  /** Lets a transition rule (`oldSelf`) run on creation too, with `oldSelf` optional. */
  readonly optionalOldSelf?: boolean
}

/** Everything a schema may carry beyond what zod knows. */
export interface Marks {
  readonly rules?: readonly Rule[]
  readonly listType?: 'atomic' | 'set' | 'map'
  readonly listMapKeys?: readonly string[]
  readonly mapType?: 'atomic' | 'granular'
  readonly preserveUnknownFields?: true
}

const marks = z.registry<Marks>()

/** Reads the marks of one schema (not of its children). */
export function marksOf(schema: z.core.$ZodType): Marks {
  return marks.get(schema) ?? {}
}

/** Returns a copy of the schema that carries the mark beside those it had. */
export function mark<S extends z.ZodType>(schema: S, added: Marks): S {
  const before = marksOf(schema)
  const copy = schema.clone()
  marks.add(copy, { ...before, ...added, rules: [...(before.rules ?? []), ...(added.rules ?? [])] })
  return copy
}

/** Adds one CEL rule, judged by the API server, and by the webhook and CLI unless it is `serverOnly`. */
export function rule<S extends z.ZodType>(schema: S, cel: Rule): S {
  return mark(schema, { rules: [cel] })
}

/** A list whose items are told apart by the named keys: server-side apply merges it item by item. */
export function keyedBy<S extends z.ZodType>(list: S, ...keys: readonly [string, ...string[]]): S {
  return mark(list, { listType: 'map', listMapKeys: keys })
}

/** A value of any shape, kept as it is. The only way to `x-kubernetes-preserve-unknown-fields`. */
export function opaque(description: string): z.ZodRecord<z.ZodString, z.ZodUnknown> {
  return mark(z.record(z.string(), z.unknown()).describe(description), { preserveUnknownFields: true })
}
