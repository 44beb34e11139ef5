/** Workers that come, go, fall silent and come back, and operators that do: no attempt is lost, none is committed twice. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Worker, type WorkerPool, workerPoolResource, workerResource } from '@mnemos/api'
import { resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { createModel, fast, models, type OperatorProcess, ScriptedWorker, startBench, watchJobs } from './operator.fixture.ts'

const workers = resource<Worker>(workerResource)
const pools = resource<WorkerPool>(workerPoolResource)

const bench = await startBench()
const history = await watchJobs(bench.client)
await createModel(bench.client, 'm')
await withOperator(async (operator) => {
  const importer = await new ScriptedWorker('importer').connect(operator.dispatch)
  await eventually(async () => (await bench.client.get(models, { namespace: 'default', name: 'm' }))?.status?.phase === 'Ready')
  importer.disconnect()
})

async function withOperator(body: (operator: OperatorProcess) => Promise<void>): Promise<void> {
  const operator = await bench.startOperator()
  try {
    await body(operator)
  } finally {
    await operator.stop()
  }
}

/** Runs `body` with an operator and a first worker of its own. */
function scenario(sentence: string, body: (operator: OperatorProcess, worker: ScriptedWorker) => Promise<void>): void {
  test(sentence, () =>
    withOperator(async (operator) => {
      const worker = await new ScriptedWorker(`w-${process.hrtime.bigint()}`).connect(operator.dispatch)
      try {
        await body(operator, worker)
      } finally {
        worker.disconnect()
        await bench.clear()
      }
    }),
  )
}

const attemptsOf = async (name: string): Promise<string[]> =>
  (await bench.job(name)).status?.attempts.map(({ attempt, outcome }) => `${attempt} ${outcome}`) ?? []
const stateOf = async (name: string): Promise<string | undefined> =>
  (await bench.client.get(workers, { namespace: 'default', name }))?.status?.state

scenario('a worker process that is replaced loses its attempt at once, and that costs no retry', async (operator, worker) => {
  await bench.create('replaced')
  worker.start((await worker.given('replaced')).ref)
  await bench.until('replaced', 'Running')
  const since = performance.now()
  worker.restart()
  await worker.connect(operator.dispatch)
  worker.succeed((await worker.given('replaced', 2)).ref)
  assert.ok(performance.now() - since < fast.offlineMs, 'without waiting for silence')
  const job = await bench.until('replaced', 'Succeeded')
  assert.equal(job.status?.failures, 0)
  assert.deepEqual(await attemptsOf('replaced'), ['1 NodeLost', '2 Succeeded'])
})

scenario('a worker that lost its line goes on with the same attempt', async (operator, worker) => {
  const { metadata } = await bench.create('cut')
  const { ref } = await worker.given('cut')
  worker.start(ref)
  worker.disconnect()
  worker.succeed(ref)
  await worker.connect(operator.dispatch)
  await bench.until('cut', 'Succeeded')
  assert.deepEqual(await attemptsOf('cut'), ['1 Succeeded'])
  await eventually(() => worker.acks.includes(`${metadata.uid ?? ''}/1 COMMITTED`))
})

scenario('an assignment that was lost on the way is sent again', async (operator, worker) => {
  worker.onAssign = ({ ref }) => worker.running.delete(`${ref.jobUid}/${ref.attempt}`)
  await bench.create('lost')
  await worker.given('lost')
  await bench.until('lost', 'Scheduled')
  await worker.connect(operator.dispatch)
  await eventually(() => worker.assigned.filter(({ ref }) => ref.name === 'lost').length === 2)
  assert.deepEqual(
    worker.assigned.map(({ ref }) => ref.attempt),
    [1, 1],
  )
})

scenario('a worker that falls silent is replaced, and what it says later is refused', async (operator, worker) => {
  const { metadata } = await bench.create('silent')
  const { ref } = await worker.given('silent')
  worker.start(ref)
  worker.pause()
  await eventually(async () => (await stateOf(worker.name)) === 'Suspect')
  const other = await new ScriptedWorker(`${worker.name}-other`).connect(operator.dispatch)
  const again = await other.given('silent', 2)
  other.start(again.ref)
  assert.equal(await stateOf(worker.name), 'Offline')
  worker.succeed(ref, '{"text":"too late"}')
  await eventually(() => worker.acks.includes(`${metadata.uid ?? ''}/1 SUPERSEDED`))
  other.succeed(again.ref)
  const job = await bench.until('silent', 'Succeeded')
  assert.equal(job.status?.result?.inline, '{"text":"hello"}')
  assert.deepEqual(await attemptsOf('silent'), ['1 NodeLost', '2 Succeeded'])
  other.disconnect()
})

scenario('a suspect worker gets no new work until it is heard again', async (_operator, worker) => {
  worker.pause()
  await eventually(async () => (await stateOf(worker.name)) === 'Suspect')
  await bench.create('patient')
  assert.equal(worker.assigned.length, 0)
  worker.beat()
  await worker.given('patient')
})

scenario('a worker that hands its attempt back costs no retry', async (operator, worker) => {
  await bench.create('released')
  worker.release((await worker.given('released')).ref)
  worker.disconnect()
  const other = await new ScriptedWorker(`${worker.name}-other`).connect(operator.dispatch)
  other.succeed((await other.given('released', 2)).ref)
  assert.equal((await bench.until('released', 'Succeeded')).status?.failures, 0)
  other.disconnect()
})

