/**
 * Models on local disk, named by their content: `<folder>/sha256/<hex>`, unfinished ones in `<folder>/partial/<hex>`.
 *
 * Guarantees
 * - A path is handed out only after the file's SHA-256 was compared with its name: on download, and again on every use whose
 *   file is not the one (size, mtime, inode) that this process has already verified. So a file that was damaged while the worker
 *   was down, or rewritten behind its back, is found before an engine sees it; it is removed and fetched anew.
 * - Requests for one digest share one download. What is in use is pinned; the rest leaves, longest unused first, when the limit
 *   or the disk is reached.
 * Knows nothing of jobs: bytes come from the caller's source, opened with the caller's right to them.
 */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, systemClock } from '../clock.ts'
import { codeOf, WorkFailure } from '../failure.ts'
import type { RetryTiming } from '../storage/retry.ts'
import { type ByteSource, discard, download, type OpenAppend } from './download.ts'
import { type CacheEntry, chooseVictims, oldestUnpinned } from './eviction.ts'
import { digestOf, hashOfFile, hexOf } from './hashing.ts'
import { downloadFailure, tooLarge, wrongDigest } from './model-failures.ts'
import { type SharedTask, sharedTask } from './shared-task.ts'

export interface WantedModel {
  /** `<namespace>/<name>`, for messages. */
  readonly name: string
  readonly digest: string
  readonly artifact: string
  readonly sizeBytes: number
}

export interface CacheProgress {
  readonly bytes: number
  readonly totalBytes: number
}

export interface CachedModel {
  readonly path: string
  /** Unpins the file; more calls do nothing. */
  release(): void
}

export interface ModelCacheOptions {
  readonly folder: string
  readonly limitBytes: number
  readonly clock?: Clock
  readonly random?: () => number
  readonly retry?: RetryTiming
  readonly open?: OpenAppend
  /** Told when a damaged file was found and removed. */
  readonly onCorrupt?: (found: { digest: string; found: string; path: string }) => void
}

interface Listening {
  readonly signal: AbortSignal
  readonly onProgress: (progress: CacheProgress) => void
}

interface HeldFile {
  readonly digest: string
  readonly sizeBytes: number
  readonly usedAt: number
  /** Size, mtime and inode when this process last verified the file. */
  readonly stamp?: string | undefined
}

/** Opens the cache: takes over the complete files that are there, to be verified when they are used. */
export async function openModelCache(options: ModelCacheOptions): Promise<ModelCache> {
  const complete = join(options.folder, 'sha256')
  await Promise.all([mkdir(complete, { recursive: true }), mkdir(join(options.folder, 'partial'), { recursive: true })])
  const names = (await readdir(complete)).filter((name) => /^[a-f0-9]{64}$/.test(name))
  const held = await Promise.all(
    names.map(async (name): Promise<HeldFile> => {
      const { size, atimeMs, mtimeMs } = await stat(join(complete, name))
      return { digest: `sha256:${name}`, sizeBytes: size, usedAt: Math.max(atimeMs, mtimeMs) }
    }),
  )
  return new ModelCache(options, held)
}

export class ModelCache {
  readonly #options: ModelCacheOptions
  readonly #clock: Clock
  readonly #held: Map<string, HeldFile>
  readonly #pins = new Map<string, number>()
  /** Sizes of the downloads under way. */
  readonly #promised = new Map<string, number>()
  readonly #tasks = new Map<string, SharedTask<CacheProgress, void>>()

