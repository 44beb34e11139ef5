/**
 * JSON Schemas of every kind that an API server serves, ours among them, made from its own OpenAPI document: what a program that
 * judges manifests offline knows is then what this server knows. A field that the server does not know is an error.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

type Schema = Readonly<Record<string, unknown>>
interface GroupVersionKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/** What the document cannot say: these are written as text or as a number. */
const textOrNumber = new Set(['io.k8s.apimachinery.pkg.util.intstr.IntOrString', 'io.k8s.apimachinery.pkg.api.resource.Quantity'])
const prefix = '#/definitions/'

/** Writes `<kind>-<group>-<version>.json` for each kind into the folder. @param document of /openapi/v2 */
export async function writeKindSchemas(
  document: { readonly definitions: Readonly<Record<string, Schema>> },
  folder: string,
): Promise<number> {
  const strict = Object.fromEntries(Object.entries(document.definitions).map(([name, schema]) => [name, strictOf(name, schema)]))
  const roots = Object.entries(document.definitions).flatMap(([name, schema]) => {
    const kinds = (schema['x-kubernetes-group-version-kind'] ?? []) as readonly GroupVersionKind[]
    // What belongs to every group (DeleteOptions and the like) is no object of its own.
    return kinds.length === 1 ? kinds.map((kind) => ({ name, kind })) : []
  })
  for (const { name, kind } of roots) {
    const schema = {
      $ref: `${prefix}${name}`,
      definitions: Object.fromEntries([...closureOf(name, strict)].map((each) => [each, strict[each]])),
    }
    const file = [kind.kind, kind.group.split('.')[0], kind.version].filter((part) => part !== '').join('-')
    await writeFile(join(folder, `${file.toLowerCase()}.json`), JSON.stringify(schema))
  }
  return roots.length
}

function strictOf(name: string, schema: Schema): Schema {
  if (textOrNumber.has(name)) return { type: ['string', 'number'] }
  const isOpen = !('properties' in schema) || 'additionalProperties' in schema || schema['x-kubernetes-preserve-unknown-fields'] === true
  const inner = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, key === 'properties' ? mapped(value) : within(value)]),
  )
  return isOpen ? inner : { ...inner, additionalProperties: false }
}

/** The names of properties are no keywords. */
const mapped = (properties: unknown): unknown =>
  Object.fromEntries(Object.entries(properties as Schema).map(([name, schema]) => [name, within(schema)]))

function within(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Array.isArray(value) ? value.map(within) : strictOf('', value as Schema)
}

function closureOf(name: string, definitions: Readonly<Record<string, Schema>>): ReadonlySet<string> {
  const found = new Set([name])
  for (const each of found)
    for (const [, reference] of JSON.stringify(definitions[each]).matchAll(/"#\/definitions\/([^"]+)"/g))
      if (reference !== undefined) found.add(reference)
  return found
}
