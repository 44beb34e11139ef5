/** What an S3 server, the network or the SDK refuses, as the errors of the port; no message repeats an address or a credential. */
import { ArtifactError, type ArtifactErrorCode } from './artifact-store.ts'

const denied = [
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'CredentialsProviderError',
  'ExpiredToken',
  'RequestTimeTooSkewed',
]
const full = ['QuotaExceeded', 'XMinioStorageFull', 'XMinioAdminBucketQuotaExceeded', 'InsufficientStorage', 'StorageFull']

const advice: Readonly<Partial<Record<ArtifactErrorCode, string>>> = {
  Denied: 'the S3 server refuses these credentials; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the policy of the bucket',
  NoBucket: 'the bucket is not there and could not be made; make it, or allow s3:CreateBucket',
  NoSpace: 'the S3 server has no room left',
  Unavailable: 'the S3 server cannot be used now',
}

/** The name that S3 gave the error, or the code of the connection's. */
export function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'Unknown'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return error.name === 'Error' || error.name === 'TypeError' ? (code ?? error.name) : error.name
}

export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined
  return (error.$metadata as { httpStatusCode?: number }).httpStatusCode // by the SDK
}

/** HEAD has no body, so that an object that is missing has no other name there. */
export const isMissing = (error: unknown): boolean => ['NoSuchKey', 'NotFound'].includes(nameOf(error))

/** The bucket is missing and these credentials may not make it. */
export function noBucket(cause: unknown): ArtifactError {
  return new ArtifactError('NoBucket', `${advice.NoBucket ?? ''} (${nameOf(cause)})`, { cause })
}

/** @param what was asked for, e.g. `PUT a/b` */
export function mapped(error: unknown, what: string): ArtifactError {
  if (error instanceof ArtifactError) return error
  const code = codeOf(nameOf(error), statusOf(error))
  return new ArtifactError(code, `${what}: ${advice[code] ?? ''} (${nameOf(error)})`, { cause: error })
}

function codeOf(name: string, status: number | undefined): ArtifactErrorCode {
  if (name === 'NoSuchBucket') return 'NoBucket'
  if (status === 507 || full.includes(name)) return 'NoSpace'
  if (status === 401 || status === 403 || denied.includes(name)) return 'Denied'
  return 'Unavailable'
}
