/**
 * The schemas that outputs of a container must satisfy: whether they can be used, and how they reach the sidecar.
 *
 * Read by admission, which has seen no schema of the Job yet, and again by the operator: both take what a user wrote.
 */
import { maxOutputSchemaBytes, maxOutputSchemasBytes } from '@mnemos/api'
import { compileSchema, type SchemaFinding } from '@mnemos/json-schema'
import { fieldOf, itemsOf } from '../reading.ts'

const utf8 = new TextEncoder()
const bounds = { maxBytes: maxOutputSchemaBytes, maxNodes: 2000, maxReferences: 200, maxFindings: 10 } as const

/** What is wrong with the schema of one output; `index` undefined: with all of them together. */
export interface OutputSchemaMistake {
  readonly index: number | undefined
  /** JSON Pointer within the schema. */
  readonly pointer: string
  readonly message: string
  readonly suggestion: string | undefined
}

/**
 * JSON for a value of the environment: a kubelet reads `$(NAME)` and `$$` in there, and schemas are full of dollars.
 * @param value what JSON can say
 */
export function asEnvironmentJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('$', '\\u0024')
}

/** @param outputs `spec.container.outputs`, whatever a user wrote there */
export function outputSchemaMistakes(outputs: unknown): readonly OutputSchemaMistake[] {
  let bytes = 0
  const mistakes = itemsOf(outputs).flatMap((output, index): readonly OutputSchemaMistake[] => {
    const schema = fieldOf(output, 'schema')
    if (typeof schema !== 'object' || schema === null) return []
    // What compiles is neither deep nor large, so that it can be written as JSON.
    const compiled = compileSchema(schema, { ...bounds, formats: 'assert' })
    if (!compiled.ok) return compiled.findings.map((finding) => mistakeOf(finding, index))
    const size = utf8.encode(asEnvironmentJson(schema)).byteLength
    bytes += size
    return size > maxOutputSchemaBytes ? [tooLarge(index, size, maxOutputSchemaBytes)] : []
  })
  return bytes > maxOutputSchemasBytes ? [...mistakes, tooLarge(undefined, bytes, maxOutputSchemasBytes)] : mistakes
}

function tooLarge(index: number | undefined, bytes: number, most: number): OutputSchemaMistake {
  const what = index === undefined ? 'the schemas of all outputs together have' : 'has'
  const suggestion = 'check what matters in the schema, and the rest in a step of its own'
  return { index, pointer: '', message: `${what} ${bytes} bytes as JSON, and at most ${most} can be used`, suggestion }
}

function mistakeOf({ pointer, message, suggestion }: SchemaFinding, index: number): OutputSchemaMistake {
  return { index, pointer, message, suggestion }
}
