import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiVersion } from '@mnemos/api'
import { writtenWorld } from '../admission/written-world.ts'
import { findMarked } from './policies.test-kit.ts'
import { type PolicyCase, runCase } from './policy-case.ts'

const policy = {
  ...{ apiVersion, kind: 'ClusterPolicy', metadata: { name: 'house' } },
  spec: {
    rules: [
      { name: 'ceiling', message: 'ask for more', limits: { maxPriority: 'normal' } },
      { name: 'pii', pii: { default: 'Redact', entities: { SSN: 'Block', IP: 'Warn' } } },
      { name: 'rate', rateLimit: { requests: 5, windowSeconds: 60, per: 'User' } },
    ],
    exceptions: [{ name: 'e', reason: 'a trial', expiresAt: '2026-01-01T00:00:00Z', rules: ['ceiling'], users: ['alice'] }],
  },
}
const end = Date.parse('2026-01-01T00:00:00Z')
const context = writtenWorld([policy], {
  findPii: findMarked,
  redactPii: (text) => text.replaceAll('<Email>', '[Email]'),
  now: () => end,
})
const aJob = (spec: object = {}, prompt = 'hi'): unknown => ({
  ...{ apiVersion, kind: 'Job', metadata: { name: 'j' } },
  spec: { inference: { modelRef: { name: 'm' }, prompt }, ...spec },
})

const cases: Record<string, Omit<PolicyCase, 'name'> & { readonly wantProblem?: RegExp }> = {
  'what no rule minds is allowed': { object: aJob(), expect: 'Allowed' },
  'a rate limit counts what is allowed': { object: aJob(), expect: 'Allowed', rule: 'rate' },
  'a refusal is named by its rule and its words': {
    ...{ object: aJob({ priority: 'high' }), expect: 'Refused', rule: 'ceiling', message: '^spec\\.priority: high .*ask for more$' },
  },
  'a rule may be named with its policy': { object: aJob({}, '<SSN>'), expect: 'Refused', rule: 'ClusterPolicy "house"/pii' },
  'redacted is more than warned': { object: aJob({}, '<Email> <IP>'), expect: 'Redacted', rule: 'pii' },
  'warned is warned': { object: aJob({}, '<IP>'), expect: 'Warned', rule: 'pii' },
  'an exception lifts a rule for its user until its end': {
    object: aJob({ priority: 'high' }),
    user: 'alice',
    now: end - 1,
    expect: 'Allowed',
  },
  'another outcome is told': { object: aJob(), expect: 'Refused', wantProblem: /^it is Allowed and should be Refused$/ },
  'the right outcome by another rule is told': {
    ...{ object: aJob({ priority: 'high' }), expect: 'Refused', rule: 'pii', wantProblem: /not by rule "pii"; the rules are ceiling,/ },
  },
  'other words are told': {
    ...{
      object: aJob({ priority: 'high' }),
      expect: 'Refused',
      message: 'nothing of the kind',
      wantProblem: /nothing that is said matches/,
    },
  },
  'a pattern that cannot be matched in linear time is told': {
    ...{ object: aJob({ priority: 'high' }), expect: 'Refused', message: '(?=a)b', wantProblem: /^message is no pattern/ },
  },
  'a mistyped object is a mistake of the case, not a refusal': {
    ...{ object: aJob({ priority: 'hihg' }), expect: 'Refused', wantProblem: /wrong by itself.*spec\.priority/ },
  },
  'an object of another kind is a mistake of the case': {
    ...{ object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } }, expect: 'Refused', wantProblem: /no object of mnemos\.dev/ },
  },
  'an update needs what is stored': { object: aJob(), operation: 'UPDATE', expect: 'Allowed', wantProblem: /without oldObject/ },
}
for (const [name, { wantProblem, ...each }] of Object.entries(cases)) {
  test(name, () => {
    const { passed, problem } = runCase({ name, ...each }, context)
    if (wantProblem === undefined) assert.equal(problem, undefined)
    else assert.match(problem ?? '', wantProblem)
    assert.equal(passed, wantProblem === undefined)
  })
}