scenario('a Worker that is told to drain finishes and takes nothing new', async (operator, worker) => {
  await bench.create('before-drain')
  const { ref } = await worker.given('before-drain')
  await bench.client.patch(workers, { namespace: 'default', name: worker.name }, { spec: { drain: true } })
  await eventually(() => worker.drained > 0)
  await bench.create('after-drain')
  worker.succeed(ref)
  await bench.until('before-drain', 'Succeeded')
  const other = await new ScriptedWorker(`${worker.name}-other`).connect(operator.dispatch)
  await other.given('after-drain')
  assert.equal(worker.assigned.length, 1)
  other.disconnect()
})

scenario('a pool and its Workers show who is there', async (_operator, worker) => {
  await eventually(async () => {
    const pool = await bench.client.get(pools, { namespace: 'default', name: 'pool' })
    return pool?.status?.ready === 1 && pool.status.idle === 1
  })
  const shown = await bench.client.get(workers, { namespace: 'default', name: worker.name })
  assert.equal(shown?.status?.instance, worker.instance)
  assert.equal(shown.status.slots, 4)
  assert.equal(shown.status.models[0]?.state, 'Loaded')
  await eventually(async () =>
    (await bench.client.get(models, { namespace: 'default', name: 'm' }))?.status?.loadedOn?.includes(worker.name),
  )
})

test('a worker with another token is refused and hears why, not what the token is', () =>
  withOperator(async (operator) => {
    const stranger = new ScriptedWorker('stranger')
    await stranger.connect(operator.dispatch, { token: 'another' })
    assert.match(stranger.ended ?? '', /^7 .*the join token is not that of WorkerPool default\/pool/)
    assert.ok(!(stranger.ended ?? '').includes('a-token-for-tests'))
    assert.equal(await bench.client.get(workers, { namespace: 'default', name: 'stranger' }), undefined)
  }))

test('another operator takes over what runs and commits it', async () => {
  const first = await bench.startOperator()
  const worker = await new ScriptedWorker('survivor').connect(first.dispatch)
  const { metadata } = await bench.create('handed-over')
  const { ref } = await worker.given('handed-over')
  worker.start(ref)
  await bench.until('handed-over', 'Running')
  const second = await bench.startOperator()
  await first.stop()
  await worker.connect(second.dispatch)
  worker.succeed(ref)
  await bench.until('handed-over', 'Succeeded')
  assert.deepEqual(await attemptsOf('handed-over'), ['1 Succeeded'])
  assert.deepEqual(worker.assigned.length, 1)
  await eventually(() => worker.acks.includes(`${metadata.uid ?? ''}/1 COMMITTED`))
  worker.disconnect()
  await second.stop()
})

test('a result that was committed before the operator stopped is acknowledged by the next one', async () => {
  const worker = new ScriptedWorker('deaf')
  await withOperator(async (first) => {
    await worker.connect(first.dispatch)
    await bench.create('unheard')
    const { ref } = await worker.given('unheard')
    worker.succeed(ref)
    await bench.until('unheard', 'Succeeded')
    await eventually(() => worker.acks.length > 0)
    worker.disconnect()
    worker.keep(ref)
  })
  worker.acks.length = 0
  await withOperator(async (second) => {
    await worker.connect(second.dispatch)
    await eventually(() => worker.acks.some((ack) => ack.endsWith('/1 COMMITTED')))
  })
  worker.disconnect()
  assert.equal(history.versions('unheard').at(-1)?.status?.phase, 'Succeeded')
})

test('an attempt whose worker never comes back to the new operator is given to another', async () => {
  const lost = new ScriptedWorker('never-back')
  await withOperator(async (first) => {
    await lost.connect(first.dispatch)
    await bench.create('orphan')
    lost.start((await lost.given('orphan')).ref)
    await bench.until('orphan', 'Running')
  })
  lost.disconnect()
  await withOperator(async (second) => {
    const other = await new ScriptedWorker('always-there').connect(second.dispatch)
    other.succeed((await other.given('orphan', 2)).ref)
    await bench.until('orphan', 'Succeeded')
    other.disconnect()
  })
  assert.deepEqual(await attemptsOf('orphan'), ['1 NodeLost', '2 Succeeded'])
})

test('an operator that does not lead sends workers away', () =>
  withOperator(async (leader) => {
    const worker = await new ScriptedWorker('asks-both').connect(leader.dispatch)
    await withOperator(async (standby) => {
      const astray = new ScriptedWorker('astray')
      await assert.rejects(astray.connect(standby.dispatch, { timeoutMs: 1000 }))
      assert.match(astray.refusals[0] ?? '', /^14 .*does not lead/)
    })
    worker.disconnect()
  }))

test('no attempt was ever committed twice, and no phase was taken back', () => {
  for (const name of ['replaced', 'cut', 'silent', 'handed-over', 'orphan']) {
    const phases = history.phases(name)
    assert.equal(phases.filter((phase) => phase === 'Succeeded').length, 1, `${name}: ${phases.join(' ')}`)
  }
})
