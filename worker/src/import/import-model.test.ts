import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { attemptRef, modelKey } from '@mnemos/contract'
import { pino } from 'pino'
import type { AttemptContext, Ending, Progress } from '../agent/attempt.ts'
import { openModelCache } from '../cache/model-cache.ts'
import { systemClock } from '../clock.ts'
import { createServers } from '../storage/server.ts'
import { type FakeServer, startFakeServer } from '../testing/fake-server.ts'
import { ggufFile, text, u32 } from './gguf.test-kit.ts'
import { importModel } from './import-model.ts'

const model = ggufFile({ keys: { 'general.architecture': text('llama'), 'general.file_type': u32(3) }, tensors: { a: [2, 3] } })
const digest = `sha256:${createHash('sha256').update(model).digest('hex')}`

const key = 'outputs/ns/uid-train/a1/files/model'

describe('the task ImportModel', () => {
  it('stores the bytes under their digest and says what they are', async (t) => {
    const { server, run, progress, scratch } = await open(t)
    const ending = await run({ uri: 'file:///model.gguf', digest })
    assert.equal(ending.kind, 'succeeded')
    const wantOutputs = {
      digest,
      artifact: modelKey(digest),
      sizeBytes: String(model.length),
      format: 'gguf',
      family: 'llama',
      quantization: 'Q4_1',
      parameterCount: '6',
    }
    assert.deepEqual(ending.outputs, wantOutputs)
    assert.deepEqual(JSON.parse(ending.result.inline), wantOutputs)
    assert.deepEqual(server.objects.get(modelKey(digest)), model)
    assert.ok(progress.some(({ message, percent }) => message === 'Fetching the model' && percent === 100))
    assert.ok(progress.some(({ message, percent }) => message === 'Storing the model' && percent === 100))
    assert.deepEqual(await readdir(scratch), [])
  })

  it('pins what it found when no digest is demanded', async (t) => {
    const { run } = await open(t)
    const ending = await run({ uri: 'file:///model.gguf' })
    assert.equal(ending.kind === 'succeeded' && ending.outputs['digest'], digest)
  })

  it('fails with BadInput for another digest, naming the file and both, and stores nothing', async (t) => {
    const { server, run, scratch } = await open(t)
    const wanted = `sha256:${'0'.repeat(64)}`
    await assert.rejects(run({ uri: 'file:///model.gguf', digest: wanted }), (error: Error & { class?: string; reason?: string }) => {
      assert.equal(error.class, 'BadInput')
      assert.equal(error.reason, 'DigestMismatch')
      for (const part of ['file:///model.gguf', wanted, digest]) assert.ok(error.message.includes(part), part)
      return true
    })
    assert.equal(server.objects.size, 0)
    assert.deepEqual(await readdir(scratch), [])
  })

  it('copies what a Job has left in the store under its digest, which is compared with that of the store', async (t) => {
    const { server, run, progress, scratch } = await open(t)
    server.objects.set(key, model)
    const ending = await run({ uri: 'job://train/model', key })
    assert.deepEqual(ending.kind === 'succeeded' && [ending.outputs['digest'], ending.outputs['family']], [digest, 'llama'])
    assert.deepEqual(server.objects.get(modelKey(digest)), model)
    assert.ok(progress.some(({ message, percent }) => message === 'Fetching the model' && percent === 100))
    assert.deepEqual(await readdir(scratch), [])
  })

  it('fails with BadInput when the store has that object no more, naming source and key', async (t) => {
    const { server, run } = await open(t)
    await assert.rejects(run({ uri: 'job://train/model', key }), (error: Error & { class?: string; reason?: string }) => {
      assert.deepEqual([error.class, error.reason], ['BadInput', 'SourceNotFound'])
      for (const part of ['job://train/model', key]) assert.ok(error.message.includes(part), part)
      return true
    })
    assert.equal(server.objects.size, 0)
  })

  it('reads no output of a Job without a key', async (t) => {
    const { run } = await open(t)
    await assert.rejects(run({ uri: 'job://train/model' }), { class: 'BadInput', reason: 'SchemeNotSupported' })
  })

  it('stores nothing twice', async (t) => {
    const { server, run } = await open(t)
    await run({ uri: 'file:///model.gguf' })
    await run({ uri: 'file:///model.gguf' })
    assert.equal(server.requests.filter(({ method, path }) => method === 'PUT' && path.includes('models')).length, 1)
  })

  it('sends the whole file again when the server refused it', async (t) => {
    const { server, run } = await open(t)
    server.refuse((method, path) => method === 'PUT' && path.includes('models'), 503, 2)
    assert.equal((await run({ uri: 'file:///model.gguf' })).kind, 'succeeded')
    assert.deepEqual(server.objects.get(modelKey(digest)), model)
  })

  it('fails with StorageUnavailable when the server stays away', async (t) => {
    const { server, run } = await open(t)
    server.refuse((method) => method === 'PUT' || method === 'HEAD', 503, 1000)
    await assert.rejects(run({ uri: 'file:///model.gguf' }), { class: 'StorageUnavailable' })
  })
})

interface Opened {
  readonly server: FakeServer
  readonly run: (parameters: { uri: string; digest?: string; key?: string }) => Promise<Ending>
  readonly progress: Progress[]
  readonly scratch: string
}

async function open(t: TestContext): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'mnemos-import-'))
  const server = await startFakeServer()
  const servers = createServers()
  await writeFile(join(folder, 'model.gguf'), model)
  t.after(async () => {
    await servers.close()
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })
  const progress: Progress[] = []
  const { signal } = new AbortController()
  const retry = { firstMs: 1, longestMs: 5, forMs: 100 }
  const scratch = join(folder, 'scratch')
  const context: AttemptContext = {
    clock: systemClock,
    random: Math.random,
    logger: pino({ level: 'silent' }),
    cache: await openModelCache({ folder, limitBytes: 1e6 }),
    engines: new Map(),
    servers,
    retry,
    sources: { fileRoot: folder, allowPrivate: false },
    scratch,
    ref: attemptRef({ jobUid: 'uid', namespace: 'ns', name: 'import', attempt: 1 }),
    session: servers.session(server.url, 'token'),
    signal,
    report: (value) => void progress.push(value),
    retrying: { ...retry, signal },
  }
  const run: Opened['run'] = (parameters) => importModel({ type: 'maintenance', task: 'ImportModel', parameters }, context)
  return { server, run, progress, scratch }
}
