/**
 * How fast the line moves: starts a second over the last half minute to minute.
 *
 * Two counters, of the running window and of the one before, stand for a sliding one.
 */
const windowMs = 30_000

export class StartRate {
  #since = -Infinity
  #now = 0
  #before = 0

  /** @param at milliseconds of a clock that never jumps */
  started(at: number): void {
    this.#turn(at)
    this.#now += 1
  }

  /** 0 when nothing has started for a minute. */
  perSecond(at: number): number {
    this.#turn(at)
    const elapsedMs = at - this.#since
    return (this.#before + this.#now) / ((windowMs + elapsedMs) / 1000)
  }

  #turn(at: number): void {
    const windows = Math.floor((at - this.#since) / windowMs)
    if (windows < 1) return
    this.#before = windows === 1 ? this.#now : 0
    this.#now = 0
    this.#since = windows === Infinity ? at : this.#since + windows * windowMs
  }
}
