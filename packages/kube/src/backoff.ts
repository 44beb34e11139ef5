/** How long to wait before the next try: doubling from a base to a ceiling, with jitter so that many do not come at once. */

export interface Backoff {
  /** The wait before the next try. */
  next(): number
  reset(): void
}

export interface BackoffOptions {
  readonly baseMs: number
  readonly maxMs: number
  /** A number in [0, 1). */
  readonly random: () => number
}

/** Waits of `base · 2ⁿ` up to the ceiling, each shortened by up to a half at random. */
export function createBackoff({ baseMs, maxMs, random }: BackoffOptions): Backoff {
  let tries = 0
  return {
    next: () => {
      const full = Math.min(maxMs, baseMs * 2 ** Math.min(tries, 30))
      tries += 1
      return full * (1 - random() / 2)
    },
    reset: () => {
      tries = 0
    },
  }
}
