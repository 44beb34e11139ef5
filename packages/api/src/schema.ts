/**
 * The marks that a zod schema carries on its way to a CustomResourceDefinition: CEL rules, list types, printer columns.
 *
 * Guarantees: a mark changes nothing about what zod itself accepts; the judges (API server, webhook, CLI, web form) all
 * read the same mark. Knows nothing of any particular kind.
 */
import { z } from 'zod'

/**
 * A CEL rule (`x-kubernetes-validations`). A rule that names `oldSelf` is a transition rule: it is judged on updates only.
 * `serverOnly` marks rules with functions that only the API server has (`isURL`, `quantity`, `isSorted`, …).
 */
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
  /** Most entries of a map. */
  readonly maxProperties?: number
  readonly preserveUnknownFields?: true
  /** A whole number or a text, as Kubernetes writes amounts. */
  readonly intOrString?: true
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

/**
 * A map with free keys. A CustomResourceDefinition has no words for the form of keys, so their length is a CEL rule.
 *
 * @param bounds.maxKeys default 64
 * @param bounds.maxKeyLength in characters, default 63
 */
export function mapOf<V extends z.ZodType>(
  values: V,
  bounds: { maxKeys?: number; maxKeyLength?: number } = {},
): z.ZodRecord<z.ZodString, V> {
  const { maxKeys = 64, maxKeyLength = 63 } = bounds
  return mark(z.record(z.string(), values), {
    maxProperties: maxKeys,
    rules: [{ rule: `self.all(key, size(key) <= ${maxKeyLength})`, message: `keys may have at most ${maxKeyLength} characters` }],
  })
}

/** A list without repeats; its items are plain values. */
export function setOf<S extends z.ZodType>(list: S): S {
  return mark(list, { listType: 'set' })
}

/** A value of any shape, kept as it is. The only way to `x-kubernetes-preserve-unknown-fields`. */
export function opaque(description: string): z.ZodRecord<z.ZodString, z.ZodUnknown> {
  return mark(z.record(z.string(), z.unknown()).describe(description), { preserveUnknownFields: true })
}

/** A value of any type: a text, a number, a list, … The only way to a field without a type. */
export function anyValue(description: string): z.ZodUnknown {
  return mark(z.unknown().describe(description), { preserveUnknownFields: true })
}

/** Decimal or binary amounts without sign and exponent; canonical forms and the usual others. */
const quantityPattern = /^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/

/** An amount as Kubernetes writes it: `1`, `"500m"`, `"8Gi"`. The only way to `x-kubernetes-int-or-string`. */
export function quantity(): z.ZodUnion<readonly [z.ZodInt, z.ZodString]> {
  return mark(z.union([z.int().min(0), z.string().max(32).regex(quantityPattern)]), { intOrString: true })
}
