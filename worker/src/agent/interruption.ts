/** Why an attempt is stopped from outside: the reasons that its AbortSignal may carry. */

/** Cancel arrived: the attempt ends with Result{cancelled}. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled'
}

/** The worker gives the attempt back: Released, no result. */
export class HandedBack extends Error {
  override readonly name = 'HandedBack'
}

/** The run time is over: a Failure of class DeadlineExceeded. */
export class RanOut extends Error {
  override readonly name = 'RanOut'
  readonly afterMs: number

  constructor(afterMs: number) {
    super(`the attempt ran longer than ${afterMs} ms`)
    this.afterMs = afterMs
  }
}

/** A newer attempt of the same Job arrived here: this one ends without a word. */
export class Superseded extends Error {
  override readonly name = 'Superseded'
}
