import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOperatorConfig } from './config.ts'

test('nothing needs to be set', () => {
  const config = parseOperatorConfig({})
  assert.deepEqual(config.lease, { leaseMs: 15_000, renewMs: 10_000, retryMs: 2000, fenceMs: 6000 })
  assert.deepEqual([config.heartbeatMs, config.suspectMs, config.offlineMs], [10_000, 30_000, 60_000])
})

test('two processes have different names', () => {
  assert.notEqual(parseOperatorConfig({}).identity, parseOperatorConfig({}).identity)
})

const refused: Record<string, Record<string, string>> = {
  'a renewal that takes longer than the lease holds': { MNEMOS_LEASE_RENEW_MS: '20000' },
  'a fence as long as the lease': { MNEMOS_LEASE_FENCE_MS: '15000' },
  'a heartbeat slower than suspicion': { MNEMOS_HEARTBEAT_MS: '40000' },
  'a port that is none': { MNEMOS_DISPATCH_PORT: '70000' },
  'a time that is none': { MNEMOS_OFFLINE_MS: 'soon' },
}

for (const [what, environment] of Object.entries(refused)) {
  test(`${what} is refused`, () => {
    assert.throws(() => parseOperatorConfig(environment))
  })
}
