/** Whether a document may follow earlier ones: the rule behind `spec.compatibility`, for admission, operator, HTTP and command line. */
import { type Schema, schemaKind } from '@mnemos/api'
import { type Comparison, type CompiledSchema, compareSchemas, isTransitive, type SchemaFinding } from '@mnemos/json-schema'
import { isSameJson } from '../reading.ts'
import { keptDocument, readDocument } from './document.ts'

export type Compatibility = Schema['spec']['compatibility']

export interface EarlierDocument {
  /** Undefined for one that was not numbered yet. */
  readonly version: number | undefined
  readonly document: unknown
}

/** The earlier version that a document may not follow, and why. */
export interface Breach {
  readonly version: number | undefined
  readonly comparison: Comparison
}

/**
 * The first earlier document, newest first, that the newer one may not follow. The transitive modes ask all of them, the
 * others the newest. What cannot be decided counts as a breach. A document that no longer compiles binds nobody.
 */
export function breachOf(earlier: readonly EarlierDocument[], newer: CompiledSchema, mode: Compatibility): Breach | undefined {
  if (mode === 'NONE') return undefined
  const asked = isTransitive(mode) ? earlier.toReversed() : earlier.slice(-1)
  for (const { version, document } of asked) {
    if (isSameJson(document, newer.root.raw)) continue
    const older = readDocument(document)
    if (!older.ok) continue
    const comparison = compareSchemas(older.schema, newer, mode, 1 / asked.length)
    if (comparison.result !== 'compatible') return { version, comparison }
  }
  return undefined
}

/** The answer to "may this document follow that one?". */
export type CompatibilityAnswer =
  | ({ readonly readable: true } & Comparison)
  | { readonly readable: false; readonly older: readonly SchemaFinding[]; readonly newer: readonly SchemaFinding[] }

/** Compares two documents as they were written. Never throws. @param effort share of the usual work, above 0; default 1 */
export function checkCompatibility(older: unknown, newer: unknown, mode: Compatibility, effort = 1): CompatibilityAnswer {
  const [before, after] = [readDocument(older), readDocument(newer)]
  if (before.ok && after.ok) return { readable: true, ...compareSchemas(before.schema, after.schema, mode, effort) }
  return { readable: false, older: before.ok ? [] : before.findings, newer: after.ok ? [] : after.findings }
}

/** The document that a stored Schema has in force: the version that its status names, or the spec's; undefined when it is no Schema. */
export function documentInForce(object: {
  readonly spec?: unknown
  readonly status?: unknown
}): { document: unknown; mode: Compatibility } | undefined {
  const spec = schemaKind.spec.safeParse(object.spec)
  if (!spec.success) return undefined
  const status = schemaKind.status.safeParse(object.status ?? {})
  const { inForce, versions = [] } = status.success ? status.data : {}
  const text = versions.find(({ version }) => version === inForce)?.document
  return { document: text === undefined ? spec.data.document : keptDocument(text), mode: spec.data.compatibility }
}

const maxShown = 400

/** A counter-example as a text that fits into a message. */
export function shownExample(document: unknown, most = maxShown): string {
  const text = JSON.stringify(document)
  return text.length > most ? `${text.slice(0, most)}…` : text
}
