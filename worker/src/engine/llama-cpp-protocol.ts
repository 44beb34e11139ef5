/**
 * What the llama.cpp engine and its child process say to each other over the IPC channel. The child is ours, but it may be
 * killed mid-message, so what it says is parsed.
 */
import { failureClasses } from '@mnemos/api'
import type { ChatMessage, GenerationParameters } from '@mnemos/contract'
import { z } from 'zod'

export interface LoadSettings {
  /** Most tokens that the model sees at once. */
  readonly contextSize: number
  /** Answers made at the same time. */
  readonly sequences: number
  /** Models kept in memory; idle ones beyond that are unloaded. */
  readonly maxLoaded: number
  readonly threads: number
}

export type ToChild =
  | { readonly type: 'load'; readonly id: number; readonly digest: string; readonly path: string; readonly settings: LoadSettings }
  | {
      readonly type: 'generate'
      readonly id: number
      readonly digest: string
      readonly prompt?: string | undefined
      readonly messages?: readonly ChatMessage[] | undefined
      readonly parameters: GenerationParameters
    }
  | { readonly type: 'abort'; readonly id: number }

const id = z.int()

export const fromChild = z.discriminatedUnion('type', [
  z.object({ type: z.literal('progress'), id, share: z.number() }),
  z.object({ type: z.literal('loaded'), id, models: z.array(z.string()) }),
  z.object({ type: z.literal('token'), id, text: z.string() }),
  z.object({
    type: z.literal('done'),
    id,
    text: z.string(),
    finishReason: z.enum(['stop', 'length']),
    usage: z.object({ promptTokens: z.int(), completionTokens: z.int(), durationMs: z.number() }),
  }),
  z.object({ type: z.literal('aborted'), id }),
  z.object({
    type: z.literal('failed'),
    id,
    class: z.enum(failureClasses),
    reason: z.string(),
    message: z.string(),
    hint: z.string().optional(),
  }),
])

export type FromChild = z.output<typeof fromChild>
