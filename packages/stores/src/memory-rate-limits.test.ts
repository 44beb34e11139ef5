import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryRateLimits } from './memory-rate-limits.ts'
import type { Charge } from './rate-limits.ts'
import { rateLimitsConformance } from './rate-limits-conformance.ts'

rateLimitsConformance('memory', (timing) => Promise.resolve(createMemoryRateLimits(timing)))

test('a charge to a window with room costs the same however many are in it, also when old ones leave', async () => {
  const clock = { ms: 0 }
  const store = createMemoryRateLimits({ now: () => clock.ms })
  const charges: readonly Charge[] = [{ key: 'k', limit: { algorithm: 'SlidingWindow', requests: 1_000_000, windowMs: 30_000 } }]
  const began = performance.now()
  for (let at = 0; at < 90_000; at += 1) {
    clock.ms += 1
    assert.ok((await store.charge(`id-${at}`, charges)).isAdmitted)
    await store.confirm([`id-${at}`])
  }
  // A tenth of this is usual; a look at every charge in the window each time takes more than two billion steps.
  assert.ok(performance.now() - began < 5000, `took ${Math.round(performance.now() - began)} ms`)
})
