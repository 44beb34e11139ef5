/** The life of Jobs with a real operator, a real API server and workers that do what a test tells them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobInput } from '@mnemos/api'
import { eventually } from '@mnemos/testkit'
import { createModel, digest, jobs, models, ScriptedWorker, startBench, watchJobs } from './operator.fixture.ts'

const bench = await startBench()
const history = await watchJobs(bench.client)
const operator = await bench.startOperator()
await createModel(bench.client, 'm')
const importer = await new ScriptedWorker('importer').connect(operator.dispatch)
await eventually(async () => (await bench.client.get(models, { namespace: 'default', name: 'm' }))?.status?.phase === 'Ready')
importer.disconnect()

/** Runs `body` with a worker of its own, which hangs up after it. */
function withWorker(sentence: string, body: (worker: ScriptedWorker) => Promise<void>): void {
  test(sentence, async (t) => {
    const worker = await new ScriptedWorker(`w-${t.fullName.length}-${process.hrtime.bigint()}`).connect(operator.dispatch)
    try {
      await body(worker)
    } finally {
      worker.disconnect()
    }
  })
}

const spec = (of: Partial<JobInput['spec']>): Partial<JobInput['spec']> => of
const set = (name: string, of: object): Promise<unknown> => bench.client.patch(jobs, { namespace: 'default', name }, { spec: of })
const outcomes = async (name: string): Promise<string[]> => (await bench.job(name)).status?.attempts.map(({ outcome }) => outcome) ?? []

test('a Model is imported by a Job that it owns, and pins the digest that was found', async () => {
  const model = await bench.client.get(models, { namespace: 'default', name: 'm' })
  assert.equal(model?.status?.digest, digest)
  assert.deepEqual(model.status.resolved, { format: 'gguf', family: 'llama' })
  assert.equal(model.status.conditions.find(({ type }) => type === 'Ready')?.status, 'True')
  const { items } = await bench.client.list(jobs, { namespace: 'default' })
  const owned = items.find(({ metadata }) => metadata.ownerReferences?.[0]?.uid === model.metadata.uid)
  assert.match(owned?.metadata.name ?? '', /^m-import-/)
})

withWorker('a short Job costs two writes and its result is acknowledged', async (worker) => {
  worker.onAssign = ({ ref }) => {
    worker.start(ref)
    worker.succeed(ref)
  }
  const { metadata } = await bench.create('short')
  const job = await bench.until('short', 'Succeeded')
  assert.deepEqual(history.phases('short'), ['Pending', 'Scheduled', 'Succeeded'])
  assert.equal(job.status?.result?.inline, '{"text":"hello"}')
  assert.deepEqual(job.status.usage, { promptTokens: 3, completionTokens: 5, durationMs: 7 })
  await eventually(() => worker.acks.includes(`${metadata.uid ?? ''}/1 COMMITTED`))
  const { work } = await worker.given('short')
  assert.ok(work.type === 'inference')
  assert.equal(work.prompt, 'Prompt of short.')
  assert.equal(work.model.digest, digest)
})

withWorker('what still runs after a second is Running', async (worker) => {
  await bench.create('long')
  const { ref } = await worker.given('long')
  worker.start(ref)
  await bench.until('long', 'Running')
  worker.succeed(ref)
  await bench.until('long', 'Succeeded')
  assert.deepEqual(history.phases('long'), ['Pending', 'Scheduled', 'Running', 'Succeeded'])
})

withWorker('a crash is tried again, bad input is not', async (worker) => {
  await bench.create('crashes')
  worker.fail((await worker.given('crashes')).ref, 'EngineCrashed')
  worker.fail((await worker.given('crashes', 2)).ref, 'BadInput', 'The prompt is longer than the context.')
  const job = await bench.until('crashes', 'Failed')
  assert.deepEqual(await outcomes('crashes'), ['EngineCrashed', 'BadInput'])
  assert.equal(job.status?.failures, 2)
  assert.equal(job.status.conditions.find(({ type }) => type === 'Stalled')?.reason, 'BadInput')
})

withWorker('spent retries are a dead letter', async (worker) => {
  await bench.create('poison', spec({ retry: { limit: 1 } }))
  worker.fail((await worker.given('poison')).ref, 'EngineCrashed')
  worker.fail((await worker.given('poison', 2)).ref, 'EngineCrashed')
  const job = await bench.until('poison', 'Failed')
  assert.equal(job.status?.conditions.find(({ type }) => type === 'DeadLettered')?.status, 'True')
})

withWorker('a cancel takes effect when the worker has let go', async (worker) => {
  await bench.create('cancelled')
  const { ref } = await worker.given('cancelled')
  worker.start(ref)
  await bench.until('cancelled', 'Running')
  await set('cancelled', { cancel: true })
  await eventually(() => worker.cancelled.length > 0)
  assert.equal((await bench.job('cancelled')).status?.phase, 'Running')
  worker.cancel(ref)
  await bench.until('cancelled', 'Cancelled')
})

withWorker('a result that comes before the worker obeyed a cancel wins', async (worker) => {
  await bench.create('raced')
  const { ref } = await worker.given('raced')
  await set('raced', { cancel: true })
  await eventually(() => worker.cancelled.length > 0)
  worker.succeed(ref)
  await bench.until('raced', 'Succeeded')
})

