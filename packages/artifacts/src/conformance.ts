/** What every ArtifactStore must do, as a suite that runs against any of them. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { ArtifactError, type ArtifactStore, type ListedArtifact } from './artifact-store.ts'

const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex')
const of = (content: string): Readable => Readable.from([Buffer.from(content)])
/** So many bytes that differ everywhere, in chunks as the network brings them; `end` is called where they would end. */
function many(bytes: number, seed = 1, end: () => void = () => undefined): Readable {
  return Readable.from(
    (function* () {
      for (let at = 0; at < bytes; at += chunkBytes) yield chunkOf(at, Math.min(chunkBytes, bytes - at), seed)
      end()
    })(),
  )
}
const chunkBytes = 60_000
function chunkOf(at: number, length: number, seed: number): Buffer {
  return Buffer.alloc(length, `${seed}:${at};`)
}
async function sha256Of(bytes: Readable): Promise<{ sha256: string; sizeBytes: number }> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    hash.update(chunk)
    sizeBytes += chunk.length
  }
  return { sha256: hash.digest('hex'), sizeBytes }
}
const mebibyte = 1024 ** 2
const cut = (): never => {
  throw new Error('cut')
}
const isError = (code: string) => (error: unknown) => error instanceof ArtifactError && error.code === code

