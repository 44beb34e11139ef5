import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createBackoff } from './backoff.ts'

test('doubles from the base to the ceiling, and starts over after a reset', () => {
  const backoff = createBackoff({ baseMs: 100, maxMs: 1000, random: () => 0 })
  const waits = (count: number): number[] => Array.from({ length: count }, () => backoff.next())
  assert.deepEqual(waits(6), [100, 200, 400, 800, 1000, 1000])
  backoff.reset()
  assert.deepEqual(waits(2), [100, 200])
})

test('shortens a wait by at most a half, and never exceeds the ceiling however many tries there were', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.integer({ min: 1, max: 100 }), (jitter, tries) => {
      const backoff = createBackoff({ baseMs: 800, maxMs: 30_000, random: () => jitter })
      let wait = 0
      for (let count = 0; count < tries; count += 1) wait = backoff.next()
      const full = Math.min(30_000, 800 * 2 ** (tries - 1))
      assert.ok(wait > full / 2 && wait <= full, `${wait} of ${full}`)
    }),
  )
})
