import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FullRule, RateLimitRule } from '../policies/rate-limit.ts'
import { rateLimited } from './rate-limited.ts'
import { admitted } from './review.ts'
import type { ReviewRequest, Verdict } from './verdict.ts'

const request: ReviewRequest = {
  stage: 'validate',
  operation: 'CREATE',
  group: 'mnemos.dev',
  kind: 'Job',
  namespace: 'team-a',
  userName: 'alice',
  object: { apiVersion: 'mnemos.dev/v1alpha1', kind: 'Job', metadata: { name: 'greet' }, spec: {} },
}
const aRule = (rule: string, mode: RateLimitRule['mode'] = 'Enforce', message?: string): RateLimitRule => ({
  policy: { kind: 'ClusterPolicy', name: 'fair' },
  rule,
  message,
  mode,
  limit: { requests: 10, windowSeconds: 60, per: 'User', algorithm: 'SlidingWindow', onStoreFailure: 'Deny' },
})
const full = (rule: RateLimitRule): FullRule => ({ rule, next: { at: '2026-11-24T10:00:00Z', inSeconds: 42 } })
const said = (rule: string): string =>
  `Job "greet" is over 10 Jobs in 1 min for each user (ClusterPolicy "fair", rule "${rule}"); the next one fits at 2026-11-24T10:00:00Z (in 42 s)`
const warned: Verdict = { ...admitted, warnings: ['no Model `smol`'] }

test('room changes nothing', () => {
  assert.deepEqual(rateLimited(request, warned, { kind: 'room', over: [] }), warned)
})

test('full limits refuse with 429, each by a sentence, and name no time for which clients would sleep', () => {
  const verdict = rateLimited(request, warned, { kind: 'full', rules: [full(aRule('a')), full(aRule('b', 'Enforce', 'ask for more'))] })
  assert.equal(verdict.allowed, false)
  assert.deepEqual(verdict.warnings, [])
  const sentences = [said('a'), `${said('b')}; ask for more`]
  assert.deepEqual(verdict.status, {
    code: 429,
    reason: 'TooManyRequests',
    message: sentences.join('\n'),
    details: {
      name: 'greet',
      group: 'mnemos.dev',
      kind: 'Job',
      causes: sentences.map((message) => ({ reason: 'TooManyRequests', field: '', message })),
    },
  })
  assert.deepEqual(
    verdict.violations.map(({ rule, type, action }) => [rule, type, action]),
    [
      ['a', 'rateLimit', 'Block'],
      ['b', 'rateLimit', 'Block'],
    ],
  )
})

test('full limits that do not enforce warn, or are only recorded', () => {
  const verdict = rateLimited(request, warned, { kind: 'room', over: [full(aRule('w', 'Warn')), full(aRule('a', 'Audit'))] })
  assert.equal(verdict.allowed, true)
  assert.deepEqual(verdict.warnings, ['no Model `smol`', said('w')])
  assert.deepEqual(
    verdict.violations.map(({ rule, action }) => [rule, action]),
    [
      ['w', 'Warn'],
      ['a', 'Audit'],
    ],
  )
})

test('what nobody could count is refused for the rules that say so, as something that may be tried again', () => {
  const verdict = rateLimited(request, warned, { kind: 'uncounted', refusing: [aRule('a')] })
  assert.deepEqual([verdict.allowed, verdict.status?.code, verdict.status?.reason], [false, 503, 'ServiceUnavailable'])
  assert.match(
    verdict.status?.message ?? '',
    /^Job "greet" cannot be counted now, .* ClusterPolicy "fair", rule "a" refuses .*; try again$/,
  )
  assert.deepEqual(rateLimited(request, warned, { kind: 'uncounted', refusing: [] }), warned)
})

test('an object whose name is still to be made is named by its prefix', () => {
  const object = { apiVersion: 'mnemos.dev/v1alpha1', kind: 'Job', metadata: { generateName: 'greet-' }, spec: {} }
  const verdict = rateLimited({ ...request, object }, admitted, { kind: 'full', rules: [full(aRule('a'))] })
  assert.match(verdict.status?.message ?? '', /^Job "greet-\*" is over/)
})
