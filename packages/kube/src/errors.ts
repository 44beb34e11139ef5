/** The one error of this package, with what the API server said and whether trying again can help. */

export interface StatusCause {
  readonly reason?: string
  readonly message?: string
  readonly field?: string
}

export interface StatusDetails {
  readonly name?: string
  readonly group?: string
  readonly kind?: string
  readonly retryAfterSeconds?: number
  readonly causes?: readonly StatusCause[]
}

export interface KubeErrorFacts {
  /** HTTP status; 0 when no answer came. */
  readonly status: number
  readonly reason: string
  readonly details?: StatusDetails
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

/** A request that failed: refused by the API server, cut on the way, or held back by the fence. */
export class KubeError extends Error {
  override readonly name = 'KubeError'
  readonly status: number
  readonly reason: string
  readonly details: StatusDetails | undefined
  readonly retryAfterMs: number | undefined
  /** `never`: the request is wrong. `after`: wait `retryAfterMs`. `backoff`: it may work later. */
  readonly retry: 'never' | 'after' | 'backoff'

  constructor(message: string, facts: KubeErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.status = facts.status
    this.reason = facts.reason
    this.details = facts.details
    this.retryAfterMs = facts.retryAfterMs
    this.retry = facts.retryAfterMs !== undefined ? 'after' : isPermanent(facts.status) ? 'never' : 'backoff'
  }
}

function isPermanent(status: number): boolean {
  return status >= 400 && status < 500 && status !== 404 && status !== 409 && status !== 429
}

/** Narrows to a KubeError of this HTTP status. */
export function hasStatus(error: unknown, status: number): error is KubeError {
  return error instanceof KubeError && error.status === status
}

export const isNotFound = (error: unknown): boolean => hasStatus(error, 404)
/** The object changed since it was read, or the name is taken: see also `isAlreadyExists`. */
export const isConflict = (error: unknown): boolean => hasStatus(error, 409) && !isAlreadyExists(error) && error.reason !== 'NotOurs'
export const isAlreadyExists = (error: unknown): boolean => hasStatus(error, 409) && error.reason === 'AlreadyExists'
/** The resource version asked for is no longer kept: list again. */
export const isExpired = (error: unknown): boolean => hasStatus(error, 410)
/** Too little of the lease is left to write. */
export const isFenceClosed = (error: unknown): boolean => error instanceof KubeError && error.reason === 'FenceClosed'
/** What an API server answers when it is the object that it does not take. */
const refusals = [400, 403, 413, 422]
/** Not a change meanwhile, not a trouble on the way nor with who asks: the object itself is not taken. */
export const isRefusal = (error: unknown): error is KubeError =>
  error instanceof KubeError && (refusals.includes(error.status) || error.reason === 'NotOurs')
