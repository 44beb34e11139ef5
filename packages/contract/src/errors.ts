/**
 * Every error that the HTTP API answers with: a stable code, its status, and what it means. docs/reference/errors.md is
 * generated from this table.
 */
import { z } from 'zod'

export const apiErrors = {
  MNEMOS_BAD_REQUEST: { status: 400, meaning: 'The request could not be read: no JSON, no valid UTF-8, or a parameter of the wrong form.' },
  MNEMOS_UNAUTHENTICATED: {
    status: 401,
    meaning: 'There is no Bearer token, or the cluster does not know it. Send a token that the API server accepts.',
  },
  MNEMOS_FORBIDDEN: { status: 403, meaning: 'The cluster knows the caller and does not allow this; its RBAC decides.' },
  MNEMOS_NOT_FOUND: { status: 404, meaning: 'There is no such object, or none that the caller may know of.' },
  MNEMOS_CONFLICT: { status: 409, meaning: 'An object of this name exists, or an Idempotency-Key was used for another request.' },
  MNEMOS_NOT_READY: {
    status: 409,
    meaning: 'What is asked for is not there yet: the Job has no result, or the run has not ended. Its status says why.',
  },
  MNEMOS_ENDED: { status: 409, meaning: 'The run has ended, so nothing of it can change any more; retry makes a new one.' },
  MNEMOS_STALE: { status: 412, meaning: 'The object changed since the version in If-Match; read it again and decide anew.' },
  MNEMOS_TOO_LARGE: { status: 413, meaning: 'The body is larger than this route takes.' },
  MNEMOS_RANGE: { status: 416, meaning: 'The range starts behind the end of the object.' },
  MNEMOS_INVALID: { status: 422, meaning: 'The object breaks its schema; details name every field and what would be right.' },
  MNEMOS_DIGEST_MISMATCH: { status: 422, meaning: 'The bytes do not have the SHA-256 that was promised; nothing was stored.' },
  MNEMOS_IF_MATCH: { status: 428, meaning: 'This write needs If-Match with the ETag of the version that it is about.' },
  MNEMOS_THROTTLED: {
    status: 429,
    meaning: 'The API server asks to slow down (try again after Retry-After), or a rate limit is full (the message says until when).',
  },
  MNEMOS_INTERNAL: { status: 500, meaning: 'A mistake of ours; the log has the request id.' },
  MNEMOS_UNAVAILABLE: { status: 503, meaning: 'The API server or a store could not be reached or refused to answer now; try again.' },
  MNEMOS_NO_SPACE: { status: 507, meaning: 'The artifact store or the stream store is full.' },
} as const satisfies Record<string, { readonly status: number; readonly meaning: string }>

export type ApiErrorCode = keyof typeof apiErrors

const codes = Object.keys(apiErrors) as [ApiErrorCode, ...ApiErrorCode[]]

/** One thing that is wrong with a request. */
export const errorDetail = z.object({
  field: z.string().optional().describe('Field as the API server writes it, e.g. spec.inference.parameters.maxTokens.'),
  path: z.string().optional().describe('The same as JSON Pointer.'),
  message: z.string().describe('What is wrong.'),
  suggestion: z.string().optional().describe('What would be right.'),
})

export const errorBody = z.object({
  error: z.object({
    code: z.enum(codes).describe('Stable code; see the reference of errors.'),
    message: z.string().describe('What went wrong, as a sentence that names the object and the next step.'),
    requestId: z.string().optional().describe('Names this request in the logs.'),
    details: z.array(errorDetail).max(100).optional().describe('Everything that is wrong, at once.'),
  }),
})
export type ErrorBody = z.output<typeof errorBody>
