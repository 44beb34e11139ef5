/** What every finder is given: the text as read, its tokens, what was said before, and where finds go. */
import type { PiiEntity } from './entities.ts'
import { kindOf } from './letters.ts'
import type { Reading } from './reading.ts'
import type { Tokens } from './tokens.ts'
import { says } from './vocabulary.ts'

/** A find in units of what is read. */
export interface Candidate {
  readonly entity: PiiEntity
  readonly start: number
  readonly end: number
  readonly score: number
}

/** One pass over one text. */
export interface Scan {
  readonly reading: Reading
  readonly tokens: Tokens
  readonly found: Candidate[]
  /** For each meaning, as the index of its bit, the unit after the latest token that says it; -1 when none does. */
  readonly said: Int32Array
  /** Candidates of IP and e-mail addresses end here at the earliest: numbers inside them are no numbers of their own. */
  taken: number
  /** Unit after the latest address. */
  addressed: number
}

const never = -1_000_000

/** How many units ago this was said before a unit; very many when it was not. */
export function distance(scan: Scan, meaning: number, from: number): number {
  return from - (scan.said[31 - Math.clz32(meaning)] ?? never)
}

/** Whether a word with that meaning stands at most so many units before. */
export function saidWithin(scan: Scan, meaning: number, from: number, reach: number): boolean {
  return distance(scan, meaning, from) <= reach
}

/** Whether the nearest word before speaks of a thing (an order, a part) rather than of what is looked for. */
export function isOfThing(scan: Scan, meaning: number, from: number, reach: number): boolean {
  const thing = distance(scan, says.thing, from)
  return thing <= reach && thing < distance(scan, meaning, from)
}

/** Takes in what a token says. */
export function hear(scan: Scan, meanings: number, end: number): void {
  let bits = meanings
  while (bits !== 0) {
    const bit = 31 - Math.clz32(bits)
    scan.said[bit] = end
    bits &= ~(1 << bit)
  }
}

/** Nothing has been said yet. */
export const silence = (): Int32Array => new Int32Array(32).fill(never)

const dot = 0x2e
const dash = 0x2d

/** Whether a number may begin here: no part of a longer number, decimal fraction, name or identifier. */
export function opens({ reading: { codes } }: Scan, start: number): boolean {
  if (start === 0) return true
  const before = codes[start - 1] ?? 0
  if (before === 0x5f || before === 0x24 || before === 0x23) return false
  if (kindOf(before) !== 0 && kindOf(before) !== 8) return false
  if (before !== dot && before !== dash && before !== 0x2f && before !== 0x2c && before !== 0x2b) return true
  const further = start > 1 ? kindOf(codes[start - 2] ?? 0) : 0
  return further === 0 || (before === dash && further === 8) || (before === 0x2c && further !== 1)
}

/** Whether a number may end here. */
export function closes({ reading: { codes, length } }: Scan, end: number): boolean {
  if (end >= length) return true
  const after = codes[end] ?? 0
  if (after === 0x5f || (kindOf(after) !== 0 && kindOf(after) !== 8)) return false
  if (after !== dot && after !== dash && after !== 0x40 && after !== 0x2f && after !== 0x2c) return true
  if (after === 0x40) return false
  const further = end + 1 < length ? kindOf(codes[end + 1] ?? 0) : 0
  if (after === 0x2c || after === 0x2f) return further !== 1
  return further !== 1 && !(after === dash && (further === 2 || further === 4))
}
