import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '@mnemos/testkit'
import { Pace } from './pace.ts'

test('an object is due again after its time, each on its own', async () => {
  const clock = virtualClock()
  const pace = new Pace(5000, () => clock.monotonic())
  assert.equal(pace.dueInMs('a'), 0)
  pace.written({ type: 'written', uid: 'a' })
  assert.equal(pace.dueInMs('a'), 5000)
  assert.equal(pace.dueInMs('b'), 0)
  await clock.advance(4000)
  assert.equal(pace.dueInMs('a'), 1000)
  await clock.advance(2000)
  assert.equal(pace.dueInMs('a'), 0)
})
