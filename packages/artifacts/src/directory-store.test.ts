import assert from 'node:assert/strict'
import { mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { ArtifactError } from './artifact-store.ts'
import { artifactStoreConformance } from './conformance.ts'
import { openDirectoryStore } from './directory-store.ts'

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'artifacts-'))

artifactStoreConformance('a directory', async () => openDirectoryStore(await folder()))

const isBadKey = (error: unknown): boolean => error instanceof ArtifactError && error.code === 'BadKey'
const of = (content: string): Readable => Readable.from([Buffer.from(content)])

const clashes: Record<string, { there: string; put: string }> = {
  'a key above one that is there is refused': { there: 'a/b/c', put: 'a/b' },
  'a key below one that is there is refused': { there: 'a/b', put: 'a/b/c' },
  'a key far below one that is there is refused': { there: 'a', put: 'a/b/c/d' },
}
for (const [sentence, { there, put }] of Object.entries(clashes)) {
  test(`${sentence}, and nothing is left of it`, async () => {
    const path = await folder()
    const store = await openDirectoryStore(path)
    await store.put(there, of('first'))
    await assert.rejects(store.put(put, of('second')), isBadKey)
    assert.equal(await store.head(put), undefined)
    assert.equal(await store.get(put), undefined)
    assert.deepEqual(await store.list(''), [there])
    assert.equal((await store.head(there))?.sizeBytes, 5)
    assert.deepEqual(await readdir(join(path, 'partial')), [])
  })
}

for (const key of ['a.sha256', 'a/b.sha256', 'a.sha256/b']) {
  test(`${key} would stand where a digest does, and is refused`, async () => {
    const store = await openDirectoryStore(await folder())
    await assert.rejects(store.put(key, of('x')), isBadKey)
    await assert.rejects(store.get(key), isBadKey)
  })
}

test('an object whose bytes a crash kept from arriving is not there', async () => {
  const path = await folder()
  const store = await openDirectoryStore(path)
  await writeFile(join(path, 'objects', 'a.sha256'), 'digest first, bytes second')
  assert.equal(await store.head('a'), undefined)
  assert.deepEqual(await store.list(''), [])
})

test('what was stored is there after a restart, and what a crash left is gone', async () => {
  const path = await folder()
  const first = await openDirectoryStore(path)
  await first.put('a/b', Readable.from([Buffer.from('x')]))
  await writeFile(join(path, 'partial', 'left-over'), 'half')
  const second = await openDirectoryStore(path)
  assert.equal((await second.head('a/b'))?.sizeBytes, 1)
  assert.deepEqual(await readdir(join(path, 'partial')), [])
})

test('folders that hold nothing any more go with the last object, and those beside it stay', async () => {
  const path = await folder()
  const store = await openDirectoryStore(path)
  for (const key of ['a/b/c/d', 'a/e']) await store.put(key, of('x'))
  await store.delete('a/b/c/d')
  assert.deepEqual(await readdir(join(path, 'objects', 'a')), ['e', 'e.sha256'])
  await store.delete('a/e')
  assert.deepEqual(await readdir(join(path, 'objects')), [])
  await store.delete('a/e')
})
