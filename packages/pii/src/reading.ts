/**
 * A text as the finders read it: plain units, and the way back to the offsets of the text as it was given.
 *
 * Left out are units without width; escapes that JSON writes into strings (`\n`, `\u0040`) count as what they stand for, so
 * that a line of a dataset reads like its content. Linear; one unit of what is read never stands for two of the text's words.
 */
import { nothing, standIn } from './letters.ts'

export interface Reading {
  /** What is read, one plain UTF-16 unit each. */
  readonly codes: Uint16Array
  /** How many of {@link codes} are in use. */
  readonly length: number
  /** Offset in the given text at which unit `at` of what is read begins. */
  startOf(at: number): number
  /** Offset in the given text after unit `at - 1` of what is read. */
  endOf(at: number): number
}

const backslash = 0x5c

/** Reads a text. @param text any string, lone surrogates included */
export function read(text: string): Reading {
  const { length } = text
  const codes = new Uint16Array(length)
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at)
    if (code < 0x80) {
      if (code === backslash) return readOn(text, codes, at)
      codes[at] = code
      continue
    }
    const plain = code === 0xd835 ? nothing : standIn(code)
    if (plain === nothing) return readOn(text, codes, at)
    codes[at] = plain
  }
  return { codes, length, startOf: (at) => at, endOf: (at) => at }
}

/** From the first unit on that does not stand for itself alone: offsets are kept. */
function readOn(text: string, codes: Uint16Array, from: number): Reading {
  const starts = new Uint32Array(text.length)
  const widths = new Uint8Array(text.length)
  for (let at = 0; at < from; at += 1) starts[at] = at
  widths.fill(1, 0, from)
  let length = from
  for (let at = from; at < text.length; ) {
    const { plain, width } = unitAt(text, at)
    if (plain !== nothing) {
      codes[length] = plain
      starts[length] = at
      widths[length] = width
      length += 1
    }
    at += width
  }
  return {
    codes,
    length,
    startOf: (at) => (at < length ? (starts[at] ?? 0) : text.length),
    endOf: (at) => (at === 0 ? 0 : (starts[at - 1] ?? 0) + (widths[at - 1] ?? 0)),
  }
}

function unitAt(text: string, at: number): { plain: number; width: number } {
  const code = text.charCodeAt(at)
  if (code === backslash) return escapeAt(text, at)
  if (code === 0xd835) {
    // Digits of the mathematical alphabets: five styles of ten.
    const low = text.charCodeAt(at + 1)
    if (low >= 0xdfce && low <= 0xdfff) return { plain: 0x30 + ((low - 0xdfce) % 10), width: 2 }
  }
  return { plain: standIn(code), width: 1 }
}

function escapeAt(text: string, at: number): { plain: number; width: number } {
  const next = text.charAt(at + 1)
  if (next === 'n' || next === 'r' || next === 't') return { plain: next === 't' ? 0x20 : 0x0a, width: 2 }
  if (next === 'u') {
    const digits = text.slice(at + 2, at + 6)
    if (/^[\dA-Fa-f]{4}$/.test(digits)) return { plain: standIn(Number.parseInt(digits, 16)), width: 6 }
  }
  return { plain: backslash, width: 1 }
}
