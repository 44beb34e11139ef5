/** Fields that nobody declared, each with the declared one that is nearest. */
import type { z } from 'zod'
import { isRecord } from './as-read.ts'
import { about, didYouMean, type Finding, type Path } from './finding.ts'
import { limitsOf, shapeOf } from './schema-walk.ts'

/** What may stand at the root of an object. */
const rootFields = ['apiVersion', 'kind', 'metadata', 'spec', 'status']

export function unknownRootFields(object: Readonly<Record<string, unknown>>): readonly Finding[] {
  return Object.keys(object)
    .filter((name) => !rootFields.includes(name))
    .map((name) => unknownField([name], name, rootFields))
}

/** Adds at most `most` findings. Items past the bound of a list are not looked at. */
export function findUnknown(schema: z.core.$ZodType, value: unknown, path: Path, findings: Finding[], most: number): void {
  if (findings.length >= most) return
  const shape = shapeOf(schema)
  if (shape.type === 'list' && Array.isArray(value)) {
    for (const [at, item] of value.slice(0, limitsOf(schema).most).entries()) findUnknown(shape.items, item, [...path, at], findings, most)
  }
  if (shape.type !== 'object' || !isRecord(value)) return
  const known = Object.keys(shape.fields)
  for (const [name, item] of Object.entries(value)) {
    const field = Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined
    if (field !== undefined) findUnknown(field, item, [...path, name], findings, most)
    else if (findings.length < most) findings.push(unknownField([...path, name], name, known))
  }
}

function unknownField(path: Path, name: string, known: readonly string[]): Finding {
  return about(path, 'unknownField', 'is not a field here', didYouMean(name, known))
}
