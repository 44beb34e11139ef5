/** SHA-256 of files, streamed: memory does not grow with the file. */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'

/**
 * Feeds a file into a hash, so that more bytes may follow.
 * @throws the signal's reason, or the file system's error
 */
export async function hashOfFile(path: string, signal: AbortSignal): Promise<Hash> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    signal.throwIfAborted()
    hash.update(chunk as Buffer) // a stream without encoding yields Buffers
  }
  return hash
}

/** @returns sha256:<64 hex digits> */
export const digestOf = (hash: Hash): string => `sha256:${hash.digest('hex')}`

/** The hex digits of a digest. */
export const hexOf = (digest: string): string => digest.replace(/^sha256:/, '')
