import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from './virtual-clock.ts'

test('timers fire in order of their time, then of their making', async () => {
  const clock = virtualClock(0)
  const fired: string[] = []
  clock.setTimeout(() => fired.push('late'), 20)
  clock.setTimeout(() => fired.push('first'), 10)
  clock.setTimeout(() => fired.push('second'), 10)
  clock.setTimeout(() => fired.push('cancelled'), 15).cancel()
  await clock.advance(15)
  assert.deepEqual(fired, ['first', 'second'])
  await clock.advance(5)
  assert.deepEqual(fired, ['first', 'second', 'late'])
  assert.equal(clock.now(), 20)
})

test('a timer that a timer makes fires in the same advance when its time has come', async () => {
  const clock = virtualClock()
  let ticks = 0
  const tick = (): void => {
    ticks += 1
    clock.setTimeout(tick, 10)
  }
  clock.setTimeout(tick, 10)
  await clock.advance(100)
  assert.equal(ticks, 10)
})

test('a sleep ends with its time or with its signal', async () => {
  const clock = virtualClock()
  const stop = new AbortController()
  let slept = false
  const first = clock.sleep(10).then(() => {
    slept = true
  })
  const second = assert.rejects(clock.sleep(10, stop.signal))
  stop.abort()
  await second
  await clock.advance(10)
  await first
  assert.equal(slept, true)
  assert.equal(clock.pending(), 0)
})
