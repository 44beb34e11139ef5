import assert from 'node:assert/strict'
import { mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { artifactStoreConformance } from './conformance.ts'
import { openDirectoryStore } from './directory-store.ts'

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'artifacts-'))

artifactStoreConformance('a directory', async () => openDirectoryStore(await folder()))

test('what was stored is there after a restart, and what a crash left is gone', async () => {
  const path = await folder()
  const first = await openDirectoryStore(path)
  await first.put('a/b', Readable.from([Buffer.from('x')]))
  await writeFile(join(path, 'partial', 'left-over'), 'half')
  const second = await openDirectoryStore(path)
  assert.equal((await second.head('a/b'))?.sizeBytes, 1)
  assert.deepEqual(await readdir(join(path, 'partial')), [])
})
