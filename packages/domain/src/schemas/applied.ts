/**
 * A Schema as admission uses it: the version in force, compiled once, and what it applies to.
 *
 * Reads an object of unknown shape, because it comes from a cache; what cannot be read applies to nothing.
 */
import { type Schema, type SchemaTarget, schemaKind } from '@mnemos/api'
import type { CompiledSchema } from '@mnemos/json-schema'
import type { Catalog } from '../admission/catalog.ts'
import { documentInForce } from './compatibility.ts'
import { readDocument } from './document.ts'

export interface AppliedSchema {
  readonly name: string
  readonly mode: Schema['spec']['mode']
  readonly appliesTo: readonly SchemaTarget[]
  /** Undefined when the document does not compile: what it applies to cannot be judged then. */
  readonly schema: CompiledSchema | undefined
}

/** Reads a Schema; undefined when the object is none. */
export function appliedSchemaOf(object: {
  readonly metadata: { readonly name: string }
  readonly spec?: unknown
  readonly status?: unknown
}): AppliedSchema | undefined {
  const spec = schemaKind.spec.safeParse(object.spec)
  if (!spec.success) return undefined
  const document = documentInForce(object)?.document
  const { mode, appliesTo } = spec.data
  // One that is switched off costs nothing.
  const compiled = mode === 'Off' ? undefined : readDocument(document)
  return { name: object.metadata.name, mode, appliesTo, schema: compiled?.ok === true ? compiled.schema : undefined }
}

/** The catalog, with these Schemas in the place of its own: for judging files without a cluster. */
export function withSchemas(catalog: Catalog, schemas: readonly AppliedSchema[]): Catalog {
  return { ...catalog, schemas: (kind) => schemas.filter(({ appliesTo }) => appliesTo.some((target) => target.kind === kind)) }
}
