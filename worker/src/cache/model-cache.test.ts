import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import { virtualClock } from '@mnemos/testkit'
import { Transient } from '../storage/retry.ts'
import { type ByteSource, openAppend } from './download.ts'
import { type ModelCache, type ModelCacheOptions, openModelCache, type WantedModel } from './model-cache.ts'

const never = new AbortController().signal

describe('the model cache', () => {
  it('downloads once for all who ask at the same time, and tells each the progress', async (t) => {
    const { cache } = await open(t)
    const model = aModel('a', 3000)
    const source = serving(model, { chunkBytes: 1000 })
    const seen: number[][] = [[], []]
    const got = await Promise.all(
      seen.map((progress) => cache.acquire(model.wanted, source.open, { signal: never, onProgress: ({ bytes }) => progress.push(bytes) })),
    )
    assert.deepEqual(await readFile(got[0]?.path ?? ''), model.bytes)
    assert.deepEqual(source.offsets, [0])
    assert.deepEqual(seen, [
      [0, 1000, 2000, 3000],
      [0, 1000, 2000, 3000],
    ])
    assert.deepEqual(cache.digests(), [model.wanted.digest])
  })

  it('resumes where a broken body ended', async (t) => {
    const { cache } = await open(t)
    const model = aModel('a', 3000)
    const source = serving(model, { chunkBytes: 1000, breakAfter: [2000] })
    await acquire(cache, model, source)
    assert.deepEqual(source.offsets, [0, 2000])
  })

  it('starts over when the server ignores the range', async (t) => {
    const { cache } = await open(t)
    const model = aModel('a', 3000)
    const source = serving(model, { chunkBytes: 1000, breakAfter: [2000], ignoreRange: true })
    const { path } = await acquire(cache, model, source)
    assert.deepEqual(await readFile(path), model.bytes)
  })

  it('resumes after a restart, from the partial file', async (t) => {
    const { cache, folder } = await open(t)
    const model = aModel('a', 3000)
    const broken = serving(model, { chunkBytes: 1000, breakAfter: [2000, 0, 0, 0, 0, 0, 0, 0, 0, 0] })
    await assert.rejects(acquire(cache, model, broken), { class: 'StorageUnavailable', reason: 'DownloadFailed' })
    const again = await openModelCache({ folder, limitBytes: 10_000, retry: quick })
    const source = serving(model)
    await acquire(again, model, source)
    assert.deepEqual(source.offsets, [2000])
  })

  it('starts over when a partial file of an earlier run is wrong', async (t) => {
    const { cache, folder } = await open(t)
    const model = aModel('a', 3000)
    await writeFile(join(folder, 'partial', model.wanted.digest.slice(7)), Buffer.alloc(1000))
    const source = serving(model)
    const { path } = await acquire(cache, model, source)
    assert.deepEqual(await readFile(path), model.bytes)
    assert.deepEqual(source.offsets, [1000, 0])
  })

  it('refuses bytes with another digest, naming the file and both digests, and keeps nothing', async (t) => {
    const { cache, folder } = await open(t)
    const model = aModel('a', 3000)
    const other = aModel('b', 3000)
    await assert.rejects(acquire(cache, model, serving(other)), (error: Error & { class?: string }) => {
      assert.equal(error.class, 'ModelUnavailable')
      for (const part of [model.wanted.artifact, model.wanted.digest, other.wanted.digest]) assert.ok(error.message.includes(part), part)
      return true
    })
    assert.deepEqual(await filesOf(folder), [])
  })

  it('finds a file that was damaged behind its back and fetches it anew', async (t) => {
    const corrupt: string[] = []
    const { cache } = await open(t, { onCorrupt: ({ digest }) => corrupt.push(digest) })
    const model = aModel('a', 3000)
    const source = serving(model)
    const first = await acquire(cache, model, source)
    first.release()
    await writeFile(first.path, Buffer.from(model.bytes).fill(0, 5, 6))
    const { path } = await acquire(cache, model, source)
    assert.deepEqual(await readFile(path), model.bytes)
    assert.deepEqual(corrupt, [model.wanted.digest])
    assert.equal(source.offsets.length, 2)
  })

  it('verifies after a restart, and finds a file that was damaged meanwhile', async (t) => {
    const { cache, folder } = await open(t)
    const model = aModel('a', 3000)
    const { path } = await acquire(cache, model, serving(model))
    await writeFile(path, Buffer.from(model.bytes).fill(0, 5, 6))
    const again = await openModelCache({ folder, limitBytes: 10_000 })
    assert.deepEqual(again.digests(), [model.wanted.digest])
    const source = serving(model)
    await acquire(again, model, source)
    assert.deepEqual(source.offsets, [0])
  })

  it('evicts the longest unused for the limit, and never what is in use', async (t) => {
    const clock = virtualClock()
    const { cache } = await open(t, { clock, limitBytes: 7000 })
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => aModel(name, 3000)) as [Served, Served, Served, Served]
    const heldA = await acquire(cache, a, serving(a))
    for (const model of [b, c]) {
      await clock.advance(1000)
      const held = await acquire(cache, model, serving(model))
      held.release()
    }
    assert.deepEqual(cache.digests(), [a.wanted.digest, c.wanted.digest])
    await acquire(cache, d, serving(d))
    assert.deepEqual(cache.digests(), [a.wanted.digest, d.wanted.digest])
    await assert.rejects(acquire(cache, b, serving(b)), { class: 'DiskFull', reason: 'CacheFull' })
    heldA.release()
    await acquire(cache, b, serving(b))
    assert.deepEqual(cache.digests(), [d.wanted.digest, b.wanted.digest])
  })

  it('evicts and goes on when the disk is full', async (t) => {
    const { cache, folder, disk } = await openOnSmallDisk(t, 5000)
    const [a, b] = [aModel('a', 3000), aModel('b', 3000)]
    const held = await acquire(cache, a, serving(a))
    held.release()
    const { path } = await acquire(cache, b, serving(b, { chunkBytes: 1000 }))
    assert.deepEqual(await readFile(path), b.bytes)
    assert.deepEqual(cache.digests(), [b.wanted.digest])
    assert.equal(await disk(), 3000)
    assert.equal((await filesOf(folder)).length, 1)
  })

  it('fails with DiskFull when the disk is full of what is in use, and leaves no partial file', async (t) => {
    const { cache, folder } = await openOnSmallDisk(t, 5000)
    const [a, b] = [aModel('a', 3000), aModel('b', 3000)]
    await acquire(cache, a, serving(a))
    await assert.rejects(acquire(cache, b, serving(b, { chunkBytes: 1000 })), { class: 'DiskFull', message: /needs 3000 bytes/ })
    assert.equal((await filesOf(folder)).length, 1)
  })

  it('lets one of two leave without cost for the other', async (t) => {
    const { cache } = await open(t)
    const model = aModel('a', 3000)
    const gate = Promise.withResolvers<undefined>()
    const source = serving(model, { gate: gate.promise })
    const leaving = new AbortController()
    const left = cache.acquire(model.wanted, source.open, { signal: leaving.signal })
    const staying = cache.acquire(model.wanted, source.open, { signal: never })
    leaving.abort(new Error('left'))
    await assert.rejects(left, /left/)
    gate.resolve(undefined)
    assert.deepEqual(await readFile((await staying).path), model.bytes)
    assert.equal(source.offsets.length, 1)
  })

  it('downloads again for a newcomer after all others have left', async (t) => {
    const { cache } = await open(t)
    const model = aModel('a', 3000)
    const leaving = new AbortController()
    const stuck = serving(model, { gate: new Promise(() => undefined) })
    const left = cache.acquire(model.wanted, stuck.open, { signal: leaving.signal })
    leaving.abort(new Error('left'))
    await assert.rejects(left, /left/)
    await acquire(cache, model, serving(model))
    assert.deepEqual(cache.digests(), [model.wanted.digest])
  })
})

