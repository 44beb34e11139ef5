/**
 * What an attempt is to do, as the JSON in `Assign.work`: everything a worker needs beside its token, and nothing that it
 * would have to look up, because a worker reads no Kubernetes objects.
 */
import { type Inference, type Model, type PersonalDataActions, personalDataActions, runtimeOf } from '@mnemos/api'
import { z } from 'zod'

const digest = z.string().regex(/^sha256:[a-f0-9]{64}$/)

/** The verified bytes of a model and how an engine is to load them. */
export const assignedModel = z.object({
  /** `<namespace>/<name>` of the Model, for people. */
  name: z.string().min(1).max(512),
  digest,
  /** Key in the artifact store. */
  artifact: z.string().min(1).max(512),
  sizeBytes: z.int().min(0),
  engine: z.string().min(1).max(64),
  /** Settings of the engine, as it names them. */
  parameters: z.record(z.string(), z.string()).optional(),
})

const generationParameters = z.object({
  maxTokens: z.int().min(1).max(131_072),
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().min(0).max(1).optional(),
  topK: z.int().min(0).max(1000).optional(),
  seed: z.int().min(0).optional(),
  stop: z.array(z.string().min(1).max(64)).max(8).optional(),
})

const chatMessage = z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })

/** A text in the artifact store that stands for `$(inputs.<name>)`. */
const inputText = z.object({
  name: z.string().min(1).max(63),
  /** Key in the artifact store. */
  key: z.string().min(1).max(1024),
  /** `text`: the object is the result of an inference, and its text is meant. */
  part: z.enum(['text']).optional(),
})

const inferenceWork = z.object({
  type: z.literal('inference'),
  model: assignedModel,
  prompt: z.string().optional(),
  messages: z.array(chatMessage).max(64).optional(),
  /** Undefined when the Job has none, and `$(…)` means nothing. */
  inputs: z.array(inputText).max(16).optional(),
  parameters: generationParameters,
  /** What policies say about personal data in the input as it is read, and in the answer. */
  personalData: personalDataActions.optional(),
})

const maintenanceWork = z.object({
  type: z.literal('maintenance'),
  task: z.literal('ImportModel'),
  parameters: z.object({
    uri: z.string().min(1).max(2048),
    digest: digest.optional(),
    /** The object of the artifact store that the URI stands for: it is read instead. */
    key: z.string().min(1).max(1024).optional(),
  }),
})

/** The JSON of `Assign.work`. Exactly one of `prompt` and `messages` is given for an inference. */
export const assignmentWork = z.discriminatedUnion('type', [inferenceWork, maintenanceWork])

export type AssignmentWork = z.output<typeof assignmentWork>
export type InferenceWork = z.output<typeof inferenceWork>
export type MaintenanceWork = z.output<typeof maintenanceWork>
export type AssignedModel = z.output<typeof assignedModel>
export type GenerationParameters = z.output<typeof generationParameters>
export type InputText = z.output<typeof inputText>
export type ChatMessage = z.output<typeof chatMessage>

/** What an inference is given beside its Model. */
export interface InferenceParts {
  /** Where its texts are; undefined: it has none. */
  readonly inputs?: readonly InputText[] | undefined
  /** What policies say; undefined: nothing. */
  readonly personalData?: PersonalDataActions | undefined
}

/** What an inference is to do; undefined while the bytes of its Model are not verified. */
export function inferenceWorkOf(
  { prompt, messages, parameters }: Pick<Inference, 'prompt' | 'messages' | 'parameters'>,
  model: Model | undefined,
  { inputs, personalData }: InferenceParts,
): InferenceWork | undefined {
  const assigned = model === undefined ? undefined : assignedModelOf(model)
  if (assigned === undefined) return undefined
  return {
    type: 'inference',
    model: assigned,
    ...(prompt === undefined ? {} : { prompt }),
    ...(messages === undefined ? {} : { messages }),
    ...(inputs === undefined ? {} : { inputs: [...inputs] }),
    parameters,
    ...(personalData === undefined ? {} : { personalData }),
  }
}

/** A Model as workers are told of it; undefined while its bytes are not verified. */
export function assignedModelOf(model: Model): AssignedModel | undefined {
  const { metadata, status } = model
  const { digest, artifact, sizeBytes = 0 } = status ?? {}
  if (digest === undefined || artifact === undefined) return undefined
  const { engine, parameters } = runtimeOf(model)
  const name = `${metadata.namespace ?? ''}/${metadata.name}`
  return { name, digest, artifact, sizeBytes, engine, ...(parameters === undefined ? {} : { parameters }) }
}

/** Encodes work for `Assign.work`: UTF-8 JSON. */
export const encodeWork = (work: AssignmentWork): Uint8Array => new TextEncoder().encode(JSON.stringify(work))

/**
 * Decodes `Assign.work`.
 * @throws Error that names the fields that are wrong and repeats none of the input: a prompt may be in it
 */
export function decodeWork(bytes: Uint8Array): AssignmentWork {
  const parsed = assignmentWork.safeParse(parseJson(bytes))
  if (parsed.success) return parsed.data
  const fields = parsed.error.issues.map(({ path, code }) => `${path.join('.') || 'the assignment'} (${code})`)
  throw new Error(`the assignment cannot be read: ${fields.join(', ')}`)
}

/** Encodes one of `Preload.models`: UTF-8 JSON. */
export const encodeModel = (model: AssignedModel): Uint8Array => new TextEncoder().encode(JSON.stringify(model))

/** Decodes one of `Preload.models`. @throws Error when it is none: worker and operator are of different versions */
export function decodeModel(bytes: Uint8Array): AssignedModel {
  const parsed = assignedModel.safeParse(parseJson(bytes))
  if (parsed.success) return parsed.data
  throw new Error(`the model cannot be read: ${parsed.error.issues.map(({ path }) => path.join('.')).join(', ')}`)
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    // The parser's own message quotes the input.
    throw new Error('the assignment cannot be read: it is no JSON in UTF-8')
  }
}

/** The stored object of an inference, as JSON; see `resultKey`. */
export const inferenceResult = z.object({
  text: z.string(),
  finishReason: z.enum(['stop', 'length']),
  usage: z.object({ promptTokens: z.int(), completionTokens: z.int(), durationMs: z.number() }),
})
export type InferenceResult = z.output<typeof inferenceResult>

/** Key of the result of an attempt: no other attempt writes there. */
export const resultKey = (ref: { namespace: string; jobUid: string; attempt: number }): string =>
  `outputs/${ref.namespace}/${ref.jobUid}/a${ref.attempt}/result.json`

/** Key of model bytes. @param digest sha256:<64 hex digits> */
export const modelKey = (digest: string): string => `models/sha256/${digest.replace(/^sha256:/, '')}`

/** The scheme of `Success.uri` and of `status.result.uri`. */
export const artifactUri = (key: string): string => `artifact://${key}`
