/** values.yaml and the table of the README, from the schema of the values. */
import { stringify } from 'yaml'
import { z } from 'zod'

interface Described {
  readonly path: readonly string[]
  readonly description: string
  readonly default: unknown
  readonly isGroup: boolean
}

/** Every value in the order of its declaration; a group before its members. */
function described(schema: z.ZodType, path: readonly string[] = []): Described[] {
  const defaults: unknown = path.length === 0 ? undefined : schema.parse(undefined)
  if (path.length > 0 && defaults === undefined) return []
  const own = { path, description: schema.description ?? '', default: defaults }
  const shape = shapeOf(schema)
  const members = shape === undefined ? [] : Object.entries(shape).flatMap(([key, member]) => described(member, [...path, key]))
  return [...(path.length === 0 ? [] : [{ ...own, isGroup: shape !== undefined }]), ...members]
}

/** The members of a closed object; undefined for anything else. */
function shapeOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> | undefined {
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault) return shapeOf(schema.def.innerType as z.ZodType)
  // A loose object is judged by Kubernetes; it has no members of ours.
  if (!(schema instanceof z.ZodObject) || schema.def.catchall instanceof z.ZodUnknown) return undefined
  return schema.shape
}

/** values.yaml with the description of each value above it. */
export function valuesYaml(schema: z.ZodType): string {
  const lines = ['# Values of the chart, with their defaults. Generated: see hack/chart/values.ts.']
  for (const { path, description, default: value, isGroup } of described(schema)) {
    const indent = '  '.repeat(path.length - 1)
    const key = path.at(-1) ?? ''
    if (path.length === 1) lines.push('')
    lines.push(`${indent}# -- ${description}`)
    lines.push(
      isGroup
        ? `${indent}${key}:`
        : `${indent}${stringify({ [key]: value }, { lineWidth: 0 })
            .trimEnd()
            .replaceAll('\n', `\n${indent}`)}`,
    )
  }
  return `${lines.join('\n')}\n`
}

/** A table of every value. */
export function valuesReadme(schema: z.ZodType): string {
  const rows = described(schema)
    .filter(({ isGroup }) => !isGroup)
    .map(
      ({ path, description, default: value }) =>
        `| \`${path.join('.')}\` | \`${JSON.stringify(value)}\` | ${description.replaceAll('|', '\\|')} |`,
    )
  return ['| Value | Default | What it is |', '|---|---|---|', ...rows, ''].join('\n')
}
