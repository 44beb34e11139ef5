/** What every ArtifactStore must do, as a suite that runs against any of them. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { ArtifactError, type ArtifactStore } from './artifact-store.ts'

const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex')
const of = (content: string): Readable => Readable.from([Buffer.from(content)])
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
