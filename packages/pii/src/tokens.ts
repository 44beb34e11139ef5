/**
 * Cuts what is read into words and numbers, once, and looks each up. Everything after this step looks at tokens and at a
 * bounded number of their neighbours, which keeps the whole linear.
 */
import { piiEntityNames } from './entities.ts'
import { baseLetter, dense, digit, kindOf, lower, upper } from './letters.ts'
import type { Reading } from './reading.ts'
import { perhapsStreetEnds, says, streetEnds, vocabulary } from './vocabulary.ts'

export interface Tokens {
  readonly count: number
  /** First unit of each token. */
  readonly starts: Uint32Array
  /** Unit after each token. */
  readonly ends: Uint32Array
  /** Kinds of the units in each token, as bits; {@link capitalised} when it begins with a capital. */
  readonly kinds: Uint8Array
  /** What each token says, as bits of {@link says}. */
  readonly meanings: Uint32Array
}

export const capitalised = 16

/** Words by their hash; a hash that two words share would say what both say, which no two words here do. */
let lexicon: { readonly hashes: Int32Array; readonly bits: Uint32Array } | undefined
const slots = 8192
const step = 31

const hashOf = (word: string): number =>
  Array.from(word).reduce((hash, letter) => (Math.imul(hash, step) + baseLetter(letter.charCodeAt(0))) | 0, 7)

function lexiconOf(): NonNullable<typeof lexicon> {
  if (lexicon !== undefined) return lexicon
  const hashes = new Int32Array(slots)
  const bits = new Uint32Array(slots)
  for (const [word, bit] of vocabulary()) {
    const hash = hashOf(word)
    let slot = hash & (slots - 1)
    while (bits[slot] !== 0 && hashes[slot] !== hash) slot = (slot + 1) & (slots - 1)
    hashes[slot] = hash
    bits[slot] = (bits[slot] ?? 0) | bit
  }
  lexicon = { hashes, bits }
  return lexicon
}

function meaningOf(hash: number): number {
  const { hashes, bits } = lexiconOf()
  let slot = hash & (slots - 1)
  while (bits[slot] !== 0) {
    if (hashes[slot] === hash) return bits[slot] ?? 0
    slot = (slot + 1) & (slots - 1)
  }
  return 0
}

const grown = <T extends Uint32Array | Uint8Array>(array: T, make: (size: number) => T, size: number): T => {
  const larger = make(size)
  larger.set(array)
  return larger
}

/** Cuts a text into tokens; a letter of a script without spaces is a token by itself. */
export function tokensOf({ codes, length }: Reading): Tokens {
  let room = Math.ceil(length / 4) + 16
  let starts = new Uint32Array(room)
  let ends = new Uint32Array(room)
  let kinds = new Uint8Array(room)
  let meanings = new Uint32Array(room)
  let count = 0
  for (let at = 0; at < length; ) {
    const kind = kindOf(codes[at] ?? 0)
    if (kind === 0) {
      at += 1
      continue
    }
    if (count === room) {
      room *= 2
      starts = grown(starts, (size) => new Uint32Array(size), room)
      ends = grown(ends, (size) => new Uint32Array(size), room)
      kinds = grown(kinds, (size) => new Uint8Array(size), room)
      meanings = grown(meanings, (size) => new Uint32Array(size), room)
    }
    starts[count] = at
    if (kind === dense) {
      const before = at > 0 ? (codes[at - 1] ?? 0) : 0
      const pair = Math.imul((Math.imul(7, step) + baseLetter(before)) | 0, step) + baseLetter(codes[at] ?? 0)
      meanings[count] = kindOf(before) === dense ? meaningOf(pair | 0) : 0
      kinds[count] = dense
      at += 1
    } else {
      let kindsHere = kind === upper ? upper | capitalised : kind
      let hash = (Math.imul(7, step) + baseLetter(codes[at] ?? 0)) | 0
      const start = at
      at += 1
      for (; at < length; at += 1) {
        const next = kindOf(codes[at] ?? 0)
        if (next === 0 || next === dense) break
        kindsHere |= next
        hash = (Math.imul(hash, step) + baseLetter(codes[at] ?? 0)) | 0
      }
      kinds[count] = kindsHere
      if ((kindsHere & (upper | lower)) !== 0 && at - start <= 40 && !isPlaceholder(codes, start, at))
        meanings[count] = meaningOf(hash) | withinOf(codes, start, at, kindsHere)
    }
    ends[count] = at
    count += 1
  }
  return { count, starts, ends, kinds, meanings }
}

const names = piiEntityNames.map((name) => Array.from(name).map((letter) => letter.charCodeAt(0)))

/** What redaction puts in place of a find says nothing about its neighbours. */
function isPlaceholder(codes: Uint16Array, start: number, end: number): boolean {
  if (start === 0 || codes[start - 1] !== 0x5b || codes[end] !== 0x5d) return false
  return names.some((name) => name.length === end - start && name.every((code, at) => codes[start + at] === code))
}

/** An ending of a street's name, last letter first, and what a word with it says. */
interface Ending {
  readonly reversed: readonly number[]
  readonly bit: number
}

const endingsByLast = new Map<number, Ending[]>()
for (const [ends, bit] of [
  [streetEnds, says.streetWithin],
  [perhapsStreetEnds, says.perhapsStreet],
] as const)
  for (const end of ends) {
    const reversed = Array.from(end)
      .reverse()
      .map((letter) => letter.charCodeAt(0))
    const last = reversed[0] ?? 0
    endingsByLast.set(last, [...(endingsByLast.get(last) ?? []), { reversed, bit }])
  }

/** What a capitalised word says by its ending alone (Hauptstraße, Lindenweg), or by being such an ending (Berliner Straße). */
function withinOf(codes: Uint16Array, start: number, end: number, kinds: number): number {
  const size = end - start
  if (size < 3 || (kinds & (digit | capitalised)) !== capitalised) return 0
  let said = 0
  for (const { reversed, bit } of endingsByLast.get(baseLetter(codes[end - 1] ?? 0)) ?? []) {
    const isEnding = size === reversed.length || size >= reversed.length + 3
    if (isEnding && reversed.every((code, back) => baseLetter(codes[end - 1 - back] ?? 0) === code)) said |= bit
  }
  return said
}
