/**
 * Redacts a text that comes in chunks, as a model writes it: what is sure is given out at once, what may still become personal data is
 * held back.
 *
 * Held are the last word, names and numbers at the end that could go on with the word before them, and finds that could grow: nothing
 * of ordinary prose but the last word. Never more than `maxHeld` units are held; whatever is longer is given out redacted as it stands.
 */
import { piiEntityNames } from './entities.ts'
import { findPii } from './find.ts'
import { type PiiActions, placeholderOf } from './redact.ts'

export interface PiiRedactor {
  /** Takes a chunk. @returns what may be given out now; often less, sometimes more than the chunk */
  push(chunk: string): string
  /** @returns the rest; the redactor begins anew */
  end(): string
}

/** Most units that are held back. */
const maxHeld = 512
/** Units before what is held that the finder sees: words that introduce a number. */
const reach = 128
/** A number holds what comes after it this long: an address or a passport's word may follow. */
const numberReach = 72

/** @param actions as of {@link redactPii}; only `Redact` changes the text */
export function createPiiRedactor(actions: PiiActions): PiiRedactor {
  const entities = piiEntityNames.filter((entity) => (actions[entity] ?? 'Allow') !== 'Allow')
  /** Text as it was given: the last units given out, then what is held. */
  let text = ''
  let given = 0

  const giveOut = (upTo: number): string => {
    let cut = upTo
    let result = ''
    let from = given
    for (const { entity, start, end } of findPii(text, entities)) {
      if (start < from) continue
      if (start >= cut) break
      // A find that reaches over the cut goes out with it, or stays whole.
      if (end > cut) cut = text.length - start > maxHeld ? end : start
      if (start >= cut) break
      result += text.slice(from, start) + (actions[entity] === 'Redact' ? placeholderOf(entity) : text.slice(start, end))
      from = end
    }
    if (cut > from) result += text.slice(from, cut)
    given = Math.max(cut, from)
    const keep = wordStart(text, Math.max(0, given - reach))
    text = text.slice(keep)
    given -= keep
    return result
  }

  return {
    push: (chunk) => {
      text += chunk
      const cut = Math.max(given, heldFrom(text, given))
      return cut > given ? giveOut(cut) : ''
    },
    end: () => {
      const rest = giveOut(text.length)
      text = ''
      given = 0
      return rest
    },
  }
}

/** Beginning of the next word, so that the finder never starts in the middle of a number. */
function wordStart(text: string, from: number): number {
  if (from === 0) return 0
  for (let at = from; at < text.length && at < from + 64; at += 1) if (text.charAt(at) === ' ' || text.charAt(at) === '\n') return at
  return from
}

/** Where what must be held begins. */
function heldFrom(text: string, from: number): number {
  const least = Math.max(from, text.length - maxHeld)
  let at = text.length
  let held = at
  let isOpen = true
  /** Whether the word behind is a name or a number: the word before one may be that of a street (`park`, `via`, `улица`). */
  let leads = false
  while (at > least) {
    const start = previousWord(text, at, least)
    const word = text.slice(start, at)
    const isNumeric = /\p{Nd}|[@+([:]/u.test(word)
    const isCapital = /^[^\p{L}]*[\p{Lu}\p{Lo}]/u.test(word)
    const isName = isCapital || word.trim().length <= 3
    const isNear = text.length - at <= numberReach
    // Names go with a number behind them; the last word may go on.
    if (at === text.length || (isNumeric && isNear) || (isOpen && isName)) {
      held = start
      isOpen = true
      leads = isCapital || isNumeric
    } else if (isOpen && leads) {
      held = start
      leads = false
    } else {
      isOpen = false
      if (!isNear) break
    }
    at = start
  }
  return held
}

/** Beginning of the word that ends at `end`, white space before it included. */
function previousWord(text: string, end: number, least: number): number {
  let at = end
  while (at > least && !isBlank(text, at - 1)) at -= 1
  while (at > least && isBlank(text, at - 1)) at -= 1
  return at
}

const isBlank = (text: string, at: number): boolean => text.charCodeAt(at) <= 0x20
