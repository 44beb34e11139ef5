/**
 * Inputs of Jobs that have just come, for as long as it takes to hand them to a worker: caches hold no inputs, and this saves
 * reading the Job once more. An input cannot change after creation (the API server refuses it), so one that is kept is the
 * stored one. Bounded in bytes; whatever does not fit is read live.
 */
import type { Inference, Job } from '@mnemos/api'

export type Input = Pick<Inference, 'prompt' | 'messages'>

export class Inputs {
  readonly #maxBytes: number
  readonly #kept = new Map<string, { readonly input: Input; readonly bytes: number }>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Keeps the input of a Job that waits for its first attempt; forgets that of any other. */
  see({ metadata: { uid = '' }, spec, status }: Job): void {
    if ((status?.attempt ?? 0) > 0 || spec.inference === undefined || spec.suspend || spec.cancel) {
      this.take(uid)
      return
    }
    if (this.#kept.has(uid)) return
    const { prompt, messages } = spec.inference
    const bytes = (prompt?.length ?? 0) + (messages ?? []).reduce((sum, { content }) => sum + content.length, 0)
    if (this.#bytes + bytes > this.#maxBytes) return
    this.#kept.set(uid, { input: { ...(prompt === undefined ? {} : { prompt }), ...(messages === undefined ? {} : { messages }) }, bytes })
    this.#bytes += bytes
  }

  /** The input, if it was kept; it is not kept any longer. */
  take(uid: string): Input | undefined {
    const found = this.#kept.get(uid)
    if (found === undefined) return undefined
    this.#kept.delete(uid)
    this.#bytes -= found.bytes
    return found.input
  }
}
