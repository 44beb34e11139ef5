/** What goes to a thread and what comes back: matches as columns, which move to the other thread without being copied. */
import { type PiiEntity, type PiiMatch, piiEntityNames } from '../entities.ts'

export interface PiiQuestion {
  readonly id: number
  readonly text: string
  readonly entities: readonly PiiEntity[] | undefined
}

/** Id 0 says that the thread is ready. */
export interface PiiAnswer {
  readonly id: number
  /** Places in {@link piiEntityNames}. */
  readonly entities: Uint8Array<ArrayBuffer>
  /** Start and end of each match in turn. */
  readonly offsets: Uint32Array<ArrayBuffer>
  readonly scores: Float64Array<ArrayBuffer>
}

export function answerOf(id: number, matches: readonly PiiMatch[]): PiiAnswer {
  const answer: PiiAnswer = {
    id,
    entities: new Uint8Array(matches.length),
    offsets: new Uint32Array(matches.length * 2),
    scores: new Float64Array(matches.length),
  }
  for (const [index, { entity, start, end, score }] of matches.entries()) {
    answer.entities[index] = piiEntityNames.indexOf(entity)
    answer.offsets[index * 2] = start
    answer.offsets[index * 2 + 1] = end
    answer.scores[index] = score
  }
  return answer
}

/** @throws TypeError when the answer is none of {@link answerOf} */
export function matchesOf({ entities, offsets, scores }: PiiAnswer): PiiMatch[] {
  return Array.from(entities, (place, index) => {
    const entity = piiEntityNames[place]
    if (entity === undefined) throw new TypeError(`there is no kind of personal data in place ${place}`)
    return { entity, start: offsets[index * 2] ?? 0, end: offsets[index * 2 + 1] ?? 0, score: scores[index] ?? 0 }
  })
}
