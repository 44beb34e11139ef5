/**
 * Findings as the `Status` that a person and a program both can read.
 *
 * kubectl prints `The <kind> "<name>" is invalid:` and one line per cause (`* spec.priority: …`); every other client, and
 * kubectl when several files fail at once, prints the message, so that repeats each finding on a line, by JSON Pointer.
 */
import { type Finding, type FindingCode, group } from '@mnemos/api'
import type { Cause, Refusal, ReviewRequest } from './verdict.ts'

/** More findings than this are counted, not listed: a Status travels in one response and ends on one screen. */
const maxListed = 50
/** What a user wrote may be told back, but a megabyte of it would come back twice, in the message and in its cause. */
const maxSentence = 1024
const maxPath = 512
/** The longest name that the API server stores; it looks at names only after us. */
const maxName = 253

/** The cause types of `k8s.io/apimachinery/pkg/apis/meta/v1`. */
const causeReasons: Readonly<Record<FindingCode, string>> = {
  required: 'FieldValueRequired',
  invalid: 'FieldValueInvalid',
  enum: 'FieldValueNotSupported',
  outOfRange: 'FieldValueInvalid',
  tooLong: 'FieldValueTooLong',
  tooMany: 'FieldValueTooMany',
  type: 'FieldValueTypeInvalid',
  duplicate: 'FieldValueDuplicate',
  unknownField: 'FieldValueForbidden',
  immutable: 'FieldValueForbidden',
  forbidden: 'FieldValueForbidden',
}

/**
 * The refusal of a request. Never called without findings.
 * @param what completes the sentence that begins with the object's name
 */
export function refusalOf(request: ReviewRequest, findings: readonly Finding[], what = whatOf(findings)): Refusal {
  const listed = findings.slice(0, maxListed)
  const name = nameOf(request)
  const rest = findings.length - listed.length
  const lines = listed.map((finding) => `- ${finding.path === '' ? '/' : bounded(finding.path, maxPath)}: ${sentenceOf(finding)}`)
  return {
    code: 422,
    reason: 'Invalid',
    message: [`${request.kind} "${name}" ${what}:`, ...lines, ...(rest > 0 ? [`- and ${rest} more`] : [])].join('\n'),
    details: { name, group: request.group, kind: request.kind, causes: listed.map(causeOf) },
  }
}

function whatOf(findings: readonly Finding[]): string {
  if (findings.every(({ code }) => code === 'forbidden')) return 'is refused by policy'
  return findings.length === 1 ? 'has one mistake' : `has ${findings.length} mistakes`
}

/** The refusal of a request that is no review of a kind of ours at all. */
export function unknownKind(request: ReviewRequest, kinds: readonly string[]): Refusal {
  const message = `${request.kind} of group "${request.group}" is no kind of ${group}; the kinds are ${kinds.join(', ')}`
  return {
    code: 400,
    reason: 'BadRequest',
    message,
    details: { name: nameOf(request), group: request.group, kind: request.kind, causes: [] },
  }
}

/** The refusal of a request that cannot be judged now; it says nothing against the object. */
export function unavailable(request: ReviewRequest, sentence: string): Refusal {
  const name = nameOf(request)
  return {
    code: 503,
    reason: 'ServiceUnavailable',
    message: `${request.kind} "${name}" ${sentence}`,
    details: { name, group: request.group, kind: request.kind, causes: [] },
  }
}

function causeOf(finding: Finding): Cause {
  return { reason: causeReasons[finding.code], field: bounded(finding.field, maxPath), message: sentenceOf(finding) }
}

function sentenceOf(finding: Finding): string {
  const message = bounded(finding.message, maxSentence)
  return finding.suggestion === undefined ? message : `${message}; ${bounded(finding.suggestion, maxSentence)}`
}

function bounded(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}

/** kubectl prints the name in quotes, empty ones too; an object whose name is still to be generated shows its prefix. */
function nameOf(request: ReviewRequest): string {
  const { name, generateName } = request.object?.metadata ?? {}
  return bounded(name !== undefined && name !== '' ? name : `${generateName ?? ''}*`, maxName)
}
