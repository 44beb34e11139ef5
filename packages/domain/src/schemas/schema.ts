/**
 * Which versions a Schema has, and which is in force. Repeats what admission asks: a document that came while the webhook was
 * away is accepted only when it compiles and keeps what `spec.compatibility` promises; until then the last one stays in force.
 *
 * Flow: document of the spec → is it the newest version already? → does it compile, is it compatible? → a version more.
 * Guarantees: accepted documents are kept, numbers are never given twice; total; a second look changes nothing.
 */
import { type ConditionFact, formatTime, maxSchemaVersions, type Schema, type SchemaStatus } from '@mnemos/api'
import type { Plan } from '@mnemos/kube'
import { isSameJson } from '../reading.ts'
import { type Breach, breachOf, type EarlierDocument, shownExample } from './compatibility.ts'
import { keptDocument, readDocument } from './document.ts'

export interface SchemaWorld {
  readonly schema: Schema
}

type Version = NonNullable<SchemaStatus['versions']>[number]
export type SchemaPlan = Plan<SchemaStatus>

const maxKeptBytes = 512 * 1024
const maxMessage = 1000

/** What the status of a Schema should say. @param now milliseconds since 1970 */
export function decideSchema({ schema }: SchemaWorld, now: number): SchemaPlan {
  const quiet: SchemaPlan = { status: undefined, apply: [], remove: [], events: [], next: { kind: 'change' } }
  if (schema.metadata.deletionTimestamp !== undefined) return quiet
  const before = schema.status?.versions ?? []
  const { trouble, incompatibility, isNew } = judged(schema, before)
  const latest = (schema.status?.latest ?? before.at(-1)?.version ?? 0) + (isNew ? 1 : 0)
  const added: Version = { version: latest, acceptedAt: formatTime(now), document: JSON.stringify(schema.spec.document) }
  const versions = isNew ? kept([...before, added]) : before
  const wanted = schema.spec.version
  const found = wanted === undefined ? versions.at(-1) : versions.find(({ version }) => version === wanted)
  const inForce = found?.version ?? versions.at(-1)?.version
  const status: SchemaStatus = {
    observedGeneration: schema.metadata.generation ?? 0,
    ...(inForce === undefined ? {} : { inForce }),
    ...(latest === 0 ? {} : { latest }),
    ...(versions.length === 0 ? {} : { versions: [...versions] }),
    ...(incompatibility === undefined ? {} : { incompatibility }),
    conditions: schema.status?.conditions ?? [],
  }
  const facts = trouble ?? (wanted !== undefined && found === undefined ? notFound(schema, wanted, versions) : inForceFact(schema, inForce))
  // What only a person can set right is told as such, so that kstatus does not wait for it.
  const stalled: readonly ConditionFact[] = facts.status === 'True' ? [] : [{ ...facts, type: 'Stalled', status: 'True' }]
  return { ...quiet, status, conditions: [facts, ...stalled] }
}

interface Judged {
  readonly isNew: boolean
  readonly trouble?: ConditionFact
  readonly incompatibility?: NonNullable<SchemaStatus['incompatibility']>
}

function judged({ metadata, spec }: Schema, before: readonly Version[]): Judged {
  if (before.length > 0 && isSameJson(keptDocument(before.at(-1)?.document ?? ''), spec.document)) return { isNew: false }
  const compiled = readDocument(spec.document)
  if (!compiled.ok) {
    const [first] = compiled.findings
    const message = `The document of Schema ${metadata.name} is wrong at "${first?.pointer ?? ''}": ${first?.message ?? 'unknown'}; correct it.`
    return { isNew: false, trouble: ready('False', 'DocumentDoesNotCompile', message) }
  }
  const breach = breachOf(asEarlier(before), compiled.schema, spec.compatibility)
  return breach === undefined ? { isNew: true } : { isNew: false, ...breachFacts(metadata.name, spec.compatibility, breach) }
}

/** Versions as they are compared. */
export function asEarlier(versions: readonly Version[]): readonly EarlierDocument[] {
  return versions.map(({ version, document }) => ({ version, document: keptDocument(document) }))
}

function breachFacts(name: string, mode: string, { version = 1, comparison }: Breach): Pick<Judged, 'trouble' | 'incompatibility'> {
  const [difference] = comparison.differences
  if (difference === undefined) {
    const [doubt] = comparison.doubts
    const message = `Whether the document of Schema ${name} is ${mode} compatible with version ${version} is not decided: ${doubt?.message ?? ''}; make the change smaller, or set spec.compatibility to NONE.`
    return { trouble: ready('False', 'CompatibilityUndecided', message) }
  }
  const message = `The document of Schema ${name} is not ${mode} compatible with version ${version}: ${difference.message}; see status.incompatibility.`
  return {
    trouble: ready('False', 'Incompatible', message),
    incompatibility: {
      version,
      path: difference.pointer.slice(0, 256),
      message: difference.message.slice(0, maxMessage),
      counterExample: shownExample(difference.counterExample, 4000),
    },
  }
}

function ready(status: 'True' | 'False', reason: ConditionFact['reason'], message: string): ConditionFact {
  return { type: 'Ready', status, reason, message: message.slice(0, maxMessage) }
}

function inForceFact({ metadata, spec }: Schema, version: number | undefined): ConditionFact {
  const judgedBy = spec.mode === 'Off' ? `Schema ${metadata.name} is switched off; set spec.mode to Warn or Enforce to use it.` : ''
  return ready(
    'True',
    'VersionInForce',
    judgedBy === '' ? `Objects are judged by version ${version ?? 0} of Schema ${metadata.name}.` : judgedBy,
  )
}

function notFound({ metadata }: Schema, wanted: number, versions: readonly Version[]): ConditionFact {
  const known = versions.map(({ version }) => version).join(', ')
  return ready('False', 'VersionNotFound', `Schema ${metadata.name} keeps no version ${wanted}; set spec.version to one of ${known}.`)
}

/** The newest that fit. */
function kept(versions: readonly Version[]): readonly Version[] {
  const found: Version[] = []
  let bytes = 0
  for (const version of versions.slice(-maxSchemaVersions).toReversed()) {
    bytes += version.document.length
    if (found.length > 0 && bytes > maxKeptBytes) break
    found.unshift(version)
  }
  return found
}
