import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StartRate } from './start-rate.ts'

test('a line in which nothing has started does not move', () => {
  assert.equal(new StartRate().perSecond(1_000_000), 0)
})

test('a steady line is measured within a fifth, once it has gone on for half a minute', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 31, max: 300 }), fc.nat({ max: 1e9 }), (rate, seconds, from) => {
      const starts = new StartRate()
      for (let count = 0; count < rate * seconds; count += 1) starts.started(from + (count * 1000) / rate)
      const measured = starts.perSecond(from + seconds * 1000)
      assert.ok(Math.abs(measured - rate) <= rate * 0.2 + 0.1, `${measured} of ${rate}`)
    }),
    { numRuns: 50 },
  )
})

test('a line that stopped is seen to stand after a minute', () => {
  const starts = new StartRate()
  for (let at = 0; at < 40_000; at += 100) starts.started(at)
  assert.ok(starts.perSecond(60_000) > 0)
  assert.equal(starts.perSecond(100_001), 0)
})
