import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RateLimitRule } from '@mnemos/domain'
import { type Charge, type ChargeOutcome, createMemoryRateLimits, type RateLimits, RateLimitsError } from '@mnemos/stores'
import { virtualClock } from '@mnemos/testkit'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { createRateLimitMetrics } from './rate-limit-metrics.ts'
import { createRateLimiter } from './rate-limits.ts'

const aRule = (name: string, of: Partial<RateLimitRule['limit']> = {}, mode: RateLimitRule['mode'] = 'Enforce'): RateLimitRule => ({
  policy: { kind: 'Policy', namespace: 'team-a', name: 'fair' },
  rule: name,
  message: undefined,
  mode,
  limit: { requests: 1, windowSeconds: 60, per: 'User', algorithm: 'SlidingWindow', onStoreFailure: 'Deny', ...of },
})

/** A limiter whose store can be made to fail or to say nothing. */
function aLimiter() {
  const clock = virtualClock()
  const registry = new Registry()
  const expected: string[] = []
  const asked: { id: string; keys: readonly string[] }[] = []
  const trouble: { kind: 'none' | 'fails' | 'silent' } = { kind: 'none' }
  const memory = createMemoryRateLimits({ now: clock.now })
  const answer = (run: () => Promise<ChargeOutcome>): Promise<ChargeOutcome> => {
    if (trouble.kind === 'none') return run()
    if (trouble.kind === 'silent') return new Promise(() => undefined)
    return Promise.reject(new RateLimitsError('Unavailable', 'gone'))
  }
  const note = (id: string, charges: readonly Charge[]): void => void asked.push({ id, keys: charges.map(({ key }) => key) })
  const store: RateLimits = {
    ...memory,
    charge: (id, charges) => {
      note(id, charges)
      return answer(() => memory.charge(id, charges))
    },
    peek: (charges) => {
      note('', charges)
      return answer(() => memory.peek(charges))
    },
  }
  const limiter = createRateLimiter({
    ...{ store, clock, deadlineMs: 500, logger: pino({ level: 'silent' }), metrics: createRateLimitMetrics(registry) },
    expect: (uid) => void expected.push(uid),
  })
  const count = (uid: string, rules: readonly RateLimitRule[], dryRun = false) =>
    limiter.count({ uid, dryRun, user: 'alice@example.com', namespace: 'team-a' }, rules)
  return { clock, registry, expected, asked, trouble, count, memory }
}

test('a full rule is told with the time at which the next one fits, in whole seconds and not too early', async () => {
  const { clock, count } = aLimiter()
  assert.deepEqual(await count('a', [aRule('r')]), { kind: 'room', over: [] })
  await clock.advance(17_300)
  const rule = aRule('r')
  assert.deepEqual(await count('b', [rule]), { kind: 'full', rules: [{ rule, next: { at: '2026-01-01T00:01:00Z', inSeconds: 43 } }] })
})

test('only full rules that enforce are told as the cause; those that do not are told when there is room', async () => {
  const { count } = aLimiter()
  const [warn, enforce] = [aRule('w', {}, 'Warn'), aRule('e', { requests: 2 })]
  await count('a', [warn, enforce])
  const second = await count('b', [warn, enforce])
  assert.ok(second.kind === 'room')
  assert.deepEqual(
    second.over.map(({ rule }) => rule.rule),
    ['w'],
  )
  const third = await count('c', [warn, enforce])
  assert.ok(third.kind === 'full')
  assert.deepEqual(
    third.rules.map(({ rule }) => rule.rule),
    ['e'],
  )
})

test('the same object is charged once, and a dry run takes nothing and expects nothing', async () => {
  const { count, expected } = aLimiter()
  for (let at = 0; at < 3; at++) assert.equal((await count('dry', [aRule('r')], true)).kind, 'room')
  assert.equal((await count('a', [aRule('r')])).kind, 'room')
  assert.equal((await count('a', [aRule('r')])).kind, 'room')
  assert.equal((await count('dry', [aRule('r')], true)).kind, 'full')
  assert.equal((await count('b', [aRule('r')])).kind, 'full')
  assert.deepEqual(expected, ['a', 'a'])
})

const [deny, allow] = [aRule('deny'), aRule('allow', { onStoreFailure: 'Allow' })]
const outages: Record<string, { rules: readonly RateLimitRule[]; want: readonly string[] }> = {
  'rules that deny refuse': { rules: [deny], want: ['deny'] },
  'rules that allow do not': { rules: [allow], want: [] },
  'of both, those that deny refuse': { rules: [allow, deny], want: ['deny'] },
  'rules that do not enforce refuse nothing': { rules: [aRule('warn', {}, 'Warn'), aRule('audit', {}, 'Audit')], want: [] },
}
for (const kind of ['fails', 'silent'] as const) {
  for (const [sentence, { rules, want }] of Object.entries(outages)) {
    test(`while the store ${kind === 'fails' ? 'fails' : 'says nothing'}, ${sentence}`, async () => {
      const { clock, count, trouble, expected } = aLimiter()
      trouble.kind = kind
      const counting = count('a', rules)
      await clock.advance(500)
      const verdict = await counting
      assert.ok(verdict.kind === 'uncounted')
      assert.deepEqual(
        verdict.refusing.map(({ rule }) => rule),
        want,
      )
      // It may have been charged all the same, and if it is stored the charge must stay.
      assert.deepEqual(expected, ['a'])
    })
  }
}

test('a store that stays away costs the deadline three times and then once a second', async () => {
  const { clock, count, trouble, asked } = aLimiter()
  trouble.kind = 'silent'
  for (let at = 0; at < 3; at++) {
    const counting = count(`slow-${at}`, [allow])
    await clock.advance(500)
    await counting
  }
  for (let at = 0; at < 50; at++) assert.equal((await count(`fast-${at}`, [allow])).kind, 'uncounted')
  assert.equal(asked.length, 3)
  await clock.advance(1000)
  const counting = count('again', [allow])
  await clock.advance(500)
  await counting
  assert.equal((await count('fast', [allow])).kind, 'uncounted')
  assert.equal(asked.length, 4)
  trouble.kind = 'none'
  await clock.advance(1000)
  assert.equal((await count('back', [allow])).kind, 'room')
  assert.equal((await count('next', [allow])).kind, 'full')
})

test('one failure is no outage', async () => {
  const { count, trouble } = aLimiter()
  trouble.kind = 'fails'
  await count('a', [deny])
  trouble.kind = 'none'
  assert.equal((await count('b', [deny])).kind, 'room')
})

test('no name of a user goes to the store or into the metrics', async () => {
  const { count, registry, asked } = aLimiter()
  await count('a', [aRule('r'), aRule('warn', {}, 'Warn')])
  await count('b', [aRule('r')])
  await count('c', [aRule('warn', {}, 'Warn')])
  const text = await registry.metrics()
  assert.doesNotMatch(text + JSON.stringify(asked), /alice/)
  for (const line of [
    'mnemos_rate_limit_requests_total{policy="Policy \\"team-a/fair\\"",rule="r",outcome="admitted"} 1',
    'mnemos_rate_limit_requests_total{policy="Policy \\"team-a/fair\\"",rule="r",outcome="refused"} 1',
    'mnemos_rate_limit_requests_total{policy="Policy \\"team-a/fair\\"",rule="warn",outcome="over"} 1',
    'mnemos_rate_limit_store_seconds_count{answered="true"} 3',
  ])
    assert.ok(text.includes(line), `${line} is not in\n${text}`)
})
