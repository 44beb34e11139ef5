/**
 * The port to rate limits: how much was done lately, counted once for everybody who may do it.
 *
 * A charge is provisional: it counts at once, and is forgotten after a minute unless somebody confirms that what it was for has
 * come to pass. Time is the store's own, so that any number of callers with clocks of their own count by one.
 */

/** Never more than `requests` in any window of this length, wherever it begins. */
export interface SlidingWindow {
  readonly algorithm: 'SlidingWindow'
  readonly requests: number
  readonly windowMs: number
}

/** `requests` per window on average, `burst` at once: a bucket of that size that is filled evenly. */
export interface TokenBucket {
  readonly algorithm: 'TokenBucket'
  readonly requests: number
  readonly windowMs: number
  readonly burst: number
}

export type RateLimit = SlidingWindow | TokenBucket

/** One request that is to count for one limit. */
export interface Charge {
  /** What counts together. The same key with another limit goes on with what was counted; with another algorithm it begins anew. */
  readonly key: string
  readonly limit: RateLimit
  /** Told of when it is full, and then not charged, but refuses nothing. */
  readonly isAdvisory?: boolean
}

/** A limit that has no room now. */
export interface FullLimit {
  /** Index of the charge. */
  readonly index: number
  /** When it has room again at the latest, provided that nobody else takes it, in ms from now. */
  readonly admitsInMs: number
}

export interface ChargeOutcome {
  /** False when a limit that is not advisory is full; then nothing was charged. */
  readonly isAdmitted: boolean
  /** Every limit that is full, in the order of the charges. */
  readonly full: readonly FullLimit[]
}

export interface RateLimits {
  /**
   * Charges all limits or none, in one step. The same id is charged once: what it has charged already is neither asked nor
   * charged again.
   * @param charges of distinct keys
   * @throws RateLimitsError; then it may have been charged or not, and asking again with the same id is harmless
   */
  charge(id: string, charges: readonly Charge[]): Promise<ChargeOutcome>
  /** What `charge` would answer to a new id, without charging. @throws RateLimitsError */
  peek(charges: readonly Charge[]): Promise<ChargeOutcome>
  /**
   * What these ids were charged for has come to pass. A confirmation that comes late takes back that the charge was forgotten, for
   * ten minutes. Returns the ids that were waiting for it.
   * @throws RateLimitsError
   */
  confirm(ids: readonly string[]): Promise<readonly string[]>
  /** Ids, oldest first and at most 1000, that were charged longer ago than this and still wait. @throws RateLimitsError */
  unconfirmed(olderThanMs: number): Promise<readonly string[]>
  /** Returns when the store answers. @throws RateLimitsError */
  check(): Promise<void>
  close(): Promise<void>
}

/** Times of every adapter. */
export interface RateLimitsTiming {
  /** How long a charge counts without confirmation, in ms. Default 60,000. */
  readonly provisionalMs?: number
  /** How long it can still be confirmed, in ms. Default 600,000. */
  readonly lateMs?: number
  /** Tells the time in ms instead of the store's own clock, for tests. */
  readonly now?: () => number
}

export const defaultRateTiming = { provisionalMs: 60_000, lateMs: 600_000 } as const

/** Most ids that `unconfirmed` answers. */
export const maxUnconfirmed = 1000

/** How many entries are looked at to tell when a limit that was lowered has room again; beyond it, a whole window is told. */
export const maxCounted = 1000

/** `Unavailable` heals by itself or by who runs the store, `Denied` by other credentials, `NoSpace` by memory or time. */
export type RateLimitsErrorCode = 'Unavailable' | 'Denied' | 'NoSpace'

/** The store could not count. */
export class RateLimitsError extends Error {
  override readonly name = 'RateLimitsError'
  readonly code: RateLimitsErrorCode

  constructor(code: RateLimitsErrorCode, message: string, options?: { cause: unknown }) {
    super(message, options)
    this.code = code
  }
}
