/** Keeps derived status to one write per object in a time. What is lost with the process costs one early write. */
import type { Written } from '@mnemos/domain'

const maxRemembered = 20_000

export class Pace {
  readonly #everyMs: number
  readonly #monotonic: () => number
  readonly #writtenAt = new Map<string, number>()

  constructor(everyMs: number, monotonic: () => number) {
    this.#everyMs = everyMs
    this.#monotonic = monotonic
  }

  /** Milliseconds until the object may be written again. */
  dueInMs(uid: string | undefined): number {
    const writtenAt = this.#writtenAt.get(uid ?? '')
    return writtenAt === undefined ? 0 : Math.max(0, writtenAt + this.#everyMs - this.#monotonic())
  }

  written({ uid }: Written): void {
    // Oldest first: the map keeps the order of writing.
    this.#writtenAt.delete(uid)
    this.#writtenAt.set(uid, this.#monotonic())
    const oldest = this.#writtenAt.keys().next()
    if (this.#writtenAt.size > maxRemembered && oldest.done !== true) this.#writtenAt.delete(oldest.value)
  }
}
