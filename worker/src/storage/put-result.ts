/** Stores the result of an attempt and describes it as the operator wants it: uri, digest, size, and the bytes themselves when small. */
import { createHash } from 'node:crypto'
import { maxInlineResultBytes } from '@mnemos/api'
import { artifactUri } from '@mnemos/contract'
import { WorkFailure } from '../failure.ts'
import { type RetryOptions, retrying, Transient } from './retry.ts'
import type { ServerSession } from './server.ts'

export interface StoredResult {
  readonly uri: string
  /** 64 hex digits, of the stored bytes. */
  readonly sha256: string
  readonly sizeBytes: number
  /** The stored bytes as text when they are at most 4 KiB, else empty. */
  readonly inline: string
}

/**
 * Uploads JSON under a key that no other attempt writes to; repeating it is harmless.
 * @throws WorkFailure StorageUnavailable after too long, or the signal's reason
 */
export async function putResult(session: ServerSession, key: string, value: unknown, retry: RetryOptions): Promise<StoredResult> {
  const bytes = Buffer.from(JSON.stringify(value))
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const about = { sha256, sizeBytes: bytes.length, signal: retry.signal }
  await retrying(() => session.put(key, bytes, about), retry).catch((error: unknown) => {
    throw error instanceof Transient ? unavailable(key, error) : error
  })
  return { uri: artifactUri(key), sha256, sizeBytes: bytes.length, inline: bytes.length <= maxInlineResultBytes ? bytes.toString() : '' }
}

/** The store stayed away for as long as the worker tried. */
export function unavailable(key: string, cause: Transient): WorkFailure {
  return new WorkFailure({
    class: 'StorageUnavailable',
    reason: 'UploadFailed',
    message: `The object ${key} could not be stored: ${cause.message}.`,
    hint: 'The attempt is repeated; check that the server is up and reachable from the worker.',
    cause,
  })
}
