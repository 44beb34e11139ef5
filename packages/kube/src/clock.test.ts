import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from './clock.ts'

test('a timer of more than 24 days does not go off at once, and is cancelled like any other', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const days = (count: number): void => {
    for (let hour = 0; hour < count * 24; hour += 1) context.mock.timers.tick(3_600_000)
  }
  let fired = 0
  systemClock.setTimeout(() => (fired += 1), 60 * 86_400_000)
  const cancelled = systemClock.setTimeout(() => (fired += 1), 60 * 86_400_000)
  days(59)
  assert.equal(fired, 0)
  cancelled.cancel()
  days(2)
  assert.equal(fired, 1)
})
