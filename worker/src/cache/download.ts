/**
 * One download into a partial file, resumed where it broke off.
 *
 * Guarantees: the bytes that `download` reports were hashed on their way to disk (those of an earlier run are hashed again from
 * disk), so its digest is the digest of the file; a full disk asks `makeRoom` and goes on. It does not judge the digest.
 */
import { open, rm, stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { codeOf } from '../failure.ts'
import { type RetryOptions, retrying, Transient } from '../storage/retry.ts'
import { digestOf, hashOfFile } from './hashing.ts'

/** Where bytes come from. `offset` of the answer is where its body begins: the one asked for, or 0. */
export type ByteSource = (options: { offset: number; signal: AbortSignal }) => Promise<{ offset: number; body: Readable }>

export interface AppendFile {
  write(chunk: Uint8Array): Promise<void>
  /** Brings the bytes to disk. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** Opens a file to write from `offset` on; bytes after it are cut off. */
export type OpenAppend = (path: string, offset: number) => Promise<AppendFile>

export const openAppend: OpenAppend = async (path, offset) => {
  const file = await open(path, offset === 0 ? 'w' : 'r+')
  if (offset > 0) await file.truncate(offset)
  let position = offset
  return {
    write: async (chunk) => {
      // One write may be short, e.g. on a disk that fills up in its middle.
      for (let done = 0; done < chunk.byteLength; ) {
        const { bytesWritten } = await file.write(chunk, done, chunk.byteLength - done, position)
        done += bytesWritten
        position += bytesWritten
      }
    },
    sync: () => file.datasync(),
    close: () => file.close(),
  }
}

export interface DownloadOptions {
  readonly source: ByteSource
  /** The partial file; it may hold the beginning already. */
  readonly path: string
  readonly sizeBytes: number
  readonly retry: RetryOptions
  readonly open?: OpenAppend
  readonly onProgress: (bytes: number) => void
  /** Frees something on the disk; false when there is nothing left to free. */
  readonly makeRoom: () => Promise<boolean>
}

/**
 * @returns the digest of the complete file, and whether it began with bytes of an earlier run
 * @throws Transient after too long without progress, ENOSPC when makeRoom gave up, the source's failure, the signal's reason
 */
export async function download(options: DownloadOptions): Promise<{ digest: string; sizeBytes: number; resumed: boolean }> {
  const { path, sizeBytes, retry } = options
  const resumed = (await sizeOf(path)) > 0
  const hash = await retrying(async (progressed) => {
    for (;;) {
      try {
        return await continueFile(options, progressed)
      } catch (error) {
        if (codeOf(error) !== 'ENOSPC' || !(await options.makeRoom())) throw error
      }
    }
  }, retry)
  return { digest: digestOf(hash), sizeBytes: Math.max(sizeBytes, await sizeOf(path)), resumed }
}

async function continueFile({ source, path, sizeBytes, retry, onProgress, ...options }: DownloadOptions, progressed: () => void) {
  const { signal } = retry
  const held = await sizeOf(path)
  const start = held > sizeBytes ? 0 : held
  const answer = start === sizeBytes && start > 0 ? undefined : await source({ offset: start, signal })
  const offset = answer?.offset ?? start
  let bytes = offset
  const file = await (options.open ?? openAppend)(path, offset)
  try {
    const hash = await hashOfFile(path, signal)
    onProgress(bytes)
    for await (const chunk of chunksOf(answer?.body)) {
      await file.write(chunk)
      hash.update(chunk)
      bytes += chunk.byteLength
      if (bytes > sizeBytes) break
      progressed()
      onProgress(bytes)
    }
    if (bytes < sizeBytes) throw new Transient(`the body ended after ${bytes} of ${sizeBytes} bytes`)
    await file.sync()
    return hash
  } finally {
    answer?.body.destroy()
    await file.close()
  }
}

async function* chunksOf(body: Readable | undefined): AsyncGenerator<Uint8Array> {
  if (body === undefined) return
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array> // a stream without encoding yields Buffers
  for (;;) {
    const next = await chunks.next().catch((cause: unknown) => {
      throw new Transient('the body broke off', { cause })
    })
    if (next.done === true) return
    yield next.value
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}

/** Forgets what an earlier run left. */
export const discard = (path: string): Promise<void> => rm(path, { force: true })
