import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RateLimitRule } from '@mnemos/domain'
import { memoryClient, virtualClock } from '@mnemos/testkit'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { openRateLimits } from './open-rate-limits.ts'

const rule: RateLimitRule = {
  policy: { kind: 'ClusterPolicy', name: 'fair' },
  rule: 'jobs',
  message: undefined,
  mode: 'Enforce',
  limit: { requests: 1, windowSeconds: 60, per: 'User', algorithm: 'SlidingWindow', onStoreFailure: 'Deny' },
}

const replicas: Record<string, { replicas: number; wantErrors: number }> = {
  'one that counts in memory says nothing': { replicas: 1, wantErrors: 0 },
  'several that count in memory say loudly what that means, once each': { replicas: 3, wantErrors: 1 },
}
for (const [sentence, { replicas: count, wantErrors }] of Object.entries(replicas)) {
  test(sentence, async () => {
    const lines: string[] = []
    const limits = await openRateLimits({
      ...{ config: { deadlineMs: 500, replicas: count }, client: memoryClient(), clock: virtualClock(), registry: new Registry() },
      logger: pino({ level: 'error' }, { write: (line) => void lines.push(line) }),
    })
    const kinds: string[] = []
    for (const uid of ['a', 'b']) kinds.push((await limits.count({ uid, dryRun: false, user: 'alice' }, [rule])).kind)
    await limits.close()
    assert.deepEqual(kinds, ['room', 'full'])
    assert.equal(lines.filter((line) => line.includes('set MNEMOS_RATE_LIMIT_STORE=redis')).length, wantErrors)
  })
}
