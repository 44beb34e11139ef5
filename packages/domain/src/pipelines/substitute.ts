/**
 * Puts values where references stand, in any JSON value.
 *
 * Guarantees: a value that was put in is never read again, so that a parameter which holds `$(steps.x.outputs.y)` brings nothing in; a
 * text that is one reference and nothing else becomes the value with its type; elsewhere texts stand as they are, and everything else as
 * JSON. Names of members are left alone: a reference in them would decide about the shape.
 */
import type { Path } from '@mnemos/api'
import { type Piece, piecesOf, type Reference } from './reference.ts'

/** A reference, and where it stands. */
export interface FoundReference {
  readonly path: Path
  readonly piece: Exclude<Piece, { readonly text: string }>
}

/** The value of a reference, or why there is none (yet). */
export type Resolved = { readonly value: unknown } | { readonly missing: string }

/** How a text that was put in is written where somebody reads references of their own after us. @param before what stands before it */
export type Quote = (text: string, before: string) => string

const asItIs: Quote = (text) => text

/** All references of a value, in the order of its texts. @param at where the value stands */
export function referencesIn(value: unknown, at: Path = []): readonly FoundReference[] {
  if (typeof value === 'string') return piecesOf(value).flatMap((piece) => ('text' in piece ? [] : [{ path: at, piece }]))
  if (Array.isArray(value)) return value.flatMap((item, index) => referencesIn(item, [...at, index]))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) => referencesIn(member, [...at, key]))
}

/** The value with every reference replaced, or the first one that has no value. */
export function substitute(value: unknown, resolve: (reference: Reference) => Resolved, quote = asItIs): Resolved {
  if (typeof value === 'string') return substituteText(value, resolve, quote)
  if (Array.isArray(value)) {
    const items: unknown[] = []
    for (const item of value) {
      const done = substitute(item, resolve, quote)
      if ('missing' in done) return done
      items.push(done.value)
    }
    return { value: items }
  }
  if (typeof value !== 'object' || value === null) return { value }
  const members: [string, unknown][] = []
  for (const [key, member] of Object.entries(value)) {
    const done = substitute(member, resolve, quote)
    if ('missing' in done) return done
    members.push([key, done.value])
  }
  return { value: Object.fromEntries(members) }
}

function substituteText(text: string, resolve: (reference: Reference) => Resolved, quote: Quote): Resolved {
  const pieces = piecesOf(text)
  const [only] = pieces
  if (only !== undefined && pieces.length === 1 && 'reference' in only) {
    const found = resolve(only.reference)
    return 'missing' in found ? found : { value: quotedWithin(found.value, quote) }
  }
  let result = ''
  for (const piece of pieces) {
    if ('text' in piece) {
      result += piece.text
      continue
    }
    const found: Resolved = 'mistake' in piece ? { missing: `${piece.written} ${piece.mistake}` } : resolve(piece.reference)
    if ('missing' in found) return found
    const quoted = typeof found.value === 'string' ? found.value : JSON.stringify(found.value)
    result += quote(quoted, result)
  }
  return { value: result }
}

/** The value with every text in it quoted, names of members included: an object becomes JSON. The same value where nothing is quoted. */
function quotedWithin(value: unknown, quote: Quote): unknown {
  if (quote === asItIs) return value
  if (typeof value === 'string') return quote(value, '')
  if (Array.isArray(value)) return value.map((item) => quotedWithin(item, quote))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [quote(key, ''), quotedWithin(member, quote)]))
}

/** A field of a value, by own members alone. */
export function fieldAt(value: unknown, field: readonly string[]): Resolved {
  let at = value
  for (const name of field) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return { missing: `has no field ${name}` }
    at = Reflect.get(at, name)
  }
  return { value: at }
}
