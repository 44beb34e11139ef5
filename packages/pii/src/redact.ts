/** Takes personal data out of a text: each find becomes `[Email]`, `[Phone]` and so on. */
import { type PiiEntity, type PiiMatch, piiEntityNames } from './entities.ts'
import { findPii } from './find.ts'

/** What happens to finds of one kind; the names are those of a Policy's `pii` rule. Only `Redact` changes a text. */
export type PiiAction = 'Allow' | 'Warn' | 'Redact' | 'Block'

/** Actions by kind; a kind that is not named is left as it is. */
export type PiiActions = Readonly<Partial<Record<PiiEntity, PiiAction>>>

export interface Redacted {
  readonly text: string
  /** Every find of a kind whose action is not `Allow`, with offsets in the text as it was given. */
  readonly matches: readonly PiiMatch[]
}

/** What stands for a find. It is never taken for personal data itself, nor for a word that introduces some. */
export const placeholderOf = (entity: PiiEntity): string => `[${entity}]`

/** What was cut may bring words and numbers nearer to each other; so many times at most the rest is read again. */
const maxPasses = 8

/** Replaces what is to be redacted. Doing it twice is doing it once. */
export function redactPii(text: string, actions: PiiActions): Redacted {
  const wanted = piiEntityNames.filter((entity) => (actions[entity] ?? 'Allow') !== 'Allow')
  const first = findPii(text, wanted)
  const cuts = first.filter(({ entity }) => actions[entity] === 'Redact')
  let known = cuts
  let redacted = replaced(text, known)
  const others = first.filter(({ entity }) => actions[entity] !== 'Redact')
  for (let pass = 1; pass < maxPasses && known.length > 0; pass += 1) {
    const more = findPii(redacted, wanted).filter(({ entity }) => actions[entity] === 'Redact')
    if (more.length === 0) break
    known = [...known, ...more.map((match) => inOriginal(match, known))].sort((a, b) => a.start - b.start)
    redacted = replaced(text, known)
  }
  const matches = [...known, ...others.filter((other) => !known.some((cut) => cut.start < other.end && other.start < cut.end))]
  return { text: redacted, matches: matches.sort((a, b) => a.start - b.start) }
}

/** The text with each match replaced; matches are in order and do not overlap. */
export function replaced(text: string, matches: readonly PiiMatch[]): string {
  let result = ''
  let from = 0
  for (const { entity, start, end } of matches) {
    result += text.slice(from, start) + placeholderOf(entity)
    from = end
  }
  return from === 0 ? text : result + text.slice(from)
}

/** A match of the redacted text in offsets of the given one; finds never reach over a placeholder. */
function inOriginal(match: PiiMatch, cuts: readonly PiiMatch[]): PiiMatch {
  let shift = 0
  for (const { entity, start, end } of cuts) {
    if (start + shift >= match.start) break
    shift += placeholderOf(entity).length - (end - start)
  }
  return { ...match, start: match.start - shift, end: match.end - shift }
}
