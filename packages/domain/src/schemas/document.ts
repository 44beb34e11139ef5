/** The documents of Schemas: how they are read, and how values are judged by them. The same for webhook, HTTP and command line. */
import { maxSchemaBytes } from '@mnemos/api'
import { type Compilation, type CompiledSchema, compileSchema, evaluate, type SchemaFinding } from '@mnemos/json-schema'

const bounds = { maxBytes: maxSchemaBytes, maxNodes: 8000, maxReferences: 500, maxSteps: 500_000, maxFindings: 50 } as const

/** Reads a document: formats are held to, nothing is fetched, at most 64 KiB. Never throws. */
export function readDocument(document: unknown): Compilation {
  return compileSchema(document, { ...bounds, formats: 'assert' })
}

/** A kept document from its text; undefined for a text that is no JSON. */
export function keptDocument(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Everything that is wrong with a value, without its text. */
export function judgeByDocument(schema: CompiledSchema, value: unknown): readonly SchemaFinding[] {
  return evaluate(schema, value)
}
