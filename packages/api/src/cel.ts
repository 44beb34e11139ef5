/** CEL rules evaluated in JavaScript, by the same text that stands in the CRD. */
import { celEnv, isCelError, parse, plan } from '@bufbuild/cel'
import type { z } from 'zod'
import type { Rule } from './schema.ts'
import { shapeOf } from './schema-walk.ts'

type Variables = Readonly<Record<string, unknown>>

const environment = celEnv()
const compiled = new Map<string, (variables: Variables) => unknown>()

/** Whether the rule holds; undefined when it cannot be judged here (it fails for the API server then, too). */
export function holds({ rule }: Rule, variables: Variables): boolean | undefined {
  let evaluate = compiled.get(rule)
  if (evaluate === undefined) {
    // The library types variables by declaration; ours have any shape.
    evaluate = plan(environment, parse(rule)) as (variables: Variables) => unknown
    compiled.set(rule, evaluate)
  }
  const result = evaluate(variables)
  if (isCelError(result)) return undefined
  return result === true
}

/** A value as CEL sees it: integers of the schema are 64-bit, absent fields are absent. */
export function celValue(schema: z.core.$ZodType, value: unknown): unknown {
  const shape = shapeOf(schema)
  if (shape.type === 'integer' && Number.isSafeInteger(value)) return BigInt(Number(value))
  if (Array.isArray(value)) return value.map((item: unknown) => (shape.type === 'list' ? celValue(shape.items, item) : item))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return Object.fromEntries(
    entries.map(([key, item]: [string, unknown]) => {
      const field = shape.type === 'object' ? shape.fields[key] : shape.type === 'map' ? shape.values : undefined
      return [key, field === undefined ? item : celValue(field, item)]
    }),
  )
}
