/**
 * The port that every engine fills: load verified bytes, answer, stop when told.
 *
 * Guarantees asked of an adapter (conformance.ts checks them): `load` of a loaded model is free; tokens arrive in order and
 * joined are the text; after an abort at most one more token is made and none is told; a crash of the engine rejects what
 * ran with class EngineCrashed and the next `load` works again. An engine knows nothing of jobs, attempts or servers.
 */
import type { ChatMessage, GenerationParameters } from '@mnemos/contract'

export interface EngineModel {
  /** sha256:<64 hex digits>; the model's identity. */
  readonly digest: string
  /** Verified file on local disk. */
  readonly path: string
  /** Settings of the engine, as it names them; unknown ones are refused with class BadInput. */
  readonly parameters?: Readonly<Record<string, string>> | undefined
}

export interface GenerateRequest {
  /** Digest of a loaded model. */
  readonly model: string
  /** Exactly one of prompt and messages. */
  readonly prompt?: string | undefined
  readonly messages?: readonly ChatMessage[] | undefined
  readonly parameters: GenerationParameters
}

export interface Generated {
  readonly text: string
  readonly finishReason: 'stop' | 'length'
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number; readonly durationMs: number }
}

export interface Engine {
  /** The name that Models ask for, e.g. `llama-cpp`. */
  readonly name: string
  /** Whether `load` reads the file; an engine that does not is given none, and nothing is downloaded for it. */
  readonly needsFile: boolean
  /**
   * Makes a model ready to answer. Other models may be unloaded for it when idle.
   * @param onProgress share loaded, 0 to 1
   * @throws WorkFailure (ModelUnavailable, OutOfMemory, BadInput, EngineCrashed), or the signal's reason
   */
  load(model: EngineModel, options: { onProgress?: (share: number) => void; signal: AbortSignal }): Promise<void>
  /**
   * Answers. `onToken` gets each piece of text as it appears, synchronously and in order.
   * @throws WorkFailure (BadInput, EngineCrashed, …), or the signal's reason once nothing runs any more
   */
  generate(request: GenerateRequest, options: { onToken: (text: string) => void; signal: AbortSignal }): Promise<Generated>
  /** Digests of the models in memory. */
  models(): readonly string[]
  /** Ends the engine; what runs is rejected. */
  close(): Promise<void>
}
