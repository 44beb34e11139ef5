/**
 * A Model made of the output of a Job: real API server, operator, server and worker process; the test is the container that leaves
 * the file behind.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { apiVersion, type Job, type Model } from '@mnemos/api'
import { importJobName } from '@mnemos/domain'
import { assignmentSigner, ensureAssignmentKey } from '@mnemos/identity'
import { parseServerConfig, runServer } from '@mnemos/server'
import { eventually } from '@mnemos/testkit'
import { pino } from 'pino'
import { createModel, jobs, joinToken, models, startBench } from './operator.fixture.ts'

const folder = await mkdtemp(join(tmpdir(), 'mnemos-model-of-job-'))
const stop = new AbortController()
const bench = await startBench()
const { client, cluster } = bench
const server = await startServer()
const operator = await bench.startOperator(undefined, undefined, { serverUrl: server.url })
const signer = assignmentSigner(await ensureAssignmentKey(client, 'mnemos-system'))
const worker = await startWorker()
after(async () => {
  worker.kill('SIGKILL')
  stop.abort()
  await server.running
  await rm(folder, { recursive: true, force: true })
})

async function startServer(): Promise<{ url: string; running: Promise<void> }> {
  let running: Promise<void> = Promise.resolve()
  const config = parseServerConfig({}, { port: 0, artifactsFolder: join(folder, 'store') })
  const url = await new Promise<string>((resolve, reject) => {
    const ports = { credentials: cluster.credentials(), signal: stop.signal, logger: pino({ level: 'silent' }), onListening: resolve }
    running = runServer(config, ports)
    running.catch(reject)
  })
  return { url, running }
}

async function startWorker(): Promise<ChildProcess> {
  await writeFile(join(folder, 'token'), joinToken)
  const flags = ['--operator', operator.dispatch, '--pool', 'default/pool', '--name', 'w', '--join-token-file', join(folder, 'token')]
  const more = ['--cache-dir', join(folder, 'cache'), '--log-level', 'warn']
  return spawn(process.execPath, ['worker/src/main.ts', ...flags, ...more], { stdio: ['ignore', 'inherit', 'inherit'] })
}

const inDefault = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name })
const bytes = 'weights\n'.repeat(500_000)
const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** A container that will leave `model` behind; it is held, so that the test can be it. */
async function aTraining(name: string): Promise<Job> {
  return bench.create(name, { container: { image: 'trainer', outputs: [{ name: 'model', path: '/out/model.gguf' }] }, suspend: true })
}

/** The container has left its file, and the Job has succeeded. */
async function succeeds(job: Job): Promise<string> {
  const uid = job.metadata.uid ?? ''
  const prefix = `outputs/default/${uid}/a1/`
  const token = await signer.sign({ uid, attempt: 1, namespace: 'default', job: job.metadata.name, reads: [], writes: [prefix] }, 600)
  const key = `${prefix}files/model`
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' }
  const answer = await fetch(`${server.url}/v1/artifacts/${key}`, { method: 'PUT', body: bytes, headers })
  assert.equal(answer.status, 200, await answer.text())
  await ends(job, 'Succeeded')
  return key
}

async function ends(job: Job, phase: 'Succeeded' | 'Failed'): Promise<void> {
  const status = { phase, attempt: 1, finishedAt: new Date().toISOString() }
  await client.patch(jobs, inDefault(job.metadata.name), { status }, { subresource: 'status' })
}

async function says(name: string, reason: string): Promise<Model> {
  return eventually(
    async () => {
      const found = (await client.get(models, inDefault(name))) ?? assert.fail(`no Model ${name}`)
      const ready = found.status?.conditions.find(({ type }) => type === 'Ready')
      assert.equal(ready?.reason, reason, JSON.stringify(found.status))
      return found
    },
    { timeoutMs: 30_000, message: `Model ${name} says ${reason}` },
  )
}

test('a Model waits for the Job, has the bytes that it left behind, and keeps them when Job and import are gone', async () => {
  await createModel(client, 'tuned', { uri: 'job://train/model' })
  await says('tuned', 'WaitingForJob')
  const train = await aTraining('train')
  await succeeds(train)
  const { status } = await says('tuned', 'ArtifactVerified')
  assert.deepEqual([status?.digest, status?.artifact, status?.sizeBytes], [digest, `models/sha256/${digest.slice(7)}`, bytes.length])

  await client.delete(jobs, inDefault('train'))
  await client.delete(jobs, inDefault(importJobName(await says('tuned', 'ArtifactVerified'))))
  await client.patch(models, inDefault('tuned'), { spec: { allowedNamespaces: { from: 'All' } } })
  const kept = await eventually(async () => {
    const found = await says('tuned', 'ArtifactVerified')
    assert.equal(found.status?.observedGeneration, found.metadata.generation)
    return found
  })
  assert.deepEqual([kept.status?.digest, kept.status?.phase], [digest, 'Ready'])
})

test('an object of the namespace is a source, too, and other bytes than the demanded ones are refused', async () => {
  const key = await succeeds(await aTraining('again'))
  await createModel(client, 'stored', { uri: `artifact://${key}` })
  assert.equal((await says('stored', 'ArtifactVerified')).status?.digest, digest)
  await createModel(client, 'demanding', { uri: 'job://again/model', digest: `sha256:${'0'.repeat(64)}` })
  await says('demanding', 'DigestMismatch')
})

test('a Job that fails, an output that is not there, and a foreign object are told', async () => {
  await createModel(client, 'of-failed', { uri: 'job://fails/model' })
  await ends(await aTraining('fails'), 'Failed')
  await says('of-failed', 'SourceJobFailed')
  await createModel(client, 'of-nothing', { uri: 'job://again/weights' })
  const { status } = await says('of-nothing', 'SourceInvalid')
  assert.match(status?.conditions[0]?.message ?? '', /Job again has no output weights; it has model/)
  await createModel(client, 'of-others', { uri: 'artifact://outputs/kube-system/uid/a1/files/model' })
  await says('of-others', 'SourceInvalid')
})

test('an import that somebody makes by hand reads no object of another namespace, and none without a key', async () => {
  const parameters = { uri: 'job://again/model', key: 'outputs/kube-system/uid/a1/files/model' }
  for (const [name, given] of Object.entries({ foreign: parameters, keyless: { uri: parameters.uri } })) {
    await client.create(jobs, {
      ...{ apiVersion, kind: 'Job', metadata: inDefault(name) },
      ...{ spec: { maintenance: { task: 'ImportModel', parameters: given } } },
    })
    assert.equal((await bench.until(name, 'Failed')).status?.failure?.class, 'BadInput')
  }
})
