/**
 * Artifacts in a directory: for development, the demo, and single machines.
 *
 * An object is written to a temporary file, flushed to disk, read back through the page cache, and renamed into place; its
 * SHA-256 stands in a small file beside it. A crash leaves at most temporary files, which the next start removes.
 *
 * Only what moves bytes leaves the event loop. Names, sizes and digests are dealt with at once: on a local disk that takes
 * microseconds, a tenth of a trip to the thread pool, and nobody sees an object beside the digest of another.
 */
import { createHash } from 'node:crypto'
import {
  closeSync,
  createReadStream,
  fdatasync,
  fstatSync,
  mkdirSync,
  openSync,
  read,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  write,
  writeFileSync,
} from 'node:fs'
import { access, constants, mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { ArtifactError, type ArtifactPage, type ArtifactStore, type ByteRange, checkedKey, type StoredArtifact } from './artifact-store.ts'
import { directoryPage } from './directory-page.ts'

const digestSuffix = '.sha256'
const writeTo = promisify(write)
const readFrom = promisify(read)
const flush = promisify(fdatasync)

/** Opens (and makes) the directory, and clears what a crash left. */
export async function openDirectoryStore(folder: string): Promise<ArtifactStore> {
  const objects = join(folder, 'objects')
  const partial = join(folder, 'partial')
  await rm(partial, { recursive: true, force: true })
  await mkdir(objects, { recursive: true })
  await mkdir(partial, { recursive: true })
  return new DirectoryStore(objects, partial)
}

const readBytes = 1024 * 1024

class DirectoryStore implements ArtifactStore {
  readonly #objects: string
  readonly #partial: string
  #made = 0

  constructor(objects: string, partial: string) {
    this.#objects = objects
    this.#partial = partial
  }

  async put(key: string, bytes: Readable, { sha256: wanted }: { sha256?: string } = {}): Promise<StoredArtifact> {
    const target = this.#pathOf(key)
    this.#made += 1
    const temporary = join(this.#partial, `${process.pid}-${this.#made}`)
    try {
      const { received, stored } = await writeFlushed(temporary, bytes)
      if (wanted !== undefined && received !== wanted) {
        throw new ArtifactError('DigestMismatch', `the bytes sent for ${key} have SHA-256 ${received}, not ${wanted}`)
      }
      if (stored.sha256 !== received)
        throw new ArtifactError('DigestMismatch', `${key} was read back with SHA-256 ${stored.sha256}, but ${received} was written`)
      writeFileSync(temporary + digestSuffix, stored.sha256)
      place(temporary, target, key)
      return { key, ...stored }
    } catch (error) {
      await rm(temporary, { force: true })
      await rm(temporary + digestSuffix, { force: true })
      if (isNoSpace(error))
        throw new ArtifactError('NoSpace', `there is no room for ${key}; free space in the artifact folder`, { cause: error })
      throw error
    }
  }

  async get(key: string, range?: ByteRange): Promise<{ about: StoredArtifact; bytes: Readable } | undefined> {
    const about = await this.head(key)
    if (about === undefined) return undefined
    if (range !== undefined && (range.start >= about.sizeBytes || (range.end ?? range.start) < range.start)) {
      throw new ArtifactError('BadRange', `${key} has ${about.sizeBytes} bytes; the range starts at ${range.start}`)
    }
    return {
      about,
      bytes: createReadStream(this.#pathOf(key), { start: range?.start ?? 0, ...(range?.end === undefined ? {} : { end: range.end }) }),
    }
  }

  head(key: string): Promise<StoredArtifact | undefined> {
    return Promise.resolve().then(() => this.#head(key))
  }

  #head(key: string): StoredArtifact | undefined {
    const path = this.#pathOf(key)
    try {
      return { key, sha256: readFileSync(path + digestSuffix, 'utf8'), sizeBytes: statSync(path).size }
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  delete(key: string): Promise<void> {
    return Promise.resolve().then(() => {
      const path = this.#pathOf(key)
      rmSync(path, { force: true })
      rmSync(path + digestSuffix, { force: true })
      this.#prune(dirname(path))
    })
  }

  async list(prefix: string): Promise<readonly string[]> {
    const entries = await readdir(this.#objects, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile() && !entry.name.endsWith(digestSuffix))
      .map((entry) => relative(this.#objects, join(entry.parentPath, entry.name)))
      .filter((key) => key.startsWith(prefix))
      .sort()
  }

  page(prefix: string, options: { limit: number; after?: string | undefined }): Promise<ArtifactPage> {
    return directoryPage(this.#objects, prefix, { ...options, isOther: (name) => name.endsWith(digestSuffix) })
  }

  urlOf(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  async check(): Promise<void> {
    await access(this.#objects, constants.W_OK).catch((cause: unknown) => {
      throw new ArtifactError('Unavailable', 'the artifact folder cannot be written to', { cause })
    })
  }

  /** What a crash left went when the folder was opened. */
  sweep(): Promise<number> {
    return Promise.resolve(0)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** Folders that hold nothing any more go, too: millions of Jobs would leave millions of them. Nobody makes one at the same time. */
  #prune(folder: string): void {
    for (let each = folder; each !== this.#objects; each = dirname(each)) {
      try {
        rmdirSync(each)
      } catch (error) {
        if (hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR')) return
        throw error
      }
    }
  }

  #pathOf(key: string): string {
    if (key.split('/').some((part) => part.endsWith(digestSuffix)))
      throw new ArtifactError('BadKey', `no part of a key may end with ${digestSuffix}`)
    return join(this.#objects, checkedKey(key))
  }
}

/**
 * Moves an object and its digest to where they belong, in one go: nobody sees the bytes of one beside the digest of another.
 * @throws ArtifactError `BadKey` when other objects are in the way
 */
function place(temporary: string, target: string, key: string): void {
  try {
    mkdirSync(dirname(target), { recursive: true })
  } catch (cause) {
    if (!hasCode(cause, 'EEXIST', 'ENOTDIR')) throw cause
    throw new ArtifactError('BadKey', `${key} lies below another object; use a key beside it`, { cause })
  }
  if (statSync(target, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new ArtifactError('BadKey', `other objects lie below ${key}; use a key beside them`)
  renameSync(temporary + digestSuffix, target + digestSuffix)
  renameSync(temporary, target)
}

/** Writes all bytes, flushes them to disk and reads them again. @returns the SHA-256 of what came, and what is there */
async function writeFlushed(path: string, bytes: Readable): Promise<{ received: string; stored: { sha256: string; sizeBytes: number } }> {
  const hash = createHash('sha256')
  const file = openSync(path, 'wx+')
  try {
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      hash.update(chunk)
      for (let at = 0; at < chunk.length; ) at += (await writeTo(file, chunk, at)).bytesWritten
    }
    await flush(file)
    return { received: hash.digest('hex'), stored: await readBack(file) }
  } finally {
    closeSync(file)
  }
}

async function readBack(file: number): Promise<{ sha256: string; sizeBytes: number }> {
  const hash = createHash('sha256')
  const { size } = fstatSync(file)
  const buffer = Buffer.allocUnsafe(Math.min(size, readBytes))
  for (let at = 0; at < size; ) {
    const { bytesRead } = await readFrom(file, buffer, 0, buffer.length, at)
    if (bytesRead === 0) break
    hash.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
  return { sha256: hash.digest('hex'), sizeBytes: size }
}

const hasCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code))
const isMissing = (error: unknown): boolean => hasCode(error, 'ENOENT', 'ENOTDIR')
const isNoSpace = (error: unknown): boolean => hasCode(error, 'ENOSPC', 'EDQUOT')
