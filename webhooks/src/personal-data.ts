/**
 * The search for personal data as reviews use it: short texts at once, long ones in a thread before the review asks.
 *
 * What a thread found is kept for its review only, by the text itself.
 */
import { type PiiEntityName, policedKinds } from '@mnemos/api'
import { type PolicyWorld, type ReviewRequest, textsOf } from '@mnemos/domain'
import { findPii, openPiiThreads, type PiiMatch, redactPii } from '@mnemos/pii'

export interface PersonalData extends Pick<PolicyWorld, 'findPii' | 'redactPii'> {
  /** Reads the long texts of an object ahead; nothing to wait for when there are none. @throws PiiUnavailable */
  read(request: ReviewRequest): Promise<Forget> | undefined
  /** Starts the thread before the first long text needs it. */
  warm(): Promise<void>
  close(): Promise<void>
}

type Forget = () => void

/** Several policies ask of the same texts, in both stages: so many of the last texts are kept with what was found. */
const maxRecent = 64

/** Texts of an object that are read at once, in UTF-16 units in all: about two milliseconds of work. */
const maxInlineUnits = 32_768

/** @param deadlineMs longest search for one object */
export function openPersonalData(deadlineMs: number): PersonalData {
  const pool = openPiiThreads({ deadlineMs })
  const known = new Map<string, readonly PiiMatch[]>()
  const recent = new Map<string, readonly PiiMatch[]>()
  const found = (text: string): readonly PiiMatch[] => {
    const before = known.get(text) ?? recent.get(text)
    if (before !== undefined) return before
    if (recent.size >= maxRecent) recent.clear()
    const matches = findPii(text)
    recent.set(text, matches)
    return matches
  }
  return {
    findPii: (text, entities) => found(text).filter(({ entity }) => entities.includes(entity)),
    redactPii: (text, entities) => redactPii(text, redactAll(entities)).text,
    read: ({ kind, object }) => {
      const policed = policedKinds.find((each) => each === kind)
      const texts = policed === undefined ? [] : textsOf(policed, object?.spec).map(({ text }) => text)
      if (texts.reduce((sum, text) => sum + text.length, 0) <= maxInlineUnits) return undefined
      return Promise.all(texts.map(async (text) => known.set(text, await pool.find(text)))).then(() => () => {
        for (const text of texts) known.delete(text)
      })
    },
    warm: () => pool.warm(),
    close: () => pool.close(),
  }
}

function redactAll(entities: readonly PiiEntityName[]): Partial<Record<PiiEntityName, 'Redact'>> {
  return Object.fromEntries(entities.map((entity) => [entity, 'Redact' as const]))
}
