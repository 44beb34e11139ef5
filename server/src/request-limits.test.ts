import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client } from '@mnemos/kube'
import { createMemoryRateLimits, type RateLimits } from '@mnemos/stores'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { Refusal } from './refusal.ts'
import { limited } from './request-limits.ts'

const clock = { ms: 0 }
const callersOf = { identify: (name: string | undefined) => Promise.resolve({ userName: name ?? '', client: {} as Client }) }
const over = (store: RateLimits, registry = new Registry()) =>
  limited(callersOf, { store, perMinute: 3, systemNamespace: 'mnemos-system', logger: pino({ level: 'silent' }), registry })
const store = (): RateLimits => createMemoryRateLimits({ now: () => clock.ms })

test('a user over the limit is told when to come back, and others go on', async () => {
  const callers = over(store())
  for (let turn = 0; turn < 3; turn += 1) await callers.identify('alice')
  clock.ms = 20_000
  await assert.rejects(callers.identify('alice'), (error: unknown) => {
    assert.ok(error instanceof Refusal)
    assert.deepEqual([error.status, error.retryAfterSeconds], [429, 40])
    return true
  })
  assert.equal((await callers.identify('bob')).userName, 'bob')
  clock.ms = 60_001
  assert.equal((await callers.identify('alice')).userName, 'alice')
})

test('our own processes are not counted', async () => {
  const callers = over(store())
  for (let turn = 0; turn < 10; turn += 1) await callers.identify('system:serviceaccount:mnemos-system:mnemos-recorder')
})

test('when nobody can count, nobody is refused, and a metric says so', async () => {
  const registry = new Registry()
  const broken: RateLimits = { ...store(), charge: () => Promise.reject(new Error('away')) }
  const callers = over(broken, registry)
  for (let turn = 0; turn < 10; turn += 1) await callers.identify('alice')
  assert.match(await registry.metrics(), /mnemos_http_limited_requests_total\{outcome="uncounted"\} 10/)
})
