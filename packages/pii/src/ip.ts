/** Addresses of the Internet Protocol, version 4 and 6, except those that name no machine: unspecified, loopback, masks. */
import { digit, kindOf } from './letters.ts'
import { type Candidate, distance, type Scan, saidWithin } from './scan.ts'
import { says } from './vocabulary.ts'

const dot = 0x2e
const colon = 0x3a

/** The address of version 4 that begins with token `at`. */
export function ipv4At(scan: Scan, at: number): Candidate | undefined {
  const { tokens, reading } = scan
  const { codes, length } = reading
  const start = tokens.starts[at] ?? 0
  if (codes[tokens.ends[at] ?? 0] !== dot || at + 3 >= tokens.count) return undefined
  // The middle of a longer dotted number.
  if (start > 0 && codes[start - 1] === dot) return undefined
  const parts: number[] = []
  for (let part = 0; part < 4; part += 1) {
    const from = tokens.starts[at + part] ?? 0
    const to = tokens.ends[at + part] ?? 0
    if (tokens.kinds[at + part] !== digit || to - from > 3) return undefined
    if (part > 0 && (from !== (tokens.ends[at + part - 1] ?? 0) + 1 || codes[from - 1] !== dot)) return undefined
    if (to - from > 1 && codes[from] === 0x30) return undefined
    parts.push(numberOf(codes, from, to))
  }
  const end = tokens.ends[at + 3] ?? 0
  if (parts.some((part) => part > 255) || !names(parts) || !stands(codes, start, end, length)) return undefined
  if (isVersion(scan, start)) return undefined
  return { entity: 'IP', start, end, score: 0.95 }
}

function numberOf(codes: Uint16Array, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at += 1) value = value * 10 + (codes[at] ?? 0) - 0x30
  return value
}

/** Whether it can be the address of a machine: not 0.x, 127.x, a mask, or broadcast. */
function names([first = 0, , , last = 0]: readonly number[]): boolean {
  return first !== 0 && first !== 127 && !(first === 255) && !(first > 239 && last === 255)
}

/** Not part of a longer dotted number or of a name. */
function stands(codes: Uint16Array, start: number, end: number, length: number): boolean {
  const before = start > 0 ? (codes[start - 1] ?? 0) : 0x20
  if ((kindOf(before) & 7) !== 0 || before === dot || before === 0x5f || before === 0x2d) return false
  // name/1.2.3.4 is a version, //1.2.3.4 an address.
  if (before === 0x2f && start > 1 && (kindOf(codes[start - 2] ?? 0) & 7) !== 0) return false
  const after = end < length ? (codes[end] ?? 0) : 0x20
  if ((kindOf(after) & 7) !== 0 || after === 0x5f) return false
  if (after === 0x2d) return (kindOf(codes[end + 1] ?? 0) & 6) === 0
  return after !== dot || kindOf(codes[end + 1] ?? 0) === 0
}

/** Versions and numbers of chapters look the same; the nearest word decides. */
function isVersion(scan: Scan, start: number): boolean {
  return saidWithin(scan, says.version, start, 28) && distance(scan, says.version, start) < distance(scan, says.ip, start)
}

const isHex = (code: number): boolean => (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66)

/** The address of version 6 whose first colon may be at `first`; only called at the first colon of a run. */
export function ipv6At(scan: Scan, first: number): Candidate | undefined {
  const { codes, length } = scan.reading
  let start = first
  while (start > 0 && first - start < 5 && isHex(codes[start - 1] ?? 0)) start -= 1
  if (first - start > 4 || (start === first && codes[first + 1] !== colon)) return undefined
  const before = start > 0 ? (codes[start - 1] ?? 0) : 0x20
  if ((kindOf(before) & 7) !== 0 || before === dot || before === 0x5f || before === 0x2d || isIndex(codes, start)) return undefined
  let groups = 0
  let longest = 0
  let digits = 0
  let gap = -1
  let at = start
  let tail = 0
  while (at < length && groups < 9) {
    const from = at
    while (at < length && at - from < 5 && isHex(codes[at] ?? 0)) {
      if ((codes[at] ?? 0) < 0x3a) digits += 1
      at += 1
    }
    const size = at - from
    if (size > 4) return undefined
    if (size > 0 && codes[at] === dot && kindOf(codes[at + 1] ?? 0) === digit) {
      tail = dottedEnd(codes, from, length)
      if (tail === 0) return undefined
      groups += 2
      longest = 4
      at = tail
      break
    }
    if (size > 0) groups += 1
    longest = Math.max(longest, size)
    if (codes[at] !== colon) break
    if (codes[at + 1] === colon) {
      if (gap !== -1) return undefined
      gap = groups
      at += 2
      if (!isHex(codes[at] ?? 0)) break
    } else if (isHex(codes[at + 1] ?? 0)) at += 1
    else break
  }
  if (gap === -1 ? groups !== 8 : groups > 7 || groups < 2 || digits === 0 || (longest < 3 && groups < 4)) return undefined
  const after = at < length ? (codes[at] ?? 0) : 0x20
  if ((kindOf(after) & 7) !== 0 || after === 0x5f || (after === colon && codes[at + 1] === colon)) return undefined
  return { entity: 'IP', start, end: at, score: 0.97 }
}

/** a[1::2] is a slice, http://[2001:db8::1] an address. */
const isIndex = (codes: Uint16Array, start: number): boolean =>
  start > 1 && codes[start - 1] === 0x5b && (kindOf(codes[start - 2] ?? 0) & 7) !== 0

/** Unit after an address of version 4 inside one of version 6; 0 when it is none. */
function dottedEnd(codes: Uint16Array, from: number, length: number): number {
  let at = from
  for (let part = 0; part < 4; part += 1) {
    const begin = at
    while (at < length && at - begin < 4 && kindOf(codes[at] ?? 0) === digit) at += 1
    if (at === begin || at - begin > 3 || numberOf(codes, begin, at) > 255) return 0
    if (part < 3) {
      if (codes[at] !== dot) return 0
      at += 1
    }
  }
  return at
}
