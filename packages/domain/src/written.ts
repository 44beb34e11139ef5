/**
 * The effect of a plan that writes derived status: whoever carries it out takes down the time, so that what changes with
 * every Job is written to one object at most every few seconds.
 */
export interface Written {
  readonly type: 'written'
  /** UID of the object. */
  readonly uid: string
}
