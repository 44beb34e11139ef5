/**
 * A worker as a real process with the real small model: imports it, answers with streamed tokens, cancels, outlives its engine,
 * stops in order. Operator and server are the worker's own test doubles, over real gRPC and HTTP.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type AssignmentWork, type AttemptRef, attemptRef, encodeWork, inferenceResult, modelKey, Verdict } from '@mnemos/contract'
import { eventually } from '@mnemos/testkit'
import { type FakeOperator, type FakeServer, startFakeOperator, startFakeServer } from '@mnemos/worker/testing'
import { ensureSmallModel } from '../../hack/models.ts'

const fetched = await ensureSmallModel((line) => process.stderr.write(`${line}\n`))
const digest = `sha256:${fetched.sha256}`
let folder: string
let operator: FakeOperator
let server: FakeServer
let worker: ChildProcess
let log = ''
let jobs = 0

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mnemos-worker-llama-'))
  await writeFile(join(folder, 'token'), 'join-token')
  operator = await startFakeOperator()
  server = await startFakeServer()
  const flags = ['--operator', operator.address, '--pool', 'ns/pool', '--name', 'w1', '--join-token-file', join(folder, 'token')]
  const more = ['--cache-dir', join(folder, 'cache'), '--file-root', dirname(fetched.path), '--progress-ms', '50', '--log-level', 'debug']
  worker = spawn(process.execPath, ['worker/src/main.ts', ...flags, ...more], { stdio: ['ignore', 'pipe', 'inherit'] })
  worker.stdout?.on('data', (chunk: Buffer) => {
    log += chunk.toString()
  })
  await eventually(() => operator.streams() === 1, { timeoutMs: 30_000 })
})

after(async () => {
  worker.kill('SIGKILL')
  operator.close()
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

function give(work: AssignmentWork): AttemptRef {
  const ref = attemptRef({ jobUid: `uid-${++jobs}`, namespace: 'ns', name: `job-${jobs}`, attempt: 1 })
  operator.assign({ ref, work: encodeWork(work), serverUrl: server.url, token: 'assignment-token' })
  return ref
}

async function resultOf(ref: AttemptRef) {
  const result = await eventually(() => operator.heard('result').find((each) => each.ref?.jobUid === ref.jobUid), { timeoutMs: 60_000 })
  operator.tell({ case: 'ack', value: { ref, verdict: Verdict.COMMITTED } })
  return result.outcome
}

const ask = (prompt: string, maxTokens: number): AttemptRef =>
  give({
    type: 'inference',
    model: { name: 'ns/smol', digest, artifact: modelKey(digest), sizeBytes: fetched.sizeBytes, engine: 'llama-cpp' },
    prompt,
    parameters: { maxTokens },
  })

const tokensOf = (ref: AttemptRef): readonly string[] => server.events.get(`${ref.jobUid}/1`) ?? []

describe('a worker with the real model', () => {
  it('imports it and says what it is', async () => {
    const uri = `file:///${fetched.path.slice(dirname(fetched.path).length + 1)}`
    const outcome = await resultOf(give({ type: 'maintenance', task: 'ImportModel', parameters: { uri, digest } }))
    assert.equal(outcome.case, 'success')
    const { family, quantization, license, sizeBytes } = outcome.value.outputs
    assert.deepEqual(
      { family, quantization, license, sizeBytes },
      { family: 'llama', quantization: 'Q4_1', license: 'apache-2.0', sizeBytes: '98362432' },
    )
    assert.equal(server.objects.get(modelKey(digest))?.length, fetched.sizeBytes)
  })

  it('answers from it, streamed, with the stored object in the result', async () => {
    const ref = ask('What is the capital of France?', 32)
    const outcome = await resultOf(ref)
    assert.equal(outcome.case, 'success')
    const { text } = inferenceResult.parse(JSON.parse(outcome.value.inline))
    assert.match(text, /Paris/)
    assert.equal(tokensOf(ref).join(''), text)
    assert.ok(operator.heard('progress').some(({ message }) => message === 'Downloading the model'))
  })

  it('stops within a token of Cancel', async () => {
    const ref = ask('Write a long story about the sea.', 2000)
    await eventually(() => tokensOf(ref).length >= 5, { timeoutMs: 30_000 })
    const before = tokensOf(ref).length
    operator.tell({ case: 'cancel', value: { ref, reason: 'UserCancelled' } })
    assert.equal((await resultOf(ref)).case, 'cancelled')
    const after = tokensOf(ref).length
    // Those on their way between this process and the worker are not the worker's.
    assert.ok(after - before < 20, `${after - before} tokens after Cancel`)
  })

  it('outlives its engine: the attempt fails with EngineCrashed, the next one answers', async () => {
    const ref = ask('Write a long story about the mountains.', 2000)
    await eventually(() => tokensOf(ref).length >= 5, { timeoutMs: 30_000 })
    process.kill(await engineOf(worker), 'SIGSEGV')
    const outcome = await resultOf(ref)
    assert.equal(outcome.case, 'failure')
    assert.equal(outcome.value.class, 'EngineCrashed')
    const again = await resultOf(ask('What is the capital of France?', 32))
    assert.equal(again.case, 'success')
  })

  it('finds that its copy was damaged and fetches it anew', async () => {
    const path = join(folder, 'cache', 'sha256', fetched.sha256)
    await rm(path)
    await writeFile(path, 'damaged')
    const outcome = await resultOf(ask('What is the capital of France?', 4))
    assert.equal(outcome.case, 'success')
    assert.equal((await readFile(path)).length, fetched.sizeBytes)
    assert.match(log, /a damaged model file was removed/)
  })

  it('finishes its work on SIGTERM, ends with 0, and has logged no secret', async () => {
    const ref = ask('What is the capital of France?', 16)
    await eventually(() => tokensOf(ref).length >= 1, { timeoutMs: 30_000 })
    const ended = new Promise<number | null>((resolve) => worker.once('exit', resolve))
    worker.kill('SIGTERM')
    assert.equal((await resultOf(ref)).case, 'success')
    assert.equal(await ended, 0)
    for (const secret of ['capital of France', 'Paris', 'assignment-token', 'join-token']) assert.ok(!log.includes(secret), secret)
  })
})

/** The engine's process: the child of the worker. */
async function engineOf(parent: ChildProcess): Promise<number> {
  const pid = parent.pid ?? assert.fail('the worker does not run')
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return Number(children.trim().split(' ')[0])
}
