/** E-mail addresses: a local part and a domain whose last label is a registered top-level domain, written or `(at)` and `(dot)`. */
import topLevelDomains from 'tlds' with { type: 'json' }
import { dense, kindOf } from './letters.ts'
import type { Candidate, Scan } from './scan.ts'

/** Names that are reserved or used inside organisations are no registered domains and yet addresses. */
const unregistered = ['example', 'test', 'invalid', 'local', 'internal', 'corp', 'lan', 'home']
const known = new Set([...topLevelDomains, ...unregistered])
/** Endings that are registered but stand for files far more often. */
const files = new Set(['zip', 'mov', 'sh', 'py', 'md', 'rs', 'pl'])
const at = 0x40
const dot = 0x2e
const dash = 0x2d
const maxLocal = 64
const maxDomain = 253

/** All addresses of the text. Each unit between two `@` is looked at twice at most. */
export function emailsIn(scan: Scan): void {
  const { codes, length } = scan.reading
  for (let sign = codes.indexOf(at); sign !== -1 && sign < length; sign = codes.indexOf(at, sign + 1)) {
    const candidate = emailAround(scan, sign, sign + 1)
    if (candidate !== undefined) scan.found.push(candidate)
  }
}

/** The address whose sign stands from `sign` up to before `after`. */
export function emailAround(scan: Scan, sign: number, after: number): Candidate | undefined {
  const { codes } = scan.reading
  const start = localStart(scan, sign)
  if (start === sign || sign - start > maxLocal) return undefined
  const before = start > 0 ? (codes[start - 1] ?? 0) : 0
  // A handle (@user@host), or who a program logs in as (scheme://user:secret@host).
  if (before === at || isLogin(codes, start, before)) return undefined
  const end = domainEnd(scan, after)
  if (end === 0) return undefined
  // git@host:path and user@host:/path are places of files.
  if (codes[end] === 0x3a && isPath(scan, end + 1)) return undefined
  if (sign - start === 3 && String.fromCharCode(codes[start] ?? 0, codes[start + 1] ?? 0, codes[start + 2] ?? 0) === 'git') return undefined
  return { entity: 'Email', start, end, score: 0.98 }
}

function isLocal(code: number): boolean {
  // . _ - + % ' & # ! = * ~ and letters and digits of any script
  return (
    kindOf(code) !== 0 ||
    code === dot ||
    code === 0x5f ||
    code === dash ||
    code === 0x2b ||
    code === 0x25 ||
    code === 0x27 ||
    code === 0x26 ||
    code === 0x21 ||
    code === 0x7e
  )
}

function localStart({ reading: { codes } }: Scan, sign: number): number {
  let start = sign
  // In scripts without spaces a word before the address would be taken for its beginning.
  const isDense = kindOf(codes[sign - 1] ?? 0) === dense
  while (start > 0 && sign - start <= maxLocal && isLocal(codes[start - 1] ?? 0)) {
    if (!isDense && kindOf(codes[start - 1] ?? 0) === dense) break
    start -= 1
  }
  // Neither quotes, dots nor joining signs stand in front; nor does %3A of a query.
  while (start < sign && kindOf(codes[start] ?? 0) === 0 && codes[start] !== 0x5f) start += 1
  return codes[sign - 1] === dot ? sign : start
}

function isLogin(codes: Uint16Array, start: number, before: number): boolean {
  if (before === 0x2f) return codes[start - 2] === 0x2f && codes[start - 3] === 0x3a
  if (before !== 0x3a) return false
  for (let back = start - 2; back > 0 && back > start - 64; back -= 1) {
    const code = codes[back] ?? 0
    if (code === 0x2f) return codes[back - 1] === 0x2f
    if (!isLocal(code)) return false
  }
  return false
}

function isPath({ reading: { codes, length } }: Scan, from: number): boolean {
  if (codes[from] === 0x2f) return true
  for (let at = from; at < length && at < from + 64; at += 1) {
    const code = codes[at] ?? 0
    if (code === 0x2f) return at > from
    if (kindOf(code) === 0 && code !== dash && code !== dot && code !== 0x5f) return false
  }
  return false
}

/** Unit after the domain that begins here; 0 when there is none. */
function domainEnd({ reading: { codes, length } }: Scan, from: number): number {
  let label = from
  let end = 0
  let at = from
  for (; at <= length && at - from <= maxDomain; at += 1) {
    const code = at < length ? (codes[at] ?? 0) : 0
    const kind = kindOf(code)
    const isNewWord = kind === dense && at > label && label > from && kindOf(codes[at - 1] ?? 0) !== dense
    if ((kind !== 0 && !isNewWord) || code === dash) continue
    const size = at - label
    if (size === 0 || size > 63 || codes[label] === dash) break
    if (label > from && isTop(codes, label, codes[at - 1] === dash ? at - 1 : at)) end = codes[at - 1] === dash ? at - 1 : at
    if (code !== dot) break
    label = at + 1
  }
  return end
}

function isTop(codes: Uint16Array, start: number, end: number): boolean {
  if (end - start < 2 || end - start > 24) return false
  const label = String.fromCharCode(...codes.subarray(start, end)).toLowerCase()
  return (known.has(label) || label.startsWith('xn--')) && !files.has(label)
}