  constructor(options: ModelCacheOptions, held: readonly HeldFile[]) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#held = new Map(held.map((file) => [file.digest, file]))
  }

  /**
   * The verified file, downloaded when absent, pinned until `release`.
   * @throws WorkFailure: ModelUnavailable / DigestMismatch, DiskFull, StorageUnavailable; or the signal's reason
   */
  async acquire(
    model: WantedModel,
    source: ByteSource,
    options: { signal: AbortSignal; onProgress?: ((progress: CacheProgress) => void) | undefined },
  ): Promise<CachedModel> {
    const release = this.#pin(model.digest)
    try {
      await this.#taskFor(model, source).join(options)
      return { path: this.#path(model.digest), release }
    } catch (error) {
      release()
      throw error
    }
  }

  /** Digests of the complete files. */
  digests(): readonly string[] {
    return [...this.#held.keys()]
  }

  /** Bytes of the complete files. */
  sizeBytes(): number {
    return [...this.#held.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  }

  #path(digest: string): string {
    return join(this.#options.folder, 'sha256', hexOf(digest))
  }

  #partialPath(digest: string): string {
    return join(this.#options.folder, 'partial', hexOf(digest))
  }

  #pin(digest: string): () => void {
    this.#pins.set(digest, (this.#pins.get(digest) ?? 0) + 1)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const left = (this.#pins.get(digest) ?? 1) - 1
      if (left === 0) this.#pins.delete(digest)
      else this.#pins.set(digest, left)
      const file = this.#held.get(digest)
      if (file !== undefined) this.#held.set(digest, { ...file, usedAt: this.#clock.now() })
    }
  }

  #taskFor(model: WantedModel, source: ByteSource): SharedTask<CacheProgress, void> {
    const known = this.#tasks.get(model.digest)
    if (known !== undefined && !known.abandoned()) return known
    const task: SharedTask<CacheProgress, void> = sharedTask(async (listening) => {
      // Two downloads must not write the one partial file.
      await known?.settled()
      try {
        if (!(await this.#isSound(model.digest, listening.signal))) await this.#fetch(model, source, listening)
      } finally {
        if (this.#tasks.get(model.digest) === task) this.#tasks.delete(model.digest)
      }
    })
    this.#tasks.set(model.digest, task)
    return task
  }

  /** The file is there and is what its name says; a damaged one is removed. */
  async #isSound(digest: string, signal: AbortSignal): Promise<boolean> {
    const path = this.#path(digest)
    const before = await stampOf(path)
    if (before === undefined) {
      this.#held.delete(digest)
      return false
    }
    if (this.#held.get(digest)?.stamp === before.stamp) return true
    const found = digestOf(await hashOfFile(path, signal))
    if (found === digest) {
      this.#held.set(digest, { digest, usedAt: this.#clock.now(), ...before })
      return true
    }
    this.#options.onCorrupt?.({ digest, found, path })
    await this.#evict(digest)
    return false
  }

  async #fetch(model: WantedModel, source: ByteSource, listening: Listening): Promise<void> {
    const { digest } = model
    const path = this.#partialPath(digest)
    this.#promised.set(digest, model.sizeBytes)
    try {
      await this.#makeRoom(model)
      let got = await this.#download(model, source, listening)
      if (got.digest !== digest && got.resumed) {
        // The beginning is from an earlier run; it may be what is wrong.
        await discard(path)
        got = await this.#download(model, source, listening)
      }
      if (got.digest !== digest || got.sizeBytes !== model.sizeBytes) throw wrongDigest(model, got)
    } catch (error) {
      // What can be resumed stays; wrong bytes and bytes that fill the disk do not.
      if (error instanceof WorkFailure || codeOf(error) === 'ENOSPC') await discard(path)
      listening.signal.throwIfAborted()
      throw downloadFailure(model, error)
    } finally {
      this.#promised.delete(digest)
    }
    await rename(path, this.#path(digest))
    const file = await stampOf(this.#path(digest))
    this.#held.set(digest, { digest, sizeBytes: model.sizeBytes, usedAt: this.#clock.now(), stamp: file?.stamp })
  }

  #download(model: WantedModel, source: ByteSource, { signal, onProgress }: Listening): ReturnType<typeof download> {
    const { clock, retry, random, open } = { clock: this.#clock, ...this.#options }
    return download({
      source,
      path: this.#partialPath(model.digest),
      sizeBytes: model.sizeBytes,
      retry: { clock, signal, ...retry, ...(random === undefined ? {} : { random }) },
      ...(open === undefined ? {} : { open }),
      onProgress: (bytes) => onProgress({ bytes, totalBytes: model.sizeBytes }),
      makeRoom: async () => {
        const victim = oldestUnpinned(this.#entries())
        if (victim !== undefined) await this.#evict(victim)
        return victim !== undefined
      },
    })
  }

  /** Evicts for the limit, and clears away what abandoned downloads left. */
  async #makeRoom(model: WantedModel): Promise<void> {
    const { folder, limitBytes } = this.#options
    const neededBytes = [...this.#promised.values()].reduce((sum, sizeBytes) => sum + sizeBytes, 0)
    const victims = chooseVictims(this.#entries(), { limitBytes, neededBytes })
    if (victims === undefined) throw tooLarge(model, limitBytes)
    for (const digest of victims) await this.#evict(digest)
    const partial = join(folder, 'partial')
    const left = (await readdir(partial)).filter((name) => !this.#tasks.has(`sha256:${name}`))
    await Promise.all(left.map((name) => discard(join(partial, name))))
  }

  async #evict(digest: string): Promise<void> {
    this.#held.delete(digest)
    await rm(this.#path(digest), { force: true })
  }

  #entries(): CacheEntry[] {
    return [...this.#held.values()].map((file) => ({ ...file, pins: this.#pins.get(file.digest) ?? 0 }))
  }
}

async function stampOf(path: string): Promise<{ stamp: string; sizeBytes: number } | undefined> {
  const found = await stat(path, { bigint: true }).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  return found && { stamp: `${found.size}:${found.mtimeNs}:${found.ino}`, sizeBytes: Number(found.size) }
}
