/** What follows street and number in an address: flat, town, postcode, state, country; at most fourteen tokens. */
import { capital, dense, digit, kindOf, lower, upper } from './letters.ts'
import type { Scan } from './scan.ts'
import { capitalised } from './tokens.ts'
import { says } from './vocabulary.ts'

export interface Tail {
  /** Unit after the last part of the address. */
  readonly end: number
  /** Whether there was a postcode or a state: then it is an address whatever stands before. */
  readonly isSure: boolean
  /** Whether a state stood before the postcode, or the postcode is of letters and digits: nothing else is written like that. */
  readonly isFull: boolean
}

const maxTokens = 14

/** Reads on from token `next`; `end` is the unit after what is known to belong to the address. */
export function tailAfter(scan: Scan, next: number, end: number): Tail {
  const { tokens, reading } = scan
  let sureEnd = end
  let isSure = false
  let isFull = false
  let here = end
  let words = 0
  let at = next
  const last = Math.min(tokens.count, next + maxTokens)
  while (at < last) {
    const start = tokens.starts[at] ?? 0
    const gap = gapOf(reading.codes, here, start)
    if (gap === broken) break
    const meanings = tokens.meanings[at] ?? 0
    const code = postcodeAt(scan, at)
    const unit = unitAt(scan, at)
    if (unit > 0 && !((meanings & says.state) !== 0 && words > 0)) {
      at += unit
      here = sureEnd = tokens.ends[at - 1] ?? 0
      words = 0
    } else if (code > 0) {
      isFull ||= code === 2
      at += code
      here = sureEnd = tokens.ends[at - 1] ?? 0
      isSure = true
      words = 0
    } else if ((meanings & says.state) !== 0 && isUpper(scan, at) && (words > 0 || gap === comma)) {
      here = sureEnd = tokens.ends[at] ?? 0
      isSure ||= postcodeAt(scan, at + 1) > 0
      isFull ||= isSure
      at += 1
      words = 0
    } else if ((meanings & says.country) !== 0 && gap === comma && ((tokens.kinds[at] ?? 0) & capitalised) !== 0) {
      here = sureEnd = tokens.ends[at] ?? 0
      at += 1
    } else if (isTownWord(scan, at) && words < 4 && (gap === comma || gap === line || words > 0 || isSure || sureEnd === end)) {
      // A line of its own begins a new sentence unless a postcode comes.
      words += 1
      here = tokens.ends[at] ?? 0
      at += 1
      const isEnded = endsPhrase(reading.codes, here, reading.length)
      if ((isEnded && (gap === comma || words > 1)) || (isSure && gap !== line)) sureEnd = here
    } else if (words > 0 && gap !== line && (meanings & says.particle) !== 0 && at + 1 < last && isTownWord(scan, at + 1)) {
      // Rio de Janeiro, Newcastle upon Tyne
      here = tokens.ends[at] ?? 0
      at += 1
    } else break
  }
  return { end: sureEnd, isSure, isFull }
}

const broken = 0
const blank = 1
const comma = 2
const line = 3

/** What stands between two parts of an address. */
function gapOf(codes: Uint16Array, from: number, to: number): number {
  if (to - from > 5 || to <= from) return broken
  let found = blank
  for (let at = from; at < to; at += 1) {
    const code = codes[at] ?? 0
    if (code === 0x2c || code === 0x2f || code === 0x28) found = comma
    else if (code === 0x0a || code === 0x0d) found = found === comma ? comma : line
    else if (code !== 0x20 && code !== 0x09 && code !== 0x2e && code !== 0x2d && code !== 0x23 && code !== 0x27) return broken
    else if (code === 0x2e && at > from) return broken
    else if (code === 0x23) found = comma
  }
  return found
}

function endsPhrase(codes: Uint16Array, end: number, length: number): boolean {
  if (end >= length) return true
  const code = codes[end] ?? 0
  return (
    code === 0x2c ||
    code === 0x2e ||
    code === 0x3b ||
    code === 0x0a ||
    code === 0x0d ||
    code === 0x22 ||
    code === 0x29 ||
    code === 0x21 ||
    code === 0x3f ||
    code === 0x7c ||
    code === 0x3c
  )
}

