import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CountedRequest, chargeOf, fullMessage, type RateLimitRule, uncountedMessage } from './rate-limit.ts'

const limit: RateLimitRule['limit'] = {
  requests: 10,
  windowSeconds: 60,
  per: 'User',
  algorithm: 'SlidingWindow',
  onStoreFailure: 'Deny',
}
const aRule = (of: Partial<RateLimitRule['limit']> = {}, more: Partial<RateLimitRule> = {}): RateLimitRule => ({
  policy: { kind: 'ClusterPolicy', name: 'fair' },
  rule: 'jobs',
  message: undefined,
  mode: 'Enforce',
  limit: { ...limit, ...of },
  ...more,
})
const alice: CountedRequest = { user: 'alice', namespace: 'team-a' }
const words = (rule: RateLimitRule, request: CountedRequest): string => chargeOf(rule, request).words.join(' ')

const together: Record<string, { per: RateLimitRule['limit']['per']; other: CountedRequest; want: boolean }> = {
  'one user in two namespaces, per User': { per: 'User', other: { ...alice, namespace: 'team-b' }, want: true },
  'two users of one namespace, per User': { per: 'User', other: { ...alice, user: 'bob' }, want: false },
  'two users of one namespace, per Namespace': { per: 'Namespace', other: { ...alice, user: 'bob' }, want: true },
  'one user in two namespaces, per Namespace': { per: 'Namespace', other: { ...alice, namespace: 'team-b' }, want: false },
  'one user without keys in two namespaces, per Key': { per: 'Key', other: { ...alice, namespace: 'team-b' }, want: true },
  'one user with and without a key, per Key': { per: 'Key', other: { ...alice, apiKey: 'k1' }, want: false },
  'a key whose id is the name of a user, per Key': { per: 'Key', other: { ...alice, user: 'bob', apiKey: 'alice' }, want: false },
  'everybody, per Policy': { per: 'Policy', other: { user: 'bob', namespace: 'team-b', apiKey: 'k1' }, want: true },
}
for (const [sentence, { per, other, want }] of Object.entries(together)) {
  test(`${sentence}: counted ${want ? 'together' : 'apart'}`, () => {
    assert.equal(words(aRule({ per }), alice) === words(aRule({ per }), other), want)
  })
}

test('one key with two users is one', () => {
  const rule = aRule({ per: 'Key' })
  assert.equal(words(rule, { ...alice, apiKey: 'k1' }), words(rule, { user: 'bob', apiKey: 'k1' }))
})

test('rules and policies count apart, also when their names run into one another', () => {
  const all = [
    aRule(),
    aRule({}, { rule: 'models' }),
    aRule({}, { policy: { kind: 'ClusterPolicy', name: 'other' } }),
    aRule({}, { policy: { kind: 'Policy', namespace: 'team-a', name: 'fair' } }),
    aRule({}, { policy: { kind: 'Policy', namespace: 'team-b', name: 'fair' } }),
  ]
  assert.equal(new Set(all.map((rule) => JSON.stringify(chargeOf(rule, alice).words))).size, all.length)
})

test('an edit of the numbers goes on with what was counted', () => {
  assert.equal(words(aRule(), alice), words(aRule({ requests: 5, windowSeconds: 3600, onStoreFailure: 'Allow' }), alice))
})

test('a bucket is as large as its requests when no burst is given', () => {
  assert.deepEqual(chargeOf(aRule({ algorithm: 'TokenBucket' }), alice).limit, {
    algorithm: 'TokenBucket',
    requests: 10,
    windowMs: 60_000,
    burst: 10,
  })
  assert.deepEqual(chargeOf(aRule({ burst: 3 }), alice).limit, { algorithm: 'SlidingWindow', requests: 10, windowMs: 60_000 })
})

test('only Enforce refuses', () => {
  const isAdvisory = (['Enforce', 'Warn', 'Audit'] as const).map((mode) => chargeOf(aRule({}, { mode }), alice).isAdvisory)
  assert.deepEqual(isAdvisory, [false, true, true])
})

const next = { at: '2026-11-24T10:00:00Z', inSeconds: 42 }
const messages: Record<string, string> = {
  [fullMessage(aRule(), 'Job', next)]:
    'is over 10 Jobs in 1 min for each user (ClusterPolicy "fair", rule "jobs"); the next one fits at 2026-11-24T10:00:00Z (in 42 s)',
  [fullMessage(
    aRule(
      { requests: 1, windowSeconds: 5400, algorithm: 'TokenBucket', burst: 3, per: 'Namespace' },
      { policy: { kind: 'Policy', namespace: 'team-a', name: 'p' } },
    ),
    'Model',
    next,
  )]:
    'is over 1 Model in 90 min on average and 3 at once for each namespace (Policy "team-a/p", rule "jobs"); the next one fits at 2026-11-24T10:00:00Z (in 42 s)',
  [fullMessage(aRule({ windowSeconds: 7, per: 'Policy' }), 'Job', next)]:
    'is over 10 Jobs in 7 s for all together (ClusterPolicy "fair", rule "jobs"); the next one fits at 2026-11-24T10:00:00Z (in 42 s)',
  [uncountedMessage([aRule()])]:
    'cannot be counted now, because the store of rate limits does not answer, and ClusterPolicy "fair", rule "jobs" refuses what it cannot count; try again',
}
for (const [said, want] of Object.entries(messages)) test(want, () => assert.equal(said, want))
