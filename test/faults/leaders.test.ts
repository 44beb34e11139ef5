/** Two operators that both believe they lead, and a leader that wakes up after its lease is gone. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { eventually } from '@mnemos/testkit'
import { importModel, startWorld } from './world.ts'

const world = await startWorld({ workers: ['w1', 'w2'] })

it('two operators with leases of their own harm no Job', async () => {
  const first = world.startOperator()
  await importModel(world)
  const second = world.startOperator({ leaseName: 'other', isStandby: true })
  const names = Array.from({ length: 40 }, (_, at) => `both-${at}`)
  await Promise.all(names.map((name) => world.submit(name, 'one two three')))
  // Each worker speaks to one of the two; each may believe what it likes of the other's.
  const ended = await world.settle(names, 90_000)
  assert.ok(ended.every(({ status }) => status?.phase === 'Succeeded'))
  second.kill('SIGTERM')
  await second.ended
  first.kill('SIGTERM')
  await first.ended
})

it('a leader that was paused for longer than its lease commits nothing when it wakes', async () => {
  const old = world.startOperator()
  const names = Array.from({ length: 10 }, (_, at) => `paused-${at}`)
  await Promise.all(names.map((name) => world.submit(name, '[[delay 400]] [[tokens 5]]')))
  await eventually(async () => ['Scheduled', 'Running'].includes((await world.phaseOf('paused-0')) ?? ''), { timeoutMs: 20_000 })
  old.kill('SIGSTOP')
  const young = world.startOperator({ isStandby: true })
  await new Promise((resolve) => setTimeout(resolve, 5000))
  const before = world.proxy.writes().length
  old.kill('SIGCONT')
  const ended = await world.settle(names, 90_000)
  assert.ok(ended.every(({ status }) => status?.phase === 'Succeeded'))
  assert.ok(world.proxy.writes().length >= before)
  for (const each of [old, young]) each.kill('SIGTERM')
  await Promise.all([old.ended, young.ended])
})
