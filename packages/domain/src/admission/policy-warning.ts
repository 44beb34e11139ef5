/** A finding of a policy as a Warning, which API servers cut at 256 bytes. */
import type { Violation } from '../policies/judge-policies.ts'

const maxBytes = 256
const utf8 = new TextEncoder()

/** @param done what was done about it, e.g. `redacted` */
export function warningOf({ finding }: Violation, done?: string): string {
  const where = finding.field === '' ? '' : `${finding.field}: `
  const text = `${where}${finding.message}${done === undefined ? '' : `; ${done}`}`
  const advice = finding.suggestion === undefined || done !== undefined ? '' : `; ${finding.suggestion}`
  return cutToWarning(utf8.encode(text + advice).byteLength <= maxBytes ? text + advice : text)
}

/** The text, shortened to what API servers hand on. */
export function cutToWarning(text: string): string {
  // No unit is less than a byte: what is beyond them can only go.
  let short = text.slice(0, maxBytes + 1)
  while (utf8.encode(short).byteLength > maxBytes) short = `${short.slice(0, -2)}…`
  return short
}