const quick = { firstMs: 1, longestMs: 1, forMs: 5 }

interface Served {
  readonly bytes: Buffer
  readonly wanted: WantedModel
}

function aModel(name: string, sizeBytes: number): Served {
  const bytes = Buffer.alloc(sizeBytes, name)
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  return { bytes, wanted: { name: `ns/${name}`, digest, artifact: `models/sha256/${name}`, sizeBytes } }
}

/** A source that notes the offsets it was asked for, and breaks off at the n-th request after `breakAfter[n]` bytes. */
function serving(
  { bytes }: Served,
  options: { chunkBytes?: number; breakAfter?: readonly number[]; ignoreRange?: boolean; gate?: Promise<undefined> } = {},
): { open: ByteSource; offsets: number[] } {
  const { chunkBytes = bytes.length, breakAfter = [], ignoreRange = false } = options
  const offsets: number[] = []
  return {
    offsets,
    open: async ({ offset: asked, signal }) => {
      const limit = breakAfter[offsets.length]
      offsets.push(asked)
      const offset = ignoreRange ? 0 : asked
      if (options.gate !== undefined) await Promise.race([options.gate, aborted(signal)])
      const body = Readable.from(
        (function* () {
          for (let at = offset; at < bytes.length; at += chunkBytes) {
            if (limit !== undefined && at >= offset + limit) throw new Transient('broken')
            yield bytes.subarray(at, at + chunkBytes)
          }
        })(),
      )
      return { offset, body }
    },
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true }))
}

const acquire = (cache: ModelCache, { wanted }: Served, source: { open: ByteSource }) =>
  cache.acquire(wanted, source.open, { signal: never })

async function open(t: TestContext, options: Partial<ModelCacheOptions> = {}): Promise<{ cache: ModelCache; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'mnemos-cache-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return { folder, cache: await openModelCache({ folder, limitBytes: 10_000, retry: quick, ...options }) }
}

/** A disk of so many bytes: a write beyond fails as the kernel fails it. */
async function openOnSmallDisk(
  t: TestContext,
  sizeBytes: number,
): Promise<{ cache: ModelCache; folder: string; disk: () => Promise<number> }> {
  let folder = ''
  const disk = async (): Promise<number> => {
    const sizes = await Promise.all((await filesOf(folder)).map(async (path) => (await stat(path)).size))
    return sizes.reduce((sum, size) => sum + size, 0)
  }
  const opened = await open(t, {
    open: async (path, offset) => {
      const file = await openAppend(path, offset)
      const write = async (chunk: Uint8Array): Promise<void> => {
        if ((await disk()) + chunk.byteLength > sizeBytes) throw Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' })
        await file.write(chunk)
      }
      return { ...file, write }
    },
  })
  folder = opened.folder
  return { ...opened, disk }
}

async function filesOf(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}
