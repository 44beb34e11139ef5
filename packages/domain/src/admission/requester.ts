/**
 * Who asked for an object: the annotation `mnemos.dev/requester`.
 *
 * Guarantees: on creation it names the authenticated user, whatever the manifest says; only our own processes may name
 * somebody else (their children inherit it); afterwards it never changes, not even from absent to present. A manifest
 * that carries another value is corrected and not refused, so that exported YAML can be applied again.
 */
import type { Finding } from '@mnemos/api'
import type { PatchOperation, ReviewContext, ReviewRequest } from './verdict.ts'

export const requesterAnnotation = 'mnemos.dev/requester'

const annotationsPath = '/metadata/annotations'
const requesterPath = `${annotationsPath}/mnemos.dev~1requester`
const requesterField = `metadata.annotations[${requesterAnnotation}]`

/** The value the annotation must have; undefined: it must be absent (an object older than the webhook). */
export function requesterOf(request: ReviewRequest, context: ReviewContext): string | undefined {
  if (request.operation === 'UPDATE') return request.oldObject?.metadata.annotations?.[requesterAnnotation]
  const given = givenRequester(request)
  const inherits = given !== undefined && given !== '' && context.trustedUsers.has(request.userName)
  return inherits ? given : request.userName
}

/** The patch that makes the annotation what it must be; empty when it is. */
export function stampRequester(request: ReviewRequest, wanted: string | undefined): readonly PatchOperation[] {
  const given = givenRequester(request)
  if (given === wanted) return []
  if (wanted === undefined) return [{ op: 'remove', path: requesterPath }]
  if (request.object?.metadata.annotations === undefined) {
    return [{ op: 'add', path: annotationsPath, value: { [requesterAnnotation]: wanted } }]
  }
  return [{ op: given === undefined ? 'add' : 'replace', path: requesterPath, value: wanted }]
}

/** Tells a user who wrote the annotation that it was not taken. */
export function requesterWarnings(request: ReviewRequest, wanted: string | undefined): readonly string[] {
  const given = givenRequester(request)
  if (given === undefined || given === wanted) return []
  return [`${requesterField} is set by MNEMOS and cannot be chosen; the value given was ${wanted === undefined ? 'removed' : 'replaced'}`]
}

/** After every mutation the annotation must be right: it is not when another webhook changed it behind ours. */
export function requesterFindings(request: ReviewRequest, wanted: string | undefined): readonly Finding[] {
  if (givenRequester(request) === wanted) return []
  const message = 'is set by MNEMOS and never changes, but another admission webhook changed it'
  return [{ path: requesterPath, field: requesterField, code: 'immutable', message }]
}

function givenRequester(request: ReviewRequest): string | undefined {
  return request.object?.metadata.annotations?.[requesterAnnotation]
}
