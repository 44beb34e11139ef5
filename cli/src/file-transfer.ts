/**
 * Files on their way to the server and back: a few at a time, tried again while the server is busy or away, each checked by its SHA-256.
 *
 * Guarantees: a file is there whole or not at all, on both sides; what is shown of progress are bytes that have moved.
 */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FilesClient, StoredFile } from '@mnemos/contract'
import { CliError } from './errors.ts'
import { bar, size } from './output.ts'
import type { Terminal } from './terminal.ts'

const atOnce = 4
const mostTries = 8
const longestDelayMs = 60_000
const redrawMs = 100

/** A line with what has moved of what is to move. Nothing is shown where the output is a file. */
export class TransferProgress {
  readonly #terminal: Terminal
  readonly #verb: string
  readonly #files: number
  readonly #bytes: number
  readonly #started = performance.now()
  #drawnAt = 0
  #doneFiles = 0
  #moved = 0

  constructor(terminal: Terminal, verb: string, total: { readonly files: number; readonly bytes: number }) {
    this.#terminal = terminal
    this.#verb = verb
    this.#files = total.files
    this.#bytes = total.bytes
  }

  /** @param bytes negative for what has to be sent again */
  moved(bytes: number): void {
    this.#moved += bytes
    if (performance.now() - this.#drawnAt >= redrawMs) this.#draw()
  }

  fileDone(): void {
    this.#doneFiles += 1
    this.#draw()
  }

  #draw(): void {
    this.#drawnAt = performance.now()
    const percent = this.#bytes === 0 ? 100 : (this.#moved / this.#bytes) * 100
    const perSecond = this.#moved / Math.max(0.001, (this.#drawnAt - this.#started) / 1000)
    const files = this.#files === 1 ? '' : `, ${this.#doneFiles} of ${this.#files} files`
    this.#terminal.status(
      `${this.#verb} ${bar(percent)} ${Math.floor(percent)}%  ${size(this.#moved)} of ${size(this.#bytes)}${files}  ${size(perSecond)}/s`,
    )
  }
}

/** Does something with each item, a few at once. The first failure ends it; what is under way then is still finished. */
export async function someAtOnce<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  let hasFailed = false
  const one = async (): Promise<void> => {
    for (let at = next++; at < items.length && !hasFailed; at = next++) {
      try {
        results[at] = await work(items[at] as T) // below the length
      } catch (error) {
        hasFailed = true
        throw error
      }
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: atOnce }, one))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  return results
}

/** Tries again what was refused for now: too many requests, a store that is away, a connection that broke. */
export async function patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tries = 1, delayMs = 1000; ; tries += 1, delayMs *= 2) {
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      const asked = waitMsOf(error)
      if (asked === undefined || tries >= mostTries) throw error
      await sleep(Math.min(longestDelayMs, asked === 0 ? delayMs : asked), undefined, { signal })
    }
  }
}

/** By its shape, as errors.ts tells it. @returns 0 when nobody said how long, undefined when trying again is no use */
function waitMsOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  if (error.name === 'TypeError' && error.message === 'fetch failed') return 0
  const status = 'status' in error ? error.status : undefined
  if (status !== 429 && status !== 502 && status !== 503 && status !== 504) return undefined
  const seconds = 'retryAfterSeconds' in error ? error.retryAfterSeconds : undefined
  return typeof seconds === 'number' ? seconds * 1000 : 0
}

export interface Upload {
  readonly file: string
  readonly path: string
  readonly sizeBytes: number
}

interface Transfer {
  readonly files: FilesClient
  readonly progress: TransferProgress
  readonly signal: AbortSignal
}

export async function upload({ file, path, sizeBytes }: Upload, { files, progress, signal }: Transfer): Promise<StoredFile> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash, { signal })
  const sha256 = hash.digest('hex')
  let sent = 0
  const once = (): Promise<StoredFile> => {
    progress.moved(-sent)
    sent = 0
    const bytes = createReadStream(file, { highWaterMark: 256 * 1024 })
    bytes.on('data', (chunk) => {
      sent += chunk.length
      progress.moved(chunk.length)
    })
    return files.put(path, Readable.toWeb(bytes) as ReadableStream<Uint8Array>, { sha256, sizeBytes, signal })
  }
  const stored = await patiently(once, signal)
  progress.fileDone()
  return stored
}

/** Brings a file to a place on this machine. @returns its SHA-256 @throws CliError when other bytes came */
export async function download(path: string, target: string, { files, progress, signal }: Transfer): Promise<string> {
  const partial = `${target}.mnemos-partial`
  await mkdir(dirname(target), { recursive: true })
  let came = 0
  const once = async (): Promise<string> => {
    progress.moved(-came)
    came = 0
    const { body, sha256 } = await files.get(path, signal)
    const hash = createHash('sha256')
    const counting = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk)
        came += chunk.length
        progress.moved(chunk.length)
        done(null, chunk)
      },
    })
    await pipeline(readable(body), counting, createWriteStream(partial), { signal })
    if (hash.digest('hex') !== sha256) throw otherBytes(path)
    return sha256
  }
  try {
    const sha256 = await patiently(once, signal)
    await rename(partial, target)
    progress.fileDone()
    return sha256
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}

/** Writes a file to a pipe. @throws CliError when other bytes came; what was written is written */
export async function print(path: string, { files, signal }: Pick<Transfer, 'files' | 'signal'>): Promise<void> {
  const { body, sha256 } = await patiently(() => files.get(path, signal), signal)
  const hash = createHash('sha256')
  for await (const chunk of readable(body) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once('drain', resolve))
  }
  if (hash.digest('hex') !== sha256) throw otherBytes(path)
}

/** The same streams, as the two libraries of types call them. */
function readable(body: ReadableStream<Uint8Array> | null): Readable {
  return body === null ? Readable.from([]) : Readable.fromWeb(body)
}

function otherBytes(path: string): CliError {
  return new CliError(`${path} came with other bytes than the server has`, { code: 'MNEMOS_DIGEST_MISMATCH', hint: 'try again' })
}