withWorker('a Job waits for those it depends on, and fails when one was cancelled', async (worker) => {
  await bench.create('after-both', spec({ dependsOn: ['first', 'second'] }))
  await bench.create('first')
  await bench.create('second', spec({ suspend: true }))
  await bench.create('after-second', spec({ dependsOn: ['second'] }))
  worker.succeed((await worker.given('first')).ref)
  await bench.until('first', 'Succeeded')
  await set('second', { cancel: true })
  await bench.until('second', 'Cancelled')
  for (const name of ['after-both', 'after-second']) {
    const job = await bench.until(name, 'Failed')
    assert.equal(job.status?.failure?.class, 'DependencyFailed')
    assert.equal(job.status.attempt, 0)
  }
})

withWorker('a dependency that succeeds lets the Job start', async (worker) => {
  await bench.create('later', spec({ dependsOn: ['earlier'] }))
  await bench.create('earlier')
  worker.succeed((await worker.given('earlier')).ref)
  worker.succeed((await worker.given('later')).ref)
  await bench.until('later', 'Succeeded')
})

withWorker('a suspended Job says so and starts when it is let go', async (worker) => {
  await bench.create('held', spec({ suspend: true }))
  const held = await eventually(async () => {
    const job = await bench.job('held')
    return job.status?.queue === undefined ? undefined : job
  })
  assert.equal(held.status?.phase, 'Pending')
  assert.match(held.status.queue?.reasons[0] ?? '', /spec\.suspend is true/)
  await set('held', { suspend: false })
  worker.succeed((await worker.given('held')).ref)
  await bench.until('held', 'Succeeded')
})

withWorker('the run deadline stops the attempt and fails the Job', async (worker) => {
  await bench.create('slow', spec({ deadlines: { runSeconds: 1 } }))
  const { ref } = await worker.given('slow')
  worker.start(ref)
  await eventually(() => worker.cancelled.length > 0)
  worker.cancel(ref)
  const job = await bench.until('slow', 'Failed')
  assert.equal(job.status?.failure?.class, 'DeadlineExceeded')
})

test('the queue deadline fails a Job that found no worker', async () => {
  await bench.create('too-late', spec({ deadlines: { queueSeconds: 1 } }))
  const job = await bench.until('too-late', 'Failed')
  assert.equal(job.status?.conditions.find(({ type }) => type === 'Stalled')?.reason, 'DeadlineExceeded')
})

withWorker('an ended Job is deleted when its time has come', async (worker) => {
  await bench.create('brief', spec({ ttlSecondsAfterFinished: 1 }))
  worker.succeed((await worker.given('brief')).ref)
  await eventually(async () => (await bench.client.get(jobs, { namespace: 'default', name: 'brief' })) === undefined)
})

withWorker('a Job waits for a Model that does not exist yet, and is told which one is near', async (worker) => {
  await createModel(bench.client, 'smollm2')
  await bench.create('early', spec({ inference: { modelRef: { name: 'smollm' }, prompt: 'Hello.' } }))
  const waiting = await eventually(async () => {
    const job = await bench.job('early')
    return job.status?.queue === undefined ? undefined : job
  })
  assert.match(waiting.status?.queue?.reasons[0] ?? '', /no Model smollm in namespace default; did you mean smollm2\?/)
  await createModel(bench.client, 'smollm')
  worker.succeed((await worker.given('early')).ref)
  await bench.until('early', 'Succeeded')
})

withWorker('a Model whose bytes have another digest says which, and its Jobs wait', async (worker) => {
  worker.onAssign = ({ ref, work }) => {
    if (work.type === 'maintenance')
      worker.fail(ref, 'BadInput', `${work.parameters.uri} has digest sha256:1 instead of sha256:2.`, 'DigestMismatch')
  }
  await createModel(bench.client, 'wrong', { digest: `sha256:${'2'.repeat(64)}` })
  const model = await eventually(async () => {
    const found = await bench.client.get(models, { namespace: 'default', name: 'wrong' })
    return found?.status?.phase === 'Failed' ? found : undefined
  })
  const stalled = model.status?.conditions.find(({ type }) => type === 'Stalled')
  assert.ok(stalled !== undefined)
  assert.equal(stalled.reason, 'DigestMismatch')
  assert.match(stalled.message, /file:\/\/\/wrong\.gguf has digest sha256:1 instead of sha256:2/)
})

for (const phase of ['Scheduled', 'Running'] as const) {
  withWorker(`a ${phase} Job that is deleted is stopped on its worker, and its result is wanted by nobody`, async (worker) => {
    const name = `deleted-${phase.toLowerCase()}`
    const { metadata } = await bench.create(name)
    const { ref } = await worker.given(name)
    if (phase === 'Running') worker.start(ref)
    await bench.until(name, phase)
    await bench.client.delete(jobs, { namespace: 'default', name })
    await eventually(() => worker.cancelled.includes(`${metadata.uid ?? ''}/1`))
    worker.cancel(ref)
    await eventually(() => worker.acks.includes(`${metadata.uid ?? ''}/1 GONE`))
  })
}

test('a Pending Job that is deleted leaves nothing behind', async () => {
  await bench.create('deleted-pending')
  await bench.client.delete(jobs, { namespace: 'default', name: 'deleted-pending' })
  const worker = await new ScriptedWorker('w-pending').connect(operator.dispatch)
  await bench.create('next')
  worker.succeed((await worker.given('next')).ref)
  await bench.until('next', 'Succeeded')
  assert.deepEqual(
    worker.assigned.map(({ ref }) => ref.name),
    ['next'],
  )
  worker.disconnect()
})
