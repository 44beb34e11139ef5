/**
 * Personal data in what a model reads and writes, by what policies say of this attempt.
 *
 * Input: `Block` fails the attempt, `Redact` leaves a placeholder; admission has done the same, but under the policies of its time. Output:
 * there is nobody left to refuse, so that both leave a placeholder, in the stream as in the result. Nothing here ever tells a value:
 * a kind and a number is all.
 */
import { type PersonalDataActions, type PiiEntityName, piiEntities } from '@mnemos/api'
import type { InferenceResult, InferenceWork } from '@mnemos/contract'
import { createPiiRedactor, redactPii } from '@mnemos/pii'
import { WorkFailure } from '../failure.ts'

/** How often each kind of personal data was found. */
export type Found = Readonly<Partial<Record<PiiEntityName, number>>>

/** The work with its input as the model may read it. @throws WorkFailure BadInput for what is to be blocked */
export function cleanInput(work: InferenceWork): InferenceWork {
  const { personalData, prompt, messages } = work
  if (personalData === undefined) return work
  return {
    ...work,
    ...(prompt === undefined ? {} : { prompt: clean(prompt, personalData, 'spec.inference.prompt') }),
    ...(messages === undefined
      ? {}
      : {
          messages: messages.map((message, index) => ({
            ...message,
            content: clean(message.content, personalData, `spec.inference.messages[${index}].content`),
          })),
        }),
  }
}

function clean(text: string, actions: PersonalDataActions, field: string): string {
  const { text: redacted, matches } = redactPii(text, actions)
  const blocked = piiEntities.filter((entity) => actions[entity] === 'Block' && matches.some((match) => match.entity === entity))
  if (blocked.length === 0) return redacted
  throw new WorkFailure({
    class: 'BadInput',
    reason: 'PersonalData',
    message: `${field} holds personal data (${blocked.join(', ')}) that a policy blocks.`,
    hint: 'Submit the Job anew without it, or with a placeholder; the policies of its namespace say what is blocked.',
  })
}

/** What may leave of an answer while it appears, and of the whole. */
export interface OutputFilter {
  /** @returns what may be told now, often less than the token */
  push(token: string): string
  /** @returns the rest */
  end(): string
  /** The answer as it may be stored, and what was taken out of it. */
  whole(answer: InferenceResult): { readonly answer: InferenceResult; readonly found: Found }
}

/** Undefined when policies say nothing: then every token goes out as it comes. */
export function openOutputFilter(personalData: PersonalDataActions | undefined): OutputFilter | undefined {
  const entities = piiEntities.filter((entity) => personalData?.[entity] !== undefined)
  if (entities.length === 0) return undefined
  const actions = Object.fromEntries(entities.map((entity) => [entity, 'Redact' as const]))
  const stream = createPiiRedactor(actions)
  return {
    push: (token) => stream.push(token),
    end: () => stream.end(),
    whole: (answer) => {
      const { text, matches } = redactPii(answer.text, actions)
      const found: Partial<Record<PiiEntityName, number>> = {}
      for (const { entity } of matches) found[entity] = (found[entity] ?? 0) + 1
      return { answer: { ...answer, text }, found }
    },
  }
}
