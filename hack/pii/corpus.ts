/** The labelled corpus of personal data (packages/pii/corpus) and how well the finder does on it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findPii, type PiiEntity, piiEntityNames } from '@mnemos/pii'

/** One case: a text and where in it stands personal data of one kind; nowhere in a near miss. */
export interface Case {
  readonly entity: PiiEntity
  readonly text: string
  readonly spans: readonly (readonly [start: number, end: number])[]
}

export const halves = ['tuning', 'held-out'] as const
export type Half = (typeof halves)[number]

export const pathOf = (half: Half): string => join(import.meta.dirname, '../../packages/pii/corpus', `${half}.jsonl`)

/** The cases of one half. */
export function casesOf(half: Half): readonly Case[] {
  const lines = readFileSync(pathOf(half), 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line) as Case) // our own file
}

export interface Score {
  readonly entity: PiiEntity
  readonly cases: number
  readonly nearMisses: number
  readonly recall: number
  readonly precision: number
}

/** Addresses have no sharp end; all other kinds must be found from their first unit to their last. */
function isHit(
  entity: PiiEntity,
  [start, end]: readonly [number, number],
  found: { readonly start: number; readonly end: number },
): boolean {
  if (entity !== 'PostalAddress') return start === found.start && end === found.end
  const shared = Math.min(end, found.end) - Math.max(start, found.start)
  return shared / (Math.max(end, found.end) - Math.min(start, found.start)) >= 0.5
}

export interface Verdict {
  readonly hits: number
  readonly missed: readonly (readonly [number, number])[]
  readonly wrong: readonly { readonly start: number; readonly end: number }[]
}

/** What the finder gets right and wrong in one case. */
export function judge({ entity, text, spans }: Case): Verdict {
  const found = findPii(text, [entity])
  const missed = spans.filter((span) => !found.some((match) => isHit(entity, span, match)))
  const wrong = found.filter((match) => !spans.some((span) => isHit(entity, span, match)))
  return { hits: spans.length - missed.length, missed, wrong }
}

/** Recall and precision of each kind on one half. */
export function scoresOf(half: Half): readonly Score[] {
  const cases = casesOf(half)
  return piiEntityNames.map((entity) => {
    const own = cases.filter((each) => each.entity === entity)
    const verdicts = own.map(judge)
    const hits = verdicts.reduce((sum, verdict) => sum + verdict.hits, 0)
    const missed = verdicts.reduce((sum, verdict) => sum + verdict.missed.length, 0)
    const wrong = verdicts.reduce((sum, verdict) => sum + verdict.wrong.length, 0)
    return {
      entity,
      cases: own.length,
      nearMisses: own.filter(({ spans }) => spans.length === 0).length,
      recall: hits / (hits + missed),
      precision: hits / (hits + wrong),
    }
  })
}
