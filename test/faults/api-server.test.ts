/** The API server and etcd die and come back, conflict and throttle: the work goes on, and the operator does not storm. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { importModel, jobs, startWorld } from './world.ts'

const world = await startWorld({ workers: ['w1', 'w2', 'w3'] })
const operator = world.startOperator()
await importModel(world)

it('API server and etcd are killed under 200 Jobs and come back: every Job ends once', async () => {
  const names = Array.from({ length: 200 }, (_, at) => `many-${at}`)
  await Promise.all(names.map((name) => world.submit(name, '[[delay 50]] [[tokens 5]]')))
  for (const program of ['kube-apiserver', 'etcd', 'kube-apiserver'] as const) {
    await world.cluster.kill(program)
    await world.cluster.start(program)
  }
  const ended = await world.settle(names, 120_000)
  assert.equal(ended.filter(({ status }) => status?.phase === 'Succeeded').length, 200)
  await world.rests()
})

it('a second writer touches every Job 20 times a second: conflicts cost nothing but repetition', async () => {
  const names = Array.from({ length: 20 }, (_, at) => `touched-${at}`)
  const stop = new AbortController()
  const touching = (async () => {
    for (let turn = 0; !stop.signal.aborted; turn += 1) {
      await Promise.all(
        names.map((name) =>
          world.client
            .patch(jobs, { namespace: 'default', name }, { metadata: { annotations: { turn: String(turn) } } })
            .catch(() => undefined),
        ),
      )
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return true
  })()
  await Promise.all(names.map((name) => world.submit(name, '[[delay 50]] [[tokens 5]]')))
  const ended = await world.settle(names, 90_000)
  stop.abort()
  await touching
  assert.ok(ended.every(({ status }) => status?.phase === 'Succeeded'))
  assert.ok(
    ended.every(({ metadata }) => metadata.annotations?.['turn'] !== undefined),
    'the other writer is not overwritten',
  )
  await world.rests()
})

it('the API server throttles a third of all writes: the lease is kept and everything ends', async () => {
  const before = world.proxy.requests().length
  const storms = [0, 3, 6].map((skip) =>
    world.proxy.rule({
      method: /^(POST|PATCH)$/,
      path: /mnemosjobs/,
      skip,
      times: 20,
      fault: { kind: 'status', code: 429, reason: 'TooManyRequests', retryAfterSeconds: 1 },
    }),
  )
  const names = Array.from({ length: 30 }, (_, at) => `throttled-${at}`)
  await Promise.all(names.map((name) => world.submit(name, 'one two three')))
  const ended = await world.settle(names, 90_000)
  assert.ok(ended.every(({ status }) => status?.phase === 'Succeeded'))
  assert.ok(storms.reduce((sum, { fired }) => sum + fired, 0) >= 20, 'the storm happened')
  const asked = world.proxy.requests().length - before
  assert.ok(asked < 1000, `the operator asked ${asked} times`)
  assert.doesNotThrow(() => process.kill(operator.pid, 0))
  await world.rests()
})
