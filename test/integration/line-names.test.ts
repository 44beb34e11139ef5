/** Workers of one name, and workers whose Worker or WorkerPool goes: who stays connected, and who is judged anew. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiVersion, type Worker, type WorkerPool, workerPoolResource, workerResource } from '@mnemos/api'
import { resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { fast, ScriptedWorker, startBench } from './operator.fixture.ts'

const workers = resource<Worker>(workerResource)
const pools = resource<WorkerPool>(workerPoolResource)
const inDefault = (name: string) => ({ namespace: 'default', name })

const bench = await startBench()
const { client } = bench
const { dispatch } = await bench.startOperator()

test('a second process of the same name is refused while the first one answers, and hears of both', async () => {
  const first = await new ScriptedWorker('twin').connect(dispatch)
  for (let turn = 0; turn < 3; turn += 1) {
    const second = await new ScriptedWorker('twin').connect(dispatch)
    assert.match(second.ended ?? 'let in', /^6 .*Worker default\/twin is connected as instance/)
    for (const { instance } of [first, second]) assert.ok(second.ended?.includes(instance))
    second.disconnect()
  }
  assert.equal(first.ended, undefined)
  assert.equal(first.welcome, 1)
  first.disconnect()
})

test('a process that is restarted does not wait for the half-open line of its predecessor to be suspect', async () => {
  const dead = await new ScriptedWorker('restarted').connect(dispatch)
  // Neither hangs up nor answers, as after a crash of its machine.
  dead.pause()
  const since = performance.now()
  const next = await new ScriptedWorker('restarted').connect(dispatch)
  assert.equal(next.ended, undefined)
  assert.ok(performance.now() - since < fast.suspectMs)
  await eventually(() => dead.ended !== undefined, { message: 'the old line is ended' })
  next.disconnect()
  dead.disconnect()
})

test('a process that hung up makes way at once', async () => {
  const worker = await new ScriptedWorker('quick').connect(dispatch)
  worker.restart()
  await worker.connect(dispatch)
  assert.equal(worker.ended, undefined)
  worker.disconnect()
})

test('a worker whose Worker is deleted is sent away, comes again and has a new one', async () => {
  const worker = await new ScriptedWorker('deleted').connect(dispatch)
  const before = await client.get(workers, inDefault('deleted'))
  await client.delete(workers, inDefault('deleted'))
  await eventually(() => worker.ended)
  assert.match(worker.ended ?? '', /^14 .*Worker default\/deleted was deleted/)
  await worker.connect(dispatch)
  const after = await client.get(workers, inDefault('deleted'))
  assert.ok(after !== undefined && after.metadata.uid !== before?.metadata.uid)
  worker.disconnect()
})

test('a worker whose pool is deleted is sent away; when the pool is there again, it is judged by that one', async () => {
  const worker = await new ScriptedWorker('orphan').connect(dispatch)
  const pool = await client.get(pools, inDefault('pool'))
  await client.delete(pools, inDefault('pool'))
  await eventually(() => worker.ended)
  assert.match(worker.ended ?? '', /^14 .*WorkerPool default\/pool was deleted/)
  await worker.connect(dispatch)
  assert.match(worker.ended ?? '', /^7 .*there is no WorkerPool default\/pool; create it first/)
  const object = { apiVersion, kind: 'WorkerPool', metadata: inDefault('pool'), spec: { external: true } }
  const again = await client.create(pools, object)
  await worker.connect(dispatch)
  assert.equal(worker.ended, undefined)
  const owner = (await client.get(workers, inDefault('orphan')))?.metadata.ownerReferences?.[0]?.uid
  assert.ok(again.metadata.uid !== pool?.metadata.uid)
  assert.equal(owner, again.metadata.uid)
  worker.disconnect()
})
