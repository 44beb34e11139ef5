/** How the server refuses: one error with a code of the contract, and the translation of what others throw into it. */
import { ArtifactError } from '@mnemos/artifacts'
import { type ApiErrorCode, apiErrors, type ErrorBody } from '@mnemos/contract'
import { AssignmentTokenError } from '@mnemos/identity'
import { KubeError } from '@mnemos/kube'
import { StreamStoreError } from '@mnemos/stores'

type Details = NonNullable<ErrorBody['error']['details']>

/** A request that is refused with a code of the contract. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: ApiErrorCode
  readonly details: Details | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(code: ApiErrorCode, message: string, more: { details?: Details; retryAfterSeconds?: number; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.code = code
    this.details = more.details
    this.retryAfterSeconds = more.retryAfterSeconds
  }

  get status(): number {
    return apiErrors[this.code].status
  }
}

/** Any error as a refusal; what nobody foresaw is internal and says nothing of its cause to the caller. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof KubeError) return ofKubeError(error)
  if (error instanceof AssignmentTokenError) return new Refusal('MNEMOS_UNAUTHENTICATED', error.message)
  if (error instanceof ArtifactError) return ofArtifactError(error)
  if (error instanceof StreamStoreError) return ofStreamStoreError(error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new Refusal('MNEMOS_TOO_LARGE', 'The body is larger than this route takes; a prompt may have 16 KiB.')
  if (code === 'FST_ERR_BAD_URL') return new Refusal('MNEMOS_BAD_REQUEST', 'The path is no URL: % must begin an escape of valid UTF-8.')
  if (code.startsWith('FST_ERR_CTP') || error instanceof SyntaxError)
    return new Refusal('MNEMOS_BAD_REQUEST', 'The body is no JSON in UTF-8.')
  return new Refusal('MNEMOS_INTERNAL', 'The server made a mistake; its log names this request.', { cause: error })
}

/** What the API server refused to the server itself: no fault of the caller, whose rights and token were not at stake. */
export function refusalOfOwnRequest(error: unknown): unknown {
  return error instanceof KubeError && error.status !== 429 ? unavailable(error) : error
}

function ofKubeError(error: KubeError): Refusal {
  switch (error.status) {
    case 401:
      return new Refusal('MNEMOS_UNAUTHENTICATED', error.message)
    case 403:
      return new Refusal('MNEMOS_FORBIDDEN', error.message)
    case 404:
      return new Refusal('MNEMOS_NOT_FOUND', error.message)
    case 409:
      return new Refusal('MNEMOS_CONFLICT', error.message)
    case 413:
      return new Refusal('MNEMOS_TOO_LARGE', error.message)
    case 429:
      // Without a time it is no hurry of the API server but a rate limit, which says itself when there is room.
      if (error.retryAfterMs === undefined) return new Refusal('MNEMOS_THROTTLED', error.message)
      return new Refusal('MNEMOS_THROTTLED', 'The API server asks to slow down.', {
        retryAfterSeconds: Math.ceil(error.retryAfterMs / 1000),
      })
    case 400:
    case 422: {
      const causes = error.details?.causes ?? []
      const details = causes.map(({ field, message }) => ({ message: message ?? 'invalid', ...(field === undefined ? {} : { field }) }))
      return new Refusal('MNEMOS_INVALID', error.message, { details })
    }
    default:
      return isWordOfAdmission(error)
        ? new Refusal('MNEMOS_UNAVAILABLE', error.message, { retryAfterSeconds: 1, cause: error })
        : unavailable(error)
  }
}

/** Refused by a webhook, as API servers put it. */
function isWordOfAdmission({ status, message }: KubeError): boolean {
  return status === 503 && message.startsWith('admission webhook "')
}

function unavailable(cause: KubeError): Refusal {
  return new Refusal('MNEMOS_UNAVAILABLE', 'The API server could not be asked; try again.', { retryAfterSeconds: 1, cause })
}

/** What whoever runs MNEMOS has to mend takes longer than a store that comes back by itself. */
const retryAfterSeconds = { Unavailable: 2, Denied: 15, NoBucket: 15 } as const

function ofArtifactError(error: ArtifactError): Refusal {
  switch (error.code) {
    case 'BadKey':
      return new Refusal('MNEMOS_BAD_REQUEST', error.message)
    case 'DigestMismatch':
      return new Refusal('MNEMOS_DIGEST_MISMATCH', error.message)
    case 'NoSpace':
      return new Refusal('MNEMOS_NO_SPACE', error.message)
    case 'BadRange':
      return new Refusal('MNEMOS_RANGE', error.message)
    case 'Unavailable':
    case 'Denied':
    case 'NoBucket':
      return new Refusal('MNEMOS_UNAVAILABLE', 'The artifact store cannot serve this now; try again.', {
        retryAfterSeconds: retryAfterSeconds[error.code],
        cause: error,
      })
  }
}

function ofStreamStoreError(error: StreamStoreError): Refusal {
  if (error.code === 'NoSpace')
    return new Refusal('MNEMOS_NO_SPACE', 'The stream store has no memory left; try again later.', { cause: error })
  return new Refusal('MNEMOS_UNAVAILABLE', 'The stream store cannot serve this now; try again.', {
    retryAfterSeconds: retryAfterSeconds[error.code],
    cause: error,
  })
}
