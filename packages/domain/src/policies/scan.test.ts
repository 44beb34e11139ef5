import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Job, Policy } from '@mnemos/api'
import { clusterPolicy, namespacePolicy } from './policies.test-kit.ts'
import { decidePolicy, type ScanResult, scanObject } from './scan.ts'

const around = { namespaceLabels: {}, modelFacts: () => undefined }
const policy: Policy = {
  apiVersion: 'mnemos.dev/v1alpha1',
  kind: 'Policy',
  metadata: { name: 'tight', namespace: 'team-a', generation: 3 },
  spec: { mode: 'Audit', match: {}, rules: [{ name: 'r', limits: { maxTokens: 1 } }] },
}

function aJob(change: Partial<Job> = {}, spec: Partial<Job['spec']> = {}): Job {
  // As the operator keeps it: without its prompt.
  const inference = { modelRef: { name: 'smollm' }, parameters: { maxTokens: 256 } }
  const whole = { queue: 'default', priority: 'normal', retry: { limit: 3 }, suspend: false, cancel: false, inference, ...spec }
  return { apiVersion: 'mnemos.dev/v1alpha1', kind: 'Job', metadata: { name: 'greet', namespace: 'team-a' }, spec: whole, ...change } as Job
}

test('scan: what would be refused is found, whatever the mode, and told without the input that nobody keeps', () => {
  const audit = namespacePolicy({ limits: { maxTokens: 1 } }, { mode: 'Audit' })
  assert.deepEqual(scanObject(audit, { ...around, object: aJob() }, 0), [
    {
      kind: 'Job',
      namespace: 'team-a',
      name: 'greet',
      rule: 'r',
      field: 'spec.inference.parameters.maxTokens',
      message: '256 is above 1 (Policy "team-a/tight", rule "r")',
    },
  ])
})

const spared: Record<string, Parameters<typeof scanObject>> = {
  'a Job of another namespace': [
    namespacePolicy({ limits: { maxTokens: 1 } }),
    { ...around, object: aJob({ metadata: { name: 'x', namespace: 'team-b' } }) },
    0,
  ],
  'a Job that has ended': [
    clusterPolicy({ limits: { maxTokens: 1 } }),
    { ...around, object: aJob({ status: { phase: 'Succeeded' } as NonNullable<Job['status']> }) },
    0,
  ],
  'a task of the platform': [
    clusterPolicy({ limits: { maxRunSeconds: 1 } }),
    { ...around, object: aJob({}, { maintenance: { task: 'ImportModel' } }) },
    0,
  ],
  'a kind that no rule is about': [
    clusterPolicy({ requireDigest: true }, { match: { kinds: ['Queue'] } }),
    { ...around, object: aJob() },
    0,
  ],
}
for (const [name, args] of Object.entries(spared)) {
  test(`scan: ${name} is not looked at`, () => assert.equal(scanObject(...args), undefined))
}

test('scan: an object that is looked at and fine is counted', () => {
  assert.deepEqual(scanObject(clusterPolicy({ limits: { maxTokens: 999 } }), { ...around, object: aJob() }, 0), [])
})

test('scan: a Job by the licence of its Model, and an exception by its end', () => {
  const exceptions = [{ name: 'e', reason: 'r', expiresAt: '2026-01-01T00:00:00Z' }]
  const open = clusterPolicy({ license: { allow: ['MIT'] } }, { exceptions })
  const scanned = { ...around, object: aJob(), modelFacts: () => ({ license: 'gemma' }) }
  assert.equal(scanObject(open, scanned, Date.parse('2025-12-31T00:00:00Z'))?.length, 0)
  assert.equal(scanObject(open, scanned, Date.parse('2026-01-02T00:00:00Z'))?.length, 1)
})

test('the status lists at most twenty and counts all; the next look is in five minutes', () => {
  const violating = Array.from({ length: 30 }, (_, index) => ({ kind: 'Job', name: `j${index}`, rule: 'r', field: 'spec', message: 'm' }))
  const result: ScanResult = { matched: 40, violations: 30, violating }
  const plan = decidePolicy({ policy, compiled: namespacePolicy({ limits: { maxTokens: 1 } }), result })
  assert.deepEqual([plan.status?.matched, plan.status?.violations, plan.status?.violating?.length], [40, 30, 20])
  assert.equal(plan.status?.observedGeneration, 3)
  assert.deepEqual(plan.next, { kind: 'after', seconds: 300 })
  assert.equal(plan.conditions?.[0]?.reason, 'InForce')
})

test('a policy that does not compile says where and what follows', () => {
  const plan = decidePolicy({ policy, compiled: namespacePolicy({ expression: '1 +' }), result: undefined })
  assert.deepEqual([plan.conditions?.[0]?.status, plan.conditions?.[0]?.reason], ['False', 'DoesNotCompile'])
  assert.match(plan.conditions?.[0]?.message ?? '', /Policy "team-a\/tight" cannot be judged: spec\.rules\[0\]\.expression is no CEL/)
  assert.equal(plan.status?.matched, undefined)
})
