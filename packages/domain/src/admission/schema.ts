/** What a Schema itself must be: its document compiles, and a changed one keeps what `spec.compatibility` promises. */
import { type Finding, kinds, schemaKind } from '@mnemos/api'
import type { Comparison, CompiledSchema } from '@mnemos/json-schema'
import { fieldOf, isSameJson, itemsOf, textOf } from '../reading.ts'
import { breachOf, type Compatibility, type EarlierDocument, shownExample } from '../schemas/compatibility.ts'
import { readDocument } from '../schemas/document.ts'
import { asFindings, fieldOfPointer } from '../schemas/findings.ts'
import { asEarlier } from '../schemas/schema.ts'
import { nearest } from './nearest.ts'
import type { ReviewRequest } from './verdict.ts'

const at = '/spec/document'
const maxFindings = 20

/** Findings of a Schema, beyond what its kind demands. */
export function schemaFindings(request: ReviewRequest): readonly Finding[] {
  const spec = schemaKind.spec.safeParse(request.object?.spec)
  if (!spec.success) return []
  const { document, compatibility, version } = spec.data
  const compiled = readDocument(document)
  if (!compiled.ok) return asFindings(compiled.findings, at, (message) => message).slice(0, maxFindings)
  const before = request.oldObject
  if (before === undefined) return []
  const known = schemaKind.status.safeParse(before.status ?? {})
  const versions = (known.success ? known.data.versions : undefined) ?? []
  const missing = version === undefined || versions.some((each) => each.version === version) ? [] : [versionFinding(version, versions)]
  const last = fieldOf(before.spec, 'document')
  if (isSameJson(last, document)) return missing
  if (!isRecorded(request)) return [waitFinding]
  // A document that was never accepted binds nobody.
  const earlier: readonly EarlierDocument[] = versions.length > 0 ? asEarlier(versions) : [{ version: undefined, document: last }]
  const breach = breachOf(earlier, compiled.schema, compatibility)
  return [...missing, ...(breach === undefined ? [] : breachFindings(breach.comparison, compatibility, breach.version))]
}

/** Kinds that do not exist here are most often slips. */
export function schemaWarnings({ object }: ReviewRequest): readonly string[] {
  const names = kinds.map(({ kind }) => kind)
  const notes = readDocument(fieldOf(object?.spec, 'document'))
  return [
    ...itemsOf(fieldOf(object?.spec, 'appliesTo')).flatMap((target, index) => {
      const kind = textOf(fieldOf(target, 'kind'))
      if (kind === undefined || names.includes(kind)) return []
      const meant = nearest(kind, names)
      return [`spec.appliesTo[${index}]: no kind ${kind}${meant === undefined ? '' : `; did you mean ${meant}?`}`]
    }),
    ...(notes.ok ? nullWarnings(notes.schema) : []),
    ...(notes.ok ? notes.schema.notes : [])
      .slice(0, 5)
      .map(
        ({ pointer, message, suggestion }) =>
          `${fieldOfPointer(at + pointer)} ${message}${suggestion === undefined ? '' : `; ${suggestion}`}`,
      ),
  ]
}

/** A patch reads null as "remove this", so such a keyword is gone after the next `kubectl apply`. */
function nullWarnings({ nodes }: CompiledSchema): readonly string[] {
  return nodes
    .filter(({ raw }) => typeof raw !== 'boolean' && Object.values(raw).includes(null))
    .slice(0, 5)
    .map(({ pointer }) => `${fieldOfPointer(at + pointer)} has a null that a patch would remove; write enum: [null] or type: "null"`)
}

/** The operator has looked at what is stored now: accepted versions are kept, so none may be overwritten unseen. */
function isRecorded({ oldObject }: ReviewRequest): boolean {
  const generation = oldObject?.metadata.generation
  return generation === undefined || fieldOf(oldObject?.status, 'observedGeneration') === generation
}

const waitFinding: Finding = {
  path: at,
  field: 'spec.document',
  code: 'invalid',
  message: 'cannot change yet: the operator has not recorded the version before this one',
  suggestion: 'apply it again in a moment, and look whether the operator runs',
}

function versionFinding(version: number, versions: readonly { readonly version: number }[]): Finding {
  const known = versions.map((each) => each.version).join(', ')
  return {
    path: '/spec/version',
    field: 'spec.version',
    code: 'invalid',
    message: `there is no version ${version}`,
    found: String(version),
    suggestion: known === '' ? 'leave it out' : `use one of ${known}, or leave it out for the newest`,
  }
}

function breachFindings({ differences, doubts }: Comparison, mode: Compatibility, version: number | undefined): readonly Finding[] {
  const than = version === undefined ? 'the version before' : `version ${version}`
  const shown = differences.map(({ direction, schemaPointer, message, counterExample }) => ({
    pointer: direction === 'BACKWARD' ? schemaPointer : '',
    message: `is not ${mode} compatible with ${than}: ${message}: ${shownExample(counterExample)}`,
    suggestion: 'keep to what was promised, or set spec.compatibility to NONE',
  }))
  const doubted = doubts.map(({ direction, schemaPointer, message }) => ({
    pointer: direction === 'BACKWARD' ? schemaPointer : '',
    message: `may not be ${mode} compatible with ${than}: ${message}, and what is not decided is refused`,
    suggestion: 'make the change smaller, or set spec.compatibility to NONE for it',
  }))
  return [...shown, ...doubted].slice(0, maxFindings).map(({ pointer, ...finding }) => ({
    path: at + pointer,
    field: fieldOfPointer(at + pointer),
    code: 'invalid',
    ...finding,
  }))
}