const isUpper = ({ tokens }: Scan, at: number): boolean => ((tokens.kinds[at] ?? 0) & (upper | lower | digit)) === upper
const sizeOf = ({ tokens }: Scan, at: number): number => (at < tokens.count ? (tokens.ends[at] ?? 0) - (tokens.starts[at] ?? 0) : 0)

function isTownWord({ tokens }: Scan, at: number): boolean {
  const kinds = tokens.kinds[at] ?? 0
  return (kinds & (digit | dense)) === 0 && (kinds & capitalised) !== 0
}

/** How many tokens say which flat: Apt 4B, Suite 200, #12, 3º B; 0 when none do. */
function unitAt(scan: Scan, at: number): number {
  const { tokens, reading } = scan
  const start = tokens.starts[at] ?? 0
  if (start > 0 && reading.codes[start - 1] === 0x23 && sizeOf(scan, at) <= 5) return 1
  if (((tokens.meanings[at] ?? 0) & says.unit) === 0 || at + 1 >= tokens.count) return 0
  const gap = (tokens.starts[at + 1] ?? 0) - (tokens.ends[at] ?? 0)
  if (gap > 3) return 0
  const next = tokens.kinds[at + 1] ?? 0
  const isShort = sizeOf(scan, at + 1) <= 5
  return isShort && ((next & digit) !== 0 || (sizeOf(scan, at + 1) === 1 && (next & upper) !== 0)) ? 2 : 0
}

/** How many tokens make a postcode here: 62704, 62704-1234, SW1A 2AA, K1A 0B1, 1012 AB, 00-590, 114 55; 0 when none do. */
export function postcodeAt(scan: Scan, at: number): number {
  const { tokens, reading } = scan
  if (at >= tokens.count) return 0
  const size = sizeOf(scan, at)
  const next = sizeOf(scan, at + 1)
  const end = tokens.ends[at] ?? 0
  const isNear = at + 1 < tokens.count && tokens.starts[at + 1] === end + 1
  const between = reading.codes[end]
  const isDigits = tokens.kinds[at] === digit
  const isNextDigits = isNear && tokens.kinds[at + 1] === digit
  if (isDigits) {
    if (
      isNextDigits &&
      between === 0x2d &&
      ((size === 5 && (next === 4 || next === 3)) || (size === 2 && next === 3) || (size === 4 && next === 3) || (size === 3 && next === 4))
    )
      return 2
    if (isNextDigits && between === 0x20 && size === 3 && (next === 2 || next === 3)) return 2
    if (size === 4 && isNear && between === 0x20 && next === 2 && isUpper(scan, at + 1)) return 2
    if (size === 5 || size === 6) return 1
    return size === 4 ? 1 : 0
  }
  if (((tokens.kinds[at] ?? 0) & digit) === 0) return 0
  const shape = shapeOf(scan, at)
  const nextShape = isNear && between === 0x20 ? shapeOf(scan, at + 1) : ''
  if (/^(?:A9|A99|AA9|AA99|A9A|AA9A)$/.test(shape) && nextShape === '9AA') return 2
  if (shape === 'A9A' && nextShape === '9A9') return 2
  return shape === 'A9A9A9' || shape === '9999AA' ? 1 : 0
}

/** `A` for a capital and `9` for a digit, of short tokens alone. */
function shapeOf({ tokens, reading: { codes } }: Scan, at: number): string {
  const start = tokens.starts[at] ?? 0
  const end = tokens.ends[at] ?? 0
  if (at >= tokens.count || end - start > 6) return ''
  let shape = ''
  for (let unit = start; unit < end; unit += 1)
    shape += kindOf(codes[unit] ?? 0) === digit ? '9' : capital(codes[unit] ?? 0) !== 0 ? 'A' : '?'
  return shape
}
