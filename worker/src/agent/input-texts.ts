/**
 * The texts that an inference is given by reference: brought from the store, and put where prompt and messages name them.
 *
 * Guarantees: what is put in is not looked at again, so that a text that holds `$(inputs.x)` brings nothing else in; each text is
 * checked by the SHA-256 of the store and bounded before it is read. Messages name the text, never what it says.
 */
import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { inputReference } from '@mnemos/api'
import { type InferenceWork, type InputText, inferenceResult } from '@mnemos/contract'
import { WorkFailure } from '../failure.ts'
import { retrying, Transient } from '../storage/retry.ts'
import type { AttemptContext } from './attempt.ts'

/** Of one text, and of all, in bytes: more than any context of today holds. */
const maxTextBytes = 1024 * 1024
const maxAllBytes = 4 * maxTextBytes

/** The work with its texts in place. @throws WorkFailure BadInput for what is not there or no text, StorageUnavailable after too long */
export async function withInputTexts(work: InferenceWork, context: AttemptContext): Promise<InferenceWork> {
  const { inputs, prompt, messages } = work
  if (inputs === undefined) return work
  const texts = new Map<string, string>()
  for (const input of inputs) {
    context.report({ message: `Bringing text ${input.name}` })
    texts.set(input.name, await bring(input, context))
  }
  const bytes = [...texts.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  if (bytes > maxAllBytes) throw badInput(`The texts have ${bytes} bytes together, and at most ${maxAllBytes} may be put in`)
  return {
    ...work,
    ...(prompt === undefined ? {} : { prompt: filled(prompt, texts) }),
    ...(messages === undefined ? {} : { messages: messages.map((message) => ({ ...message, content: filled(message.content, texts) })) }),
  }
}

/** Each `$(inputs.<name>)` replaced, and `$$(` made a plain `$(`. @throws WorkFailure for a name that is not there */
export function filled(text: string, texts: ReadonlyMap<string, string>): string {
  return text.replace(inputReference, (_all, escaped: string | undefined, name: string | undefined) => {
    if (escaped !== undefined) return escaped
    const found = texts.get(name ?? '')
    if (found === undefined) throw badInput(`There is no text for $(inputs.${name ?? ''})`)
    return found
  })
}

async function bring(input: InputText, { session, retrying: timing }: AttemptContext): Promise<string> {
  const { name, key, part } = input
  const bytes = await retrying(async () => {
    const about = await session.head(key, timing.signal)
    if (about === undefined) throw notThere(input)
    if (about.sizeBytes > maxTextBytes)
      throw badInput(`Text ${name} has ${about.sizeBytes} bytes, and at most ${maxTextBytes} may be put in`)
    const { body } = await session.get(key, { offset: 0, signal: timing.signal })
    const read = await buffer(body).catch((error: unknown) => {
      timing.signal.throwIfAborted()
      throw new Transient(`GET ${key} broke off`, { cause: error })
    })
    const sha256 = createHash('sha256').update(read).digest('hex')
    if (about.sha256 !== undefined && about.sha256 !== sha256) throw new Transient(`GET ${key} brought other bytes than the store has`)
    return read
  }, timing).catch((error: unknown) => {
    // Deleted since: the words of the session for a missing object are those for a Model's.
    if (error instanceof WorkFailure && error.reason === 'ArtifactMissing') throw notThere(input)
    throw error instanceof Transient ? notBrought(name, error) : error
  })
  return part === 'text' ? textOfResult(name, bytes) : decoded(name, bytes)
}

function notThere({ name, key }: InputText): WorkFailure {
  return badInput(`Text ${name} (artifact://${key}) is not in the artifact store`)
}

function decoded(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw badInput(`Text ${name} is no UTF-8`)
  }
}

function textOfResult(name: string, bytes: Uint8Array): string {
  try {
    return inferenceResult.parse(JSON.parse(decoded(name, bytes))).text
  } catch {
    throw badInput(`Text ${name} is no result of an inference`)
  }
}

function badInput(what: string): WorkFailure {
  const hint = 'Correct spec.inference.inputs in a new Job.'
  return new WorkFailure({ class: 'BadInput', reason: 'InputMissing', message: `${what}.`, hint })
}

function notBrought(name: string, cause: Transient): WorkFailure {
  return new WorkFailure({
    class: 'StorageUnavailable',
    reason: 'DownloadFailed',
    message: `Text ${name} could not be brought: ${cause.message}.`,
    hint: 'The attempt is repeated; check that the server is up and reachable from the worker.',
    cause,
  })
}
