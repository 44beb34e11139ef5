import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Charge, createMemoryRateLimits, type RateLimits, RateLimitsError } from '@mnemos/stores'
import { virtualClock } from '@mnemos/testkit'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { createConfirmations } from './confirmations.ts'
import { createRateLimitMetrics } from './rate-limit-metrics.ts'

const limits: readonly Charge[] = [{ key: 'k', limit: { algorithm: 'SlidingWindow', requests: 10, windowMs: 3_600_000 } }]

function running({ sweepEveryMs, seen = [] }: { sweepEveryMs?: number; seen?: readonly string[] } = {}) {
  const clock = virtualClock()
  const memory = createMemoryRateLimits({ now: clock.now })
  const registry = new Registry()
  const away = { is: false }
  const store: RateLimits = {
    ...memory,
    confirm: (ids) => (away.is ? Promise.reject(new RateLimitsError('Unavailable', 'gone')) : memory.confirm(ids)),
  }
  const confirmations = createConfirmations(
    { store, clock, logger: pino({ level: 'silent' }), metrics: createRateLimitMetrics(registry), sweepEveryMs },
    (uid) => seen.includes(uid),
  )
  const stop = new AbortController()
  const done = confirmations.run(stop.signal)
  const count = async (outcome: string): Promise<number> =>
    Number(new RegExp(`confirmations_total\\{outcome="${outcome}"\\} (\\d+)`).exec(await registry.metrics())?.[1] ?? 0)
  return { clock, memory, away, confirmations, stop, done, count }
}

test('what was stored is confirmed at once, and stays charged', async () => {
  const { clock, memory, confirmations, stop, done, count } = running()
  await memory.charge('a', limits)
  await memory.charge('b', limits)
  confirmations.stored('a')
  await clock.advance(0)
  assert.deepEqual(await memory.unconfirmed(0), ['b'])
  assert.equal(await count('confirmed'), 1)
  stop.abort()
  await done
})

test('a store that is away is told when it is back', async () => {
  const { clock, memory, away, confirmations, stop, done, count } = running()
  await memory.charge('a', limits)
  away.is = true
  confirmations.stored('a')
  await clock.advance(5 * 60_000)
  assert.deepEqual(await memory.unconfirmed(0), ['a'])
  away.is = false
  await clock.advance(500)
  assert.deepEqual(await memory.unconfirmed(0), [])
  assert.deepEqual([await count('confirmed'), (await count('failed')) > 10], [1, true])
  stop.abort()
  await done
})

test('what can no longer be confirmed is given up', async () => {
  const { clock, away, confirmations, stop, done, count } = running()
  away.is = true
  confirmations.stored('a')
  await clock.advance(11 * 60_000)
  away.is = false
  await clock.advance(1000)
  assert.deepEqual([await count('late'), await count('confirmed'), await count('unknown')], [1, 0, 0])
  stop.abort()
  await done
})

test('what a replica charged and did not live to confirm is confirmed by another that sees the object', async () => {
  const { clock, memory, stop, done } = running({ sweepEveryMs: 10_000, seen: ['orphan'] })
  await memory.charge('orphan', limits)
  await memory.charge('never-stored', limits)
  await clock.advance(20_000)
  assert.deepEqual(await memory.unconfirmed(0), ['never-stored'])
  stop.abort()
  await done
})

test('what is left when the process ends is told before it does', async () => {
  const { memory, confirmations, stop, done } = running()
  await memory.charge('a', limits)
  stop.abort()
  confirmations.stored('a')
  await done
  assert.deepEqual(await memory.unconfirmed(0), [])
})