/** @param open a store with nothing in it */
export function artifactStoreConformance(name: string, open: () => Promise<ArtifactStore>): void {
  describe(`${name} as an ArtifactStore`, () => {
    it('gives back what was put, with its digest and size', async () => {
      const store = await open()
      const stored = await store.put('outputs/a/u/a1/result.json', of('hello'))
      assert.deepEqual(stored, { key: 'outputs/a/u/a1/result.json', sha256: sha256('hello'), sizeBytes: 5 })
      const found = await store.get(stored.key)
      assert.ok(found !== undefined)
      assert.deepEqual(found.about, stored)
      assert.equal(await text(found.bytes), 'hello')
    })
    it('stores nothing when the bytes do not have the digest that was promised', async () => {
      const store = await open()
      await assert.rejects(store.put('a/b', of('hello'), { sha256: sha256('other') }), isError('DigestMismatch'))
      assert.equal(await store.head('a/b'), undefined)
    })
    it('stores nothing when the bytes stop in the middle', async () => {
      const store = await open()
      const broken = Readable.from(
        (function* () {
          yield Buffer.from('hel')
          throw new Error('cut')
        })(),
      )
      await assert.rejects(store.put('a/b', broken))
      assert.equal(await store.head('a/b'), undefined)
      assert.deepEqual(await store.list(''), [])
    })
    it('puts the same bytes twice as if once, and other bytes over them', async () => {
      const store = await open()
      await store.put('a/b', of('one'))
      await store.put('a/b', of('one'))
      await store.put('a/b', of('two'))
      assert.equal((await store.head('a/b'))?.sha256, sha256('two'))
      assert.deepEqual(await store.list('a/'), ['a/b'])
    })
    it('keeps what is there when other bytes for it break', async () => {
      const store = await open()
      await store.put('a/b', of('one'))
      await assert.rejects(store.put('a/b', of('two'), { sha256: sha256('other') }), isError('DigestMismatch'))
      assert.equal((await store.head('a/b'))?.sha256, sha256('one'))
    })
    it('keeps one of many that are put at once under one key, whole', async () => {
      const store = await open()
      const contents = Array.from({ length: 32 }, (_, at) => String(at).repeat(1 + at))
      for (let round = 0; round < 4; round++) {
        await Promise.all(contents.map((content) => store.put('a/b', of(content))))
        const found = await store.get('a/b')
        assert.ok(found !== undefined)
        assert.equal(sha256(await text(found.bytes)), found.about.sha256)
      }
    })
    it('keeps many that are put at once under many keys', async () => {
      const store = await open()
      const keys = Array.from({ length: 32 }, (_, at) => `many/${String(at).padStart(2, '0')}`)
      await Promise.all(keys.map((key) => store.put(key, of(key))))
      assert.deepEqual(await store.list('many/'), keys)
      for (const key of keys) assert.equal((await store.head(key))?.sha256, sha256(key))
    })
    it('stores nothing as an object', async () => {
      const store = await open()
      assert.deepEqual(await store.put('empty', of('')), { key: 'empty', sha256: sha256(''), sizeBytes: 0 })
      assert.equal(await text((await store.get('empty'))?.bytes ?? of('x')), '')
    })
    it('lists the keys below a prefix, sorted, and none beside it', async () => {
      const store = await open()
      for (const key of ['b/2', 'b/1/x', 'a', 'bb', 'b/10']) await store.put(key, of(key))
      assert.deepEqual(await store.list('b/'), ['b/1/x', 'b/10', 'b/2'])
      assert.deepEqual(await store.list(''), ['a', 'b/1/x', 'b/10', 'b/2', 'bb'])
      assert.deepEqual(await store.list('c'), [])
    })
    it('tells what lies below a prefix in pages, each object once, with its size and time', async () => {
      const store = await open()
      const keys = ['a', 'b-1/x', 'b/1/x', 'b/1/y', 'b/10', 'b/2', 'bb', 'c/d/e']
      for (const key of keys) await store.put(key, of(key))
      const below = async (prefix: string, limit: number) => {
        const items: ListedArtifact[] = []
        for (let after: string | undefined, isFirst = true; isFirst || after !== undefined; isFirst = false) {
          const page = await store.page(prefix, { limit, after })
          assert.ok(page.items.length <= limit)
          items.push(...page.items)
          after = page.next
        }
        return items
      }
      for (const limit of [1, 2, 3, 100])
        for (const prefix of ['', 'b', 'b/', 'b/1', 'b/1/', 'none/'])
          assert.deepEqual(
            (await below(prefix, limit)).map(({ key }) => key).sort(),
            keys.filter((key) => key.startsWith(prefix)),
            `${prefix} by ${limit}`,
          )
      for (const { key, sizeBytes, modifiedAt } of await below('', 3)) {
        assert.equal(sizeBytes, key.length)
        assert.ok(Math.abs(modifiedAt - Date.now()) < 600_000)
      }
    })
    it('reads a range, and refuses one beyond the end', async () => {
      const store = await open()
      await store.put('a/b', of('0123456789'))
      const part = await store.get('a/b', { start: 3, end: 5 })
      assert.equal(await text(part?.bytes ?? Readable.from([])), '345')
      const rest = await store.get('a/b', { start: 8 })
      assert.equal(await text(rest?.bytes ?? Readable.from([])), '89')
      const beyond = await store.get('a/b', { start: 9, end: 99 })
      assert.equal(await text(beyond?.bytes ?? Readable.from([])), '9')
      await assert.rejects(store.get('a/b', { start: 10 }), isError('BadRange'))
      await assert.rejects(store.get('a/b', { start: 5, end: 4 }), isError('BadRange'))
    })
    it('has nothing where nothing was put, and deletes that too', async () => {
      const store = await open()
      assert.equal(await store.get('a/b'), undefined)
      await store.delete('a/b')
      await store.put('a/b', of('x'))
      await store.delete('a/b')
      assert.equal(await store.head('a/b'), undefined)
    })
    for (const bytes of [5 * mebibyte, 8 * mebibyte, 8 * mebibyte + 1, 20 * mebibyte + 3]) {
      for (const isPromised of [true, false]) {
        it(`keeps ${bytes} bytes whose digest is ${isPromised ? 'promised' : 'not known before their end'}`, async () => {
          const store = await open()
          const want = await sha256Of(many(bytes))
          const stored = await store.put('large/a', many(bytes), isPromised ? { sha256: want.sha256 } : {})
          assert.deepEqual(stored, { key: 'large/a', ...want })
          assert.deepEqual(await store.head('large/a'), stored)
          const found = await store.get('large/a')
          assert.ok(found !== undefined)
          assert.deepEqual(found.about, stored)
          assert.deepEqual(await sha256Of(found.bytes), want)
          const middle = await store.get('large/a', { start: 4 * mebibyte - 10, end: 4 * mebibyte + 9 })
          const whole = Buffer.concat((await many(4 * mebibyte + 10).toArray()) as Buffer[])
          assert.deepEqual(Buffer.concat((await middle?.bytes.toArray()) ?? []), whole.subarray(4 * mebibyte - 10))
          assert.deepEqual(middle?.about, stored)
          assert.deepEqual(await store.list(''), ['large/a'])
        })
      }
    }
    for (const isPromised of [true, false]) {
      const promise = isPromised ? { sha256: sha256('something else') } : {}
      it(`stores nothing when many bytes ${isPromised ? 'do not have their digest' : 'stop in the middle'}, and keeps what was there`, async () => {
        const store = await open()
        await store.put('large/a', of('before'))
        const end = isPromised ? undefined : cut
        await assert.rejects(store.put('large/a', many(12 * mebibyte, 1, end), promise), isPromised ? isError('DigestMismatch') : /cut/)
        await assert.rejects(store.put('large/b', many(12 * mebibyte, 1, end), promise))
        assert.equal((await store.head('large/a'))?.sha256, sha256('before'))
        assert.equal(await store.head('large/b'), undefined)
        assert.deepEqual(await store.list(''), ['large/a'])
      })
    }
    it('keeps one of some large ones that are put at once under one key, whole', async () => {
      const store = await open()
      const bytes = 9 * mebibyte
      const digests = await Promise.all([1, 2, 3].map(async (seed) => (await sha256Of(many(bytes, seed))).sha256))
      const puts = digests.map((digest, at) => store.put('large/a', many(bytes, at + 1), at === 0 ? {} : { sha256: digest }))
      assert.deepEqual(
        (await Promise.all(puts)).map(({ sha256: digest }) => digest),
        digests,
      )
      const found = await store.get('large/a')
      assert.ok(found !== undefined && digests.includes(found.about.sha256))
      assert.equal((await sha256Of(found.bytes)).sha256, found.about.sha256)
      assert.deepEqual(await store.list(''), ['large/a'])
    })
    it('gives a reader the object that it began with, or an error, when another is put over it', async () => {
      const store = await open()
      const bytes = 9 * mebibyte
      const before = await store.put('large/a', many(bytes, 1))
      const found = await store.get('large/a')
      assert.ok(found !== undefined)
      await store.put('large/a', many(bytes, 2))
      const read = await sha256Of(found.bytes).catch(() => undefined)
      assert.ok(read === undefined || read.sha256 === before.sha256)
    })
    it('lets go of a reader that stops in the middle', async () => {
      const store = await open()
      await store.put('large/a', many(9 * mebibyte))
      for (let round = 0; round < 8; round++) {
        const found = await store.get('large/a')
        for await (const _ of found?.bytes ?? []) break
        assert.equal(found?.bytes.destroyed, true)
      }
      const unread = await store.get('large/a')
      unread?.bytes.destroy()
      assert.equal((await store.head('large/a'))?.sizeBytes, 9 * mebibyte)
    })
    it('stores nothing of a source that is broken from its beginning', async () => {
      const store = await open()
      const broken = Readable.from([])
      broken.destroy(new Error('broken'))
      broken.on('error', () => undefined)
      await assert.rejects(store.put('a/b', broken))
      assert.deepEqual(await store.list(''), [])
    })
    it('refuses a digest that is wrong for no bytes at all', async () => {
      const store = await open()
      await assert.rejects(store.put('a/b', of(''), { sha256: sha256('x') }), isError('DigestMismatch'))
      assert.equal(await store.head('a/b'), undefined)
    })
    it('has no range of an empty object', async () => {
      const store = await open()
      await store.put('empty', of(''))
      await assert.rejects(store.get('empty', { start: 0 }), isError('BadRange'))
      assert.equal(await store.get('absent', { start: 0 }), undefined)
    })
    it('keeps the longest key, and keys that differ in case or by a dot', async () => {
      const store = await open()
      const keys = [[1, 2, 3, 4].map((at) => String(at).repeat(127)).join('/'), 'k/A', 'k/a', 'k/a.b', 'k/a-b', 'k/a_b', 'k/a..b'].sort()
      for (const key of keys) await store.put(key, of(key))
      assert.deepEqual(await store.list(''), keys)
      for (const key of keys) assert.equal((await store.head(key))?.sha256, sha256(key))
    })
    it('lists more keys than a server tells at once', async () => {
      const store = await open()
      const keys = Array.from({ length: 1100 }, (_, at) => `page/${String(at).padStart(4, '0')}`)
      for (let at = 0; at < keys.length; at += 50) await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, of(key))))
      assert.deepEqual(await store.list('page/'), keys)
      assert.equal((await store.list('')).length, keys.length)
    })
    it('can be used, and has nothing to sweep', async () => {
      const store = await open()
      await store.check()
      assert.equal(await store.sweep(60_000), 0)
    })
    for (const key of ['', '/', '../x', 'a/../b', 'a//b', '/a', 'a/', '.hidden', 'a/\0b', 'ä', 'a'.repeat(600)]) {
      it(`refuses ${JSON.stringify(key.slice(0, 12))} as a key`, async () => {
        const store = await open()
        await assert.rejects(store.put(key, of('x')), isError('BadKey'))
        await assert.rejects(store.get(key), isError('BadKey'))
        await assert.rejects(store.head(key), isError('BadKey'))
        await assert.rejects(store.delete(key), isError('BadKey'))
      })
    }
  })
}
