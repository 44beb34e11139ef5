/** Looks through zod schemas: what stands behind optional and default, and which fields an object has. */
import type { z } from 'zod'
import { type Marks, marksOf } from './schema.ts'

type AnySchema = z.core.$ZodType

/** What a schema is once optional, default and the like are taken off. */
export type Shape =
  | { readonly type: 'object'; readonly fields: Readonly<Record<string, AnySchema>> }
  | { readonly type: 'map'; readonly values: AnySchema }
  | { readonly type: 'list'; readonly items: AnySchema }
  | { readonly type: 'enum'; readonly values: readonly string[] }
  | { readonly type: 'integer' | 'number' | 'other' }

interface Definition {
  readonly type: string
  readonly innerType?: AnySchema
  readonly shape?: Readonly<Record<string, AnySchema>>
  readonly valueType?: AnySchema
  readonly element?: AnySchema
  readonly entries?: Readonly<Record<string, string>>
  readonly format?: string
  readonly defaultValue?: unknown
}

// zod's definitions are typed one by one; these are the fields that this file reads.
const definitionOf = (schema: AnySchema): Definition => schema._zod.def

/** The schema behind optional and default, with the marks of all layers. */
export interface Unwrapped {
  readonly schema: AnySchema
  readonly marks: Marks
}

const unwrapped = new WeakMap<AnySchema, Unwrapped>()

export function unwrap(schema: AnySchema): Unwrapped {
  const known = unwrapped.get(schema)
  if (known !== undefined) return known
  const inner = definitionOf(schema).innerType
  const below = inner === undefined ? undefined : unwrap(inner)
  const made: Unwrapped = { schema: below?.schema ?? schema, marks: { ...below?.marks, ...marksOf(schema) } }
  unwrapped.set(schema, made)
  return made
}

/** Bounds that checks set, both inclusive: of a number, or of the length of a text or list. */
export interface Limits {
  readonly least?: number
  readonly most?: number
}

export function limitsOf(schema: AnySchema): Limits {
  const inner = unwrap(schema).schema
  const format = definitionOf(inner).format
  let limits: Limits = format === 'int32' ? { least: -(2 ** 31), most: 2 ** 31 - 1 } : {}
  for (const check of inner._zod.def.checks ?? []) {
    // Only checks of bounds have these fields.
    const { check: name, value, minimum, maximum } = check._zod.def as { check: string; value?: number; minimum?: number; maximum?: number }
    const least = name === 'greater_than' ? value : minimum
    const most = name === 'less_than' ? value : maximum
    limits = { ...limits, ...(least === undefined ? {} : { least }), ...(most === undefined ? {} : { most }) }
  }
  return limits
}

/** What stands in for an absent value; undefined when nothing does. */
export function defaultOf(schema: AnySchema): unknown {
  for (const layer of layersOf(schema)) if (definitionOf(layer).type === 'default') return definitionOf(layer).defaultValue
  return undefined
}

export function takesNull(schema: AnySchema): boolean {
  return layersOf(schema).some((layer) => definitionOf(layer).type === 'nullable')
}

function layersOf(schema: AnySchema): readonly AnySchema[] {
  const inner = definitionOf(schema).innerType
  return inner === undefined ? [schema] : [schema, ...layersOf(inner)]
}

const shapes = new WeakMap<AnySchema, Shape>()

export function shapeOf(schema: AnySchema): Shape {
  const known = shapes.get(schema)
  if (known !== undefined) return known
  const made = lookAt(unwrap(schema).schema)
  shapes.set(schema, made)
  return made
}

function lookAt(schema: AnySchema): Shape {
  const { type, shape = {}, valueType, element, entries = {}, format } = definitionOf(schema)
  if (type === 'object') return { type: 'object', fields: shape }
  if (type === 'record' && valueType !== undefined) return { type: 'map', values: valueType }
  if (type === 'array' && element !== undefined) return { type: 'list', items: element }
  if (type === 'enum') return { type: 'enum', values: Object.values(entries) }
  if (type === 'number') return { type: format === undefined ? 'number' : 'integer' }
  return { type: 'other' }
}

/** The schema at a path, or undefined where there is none. */
export function schemaAt(schema: AnySchema, path: readonly (string | number)[]): AnySchema | undefined {
  let current: AnySchema | undefined = schema
  for (const key of path) {
    if (current === undefined) return undefined
    const shape = shapeOf(current)
    current =
      shape.type === 'object'
        ? shape.fields[String(key)]
        : shape.type === 'map'
          ? shape.values
          : shape.type === 'list'
            ? shape.items
            : undefined
  }
  return current
}
