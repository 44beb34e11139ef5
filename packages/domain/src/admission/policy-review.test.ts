import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CompiledPolicy } from '../policies/compile.ts'
import { clusterPolicy, findMarked, namespacePolicy } from '../policies/policies.test-kit.ts'
import { noPolicies, type PolicyWorld } from '../policies/policy-world.ts'
import { applyPatch } from './apply-patch.ts'
import { emptyCatalog } from './catalog.ts'
import { requesterAnnotation } from './requester.ts'
import { review } from './review.ts'
import type { ReviewContext, ReviewedObject, ReviewRequest } from './verdict.ts'

const operator = 'system:serviceaccount:mnemos-system:mnemos-operator'
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'
const redactAll = clusterPolicy({ pii: { default: 'Redact' } })
const blockCards = namespacePolicy({ pii: { default: 'Allow', entities: { Card: 'Block' } } })

function world(...policies: readonly CompiledPolicy[]): PolicyWorld {
  return {
    ...noPolicies,
    policiesOf: () => policies,
    findPii: findMarked,
    redactPii: (text, entities) => entities.reduce((left, entity) => left.replaceAll(`<${entity}>`, `[${entity}]`), text),
  }
}

const context = (...policies: readonly CompiledPolicy[]): ReviewContext => ({
  trustedUsers: new Set([operator]),
  catalog: emptyCatalog,
  policies: world(...policies),
})

function job(spec: Record<string, unknown>, annotations: Record<string, string> = {}): ReviewedObject {
  return {
    apiVersion: 'mnemos.dev/v1alpha1',
    kind: 'Job',
    metadata: { name: 'greet', annotations: { [requesterAnnotation]: 'alice', ...annotations } },
    spec,
  }
}

const asks = (prompt: string): Record<string, unknown> => ({ inference: { modelRef: { name: 'smollm' }, prompt } })

function creation(object: ReviewedObject, change: Partial<ReviewRequest> = {}): ReviewRequest {
  const common = { group: 'mnemos.dev', kind: object.kind, namespace: 'team-a', userName: 'alice' }
  return { stage: 'mutate', operation: 'CREATE', object, ...common, ...change }
}

const validated = (object: ReviewedObject, change: Partial<ReviewRequest> = {}): ReviewRequest =>
  creation(object, { stage: 'validate', ...change })

test('the input of a Job is redacted, and so is the copy that kubectl keeps', () => {
  const copy = JSON.stringify({ spec: asks('mail <Email>'), note: '<Email>' })
  const object = job(asks('mail <Email>'), { [lastApplied]: copy })
  const verdict = review(creation(object), context(redactAll))
  const stored = applyPatch(object, verdict.patch ?? [])
  assert.deepEqual(stored.spec, asks('mail [Email]'))
  assert.deepEqual(JSON.parse(stored.metadata.annotations?.[lastApplied] ?? ''), { spec: asks('mail [Email]'), note: '[Email]' })
  assert.match(verdict.warnings.join(), /spec\.inference\.prompt: holds personal data \(Email\).*; redacted/)
  assert.deepEqual(review(creation(stored), context(redactAll)).patch, undefined, 'a second time changes nothing')
  assert.equal(review(validated(stored), context(redactAll)).allowed, true)
})

test('a copy that cannot be read is dropped with the data that may be in it', () => {
  const object = job(asks('<Email>'), { [lastApplied]: 'not JSON: <Email>' })
  const stored = applyPatch(object, review(creation(object), context(redactAll)).patch ?? [])
  assert.equal(stored.metadata.annotations?.[lastApplied], undefined)
})

test('messages are redacted one by one', () => {
  const messages = [
    { role: 'system', content: 'be kind' },
    { role: 'user', content: '<Phone> <Email>' },
  ]
  const object = job({ inference: { modelRef: { name: 'smollm' }, messages } })
  const { patch = [] } = review(creation(object), context(redactAll))
  assert.deepEqual(patch, [{ op: 'replace', path: '/spec/inference/messages/1/content', value: '[Phone] [Email]' }])
})

test('what one policy blocks is refused although another one would redact it', () => {
  const verdict = review(creation(job(asks('<Card> <Email>'))), context(redactAll, blockCards))
  assert.equal(verdict.allowed, false)
  assert.match(
    verdict.status?.message ?? '',
    /Job "greet" is refused by policy:\n- \/spec\/inference\/prompt: holds personal data \(Card\)/,
  )
})

test('who is refused is told everything at once: the schema and all policies', () => {
  const limits = clusterPolicy({ limits: { maxTokens: 10 } })
  const verdict = review(creation(job({ ...asks('<Card>'), priority: 'hihg' })), context(blockCards, limits))
  assert.deepEqual(
    verdict.status?.details.causes.map(({ field }) => field),
    ['spec.priority', 'spec.inference.prompt', 'spec.inference.parameters.maxTokens'],
  )
})

test('personal data that came back after the redaction is refused', () => {
  assert.equal(review(validated(job(asks('<Email>'))), context(redactAll)).allowed, false)
})

test('Warn and Audit change nothing and refuse nothing', () => {
  for (const mode of ['Warn', 'Audit']) {
    const policies = context(clusterPolicy({ pii: { default: 'Redact' } }, { mode }), clusterPolicy({ limits: { maxTokens: 1 } }, { mode }))
    assert.equal(review(creation(job(asks('<Email>'))), policies).patch, undefined)
    const verdict = review(validated(job(asks('<Email>'))), policies)
    assert.equal(verdict.allowed, true)
    assert.equal(verdict.warnings.length, mode === 'Warn' ? 2 : 0)
    assert.deepEqual(
      verdict.violations.map(({ action }) => action),
      [mode, mode],
    )
  }
})

test('an update is held to what it makes wrong, not to what was wrong before', () => {
  const policies = context(clusterPolicy({ limits: { maxTokens: 1, maxRetries: 1 } }))
  const before = job({ ...asks('x'), priority: 'low' })
  const harmless = job({ ...asks('x'), priority: 'normal' })
  const harmful = job({ ...asks('x'), retry: { limit: 9 } })
  const update = (object: ReviewedObject): ReviewRequest => validated(object, { operation: 'UPDATE', oldObject: before })
  assert.equal(review(update(harmless), policies).allowed, true)
  assert.deepEqual(
    review(update(harmful), policies).status?.details.causes.map(({ field }) => field),
    ['spec.retry.limit'],
  )
})

test('an input that was stored before the policy is left alone when something else changes', () => {
  const before = job(asks('<Email>'))
  const request = creation(job({ ...asks('<Email>'), priority: 'high' }), { operation: 'UPDATE', oldObject: before })
  assert.equal(review(request, context(redactAll)).patch, undefined)
})

test('a manifest that is applied again is redacted to what is stored', () => {
  const request = creation(job(asks('<Email>')), { operation: 'UPDATE', oldObject: job(asks('[Email]')) })
  assert.deepEqual(review(request, context(redactAll)).patch, [{ op: 'replace', path: '/spec/inference/prompt', value: '[Email]' }])
})

test('a label that took a policy away cannot be changed to bring in what it forbids', () => {
  const policies = context(clusterPolicy({ limits: { maxTokens: 1 } }, { match: { labels: { matchLabels: { tier: 'tight' } } } }))
  const loose = job(asks('x'))
  const tight: ReviewedObject = { ...loose, metadata: { ...loose.metadata, labels: { tier: 'tight' } } }
  assert.equal(review(validated(tight, { operation: 'UPDATE', oldObject: loose }), policies).allowed, false)
  assert.equal(review(validated(loose, { operation: 'UPDATE', oldObject: tight }), policies).allowed, true)
})

test('what MNEMOS makes for somebody is judged as theirs, but its own tasks are not', () => {
  const policies = context(clusterPolicy({ limits: { maxRunSeconds: 60 } }, { match: { users: ['alice'] } }))
  const child = validated(job(asks('x')), { userName: operator })
  assert.equal(review(child, policies).allowed, false)
  const task = validated(job({ maintenance: { task: 'ImportModel', parameters: { uri: 's3://m/x' } } }), { userName: operator })
  assert.equal(review(task, policies).allowed, true)
})

test('a rate limit is asked for where people create, once, at the end', () => {
  const policies = context(clusterPolicy({ rateLimit: { requests: 10 } }))
  const asked = (request: ReviewRequest): number => review(request, policies).rateLimits.length
  assert.equal(asked(validated(job(asks('x')))), 1)
  assert.equal(asked(creation(job(asks('x')))), 0)
  assert.equal(asked(validated(job(asks('x')), { userName: operator })), 0)
  assert.equal(asked(validated(job({ ...asks('x'), priority: 'low' }), { operation: 'UPDATE', oldObject: job(asks('x')) })), 0)
})

const policyObject = (spec: unknown, kind = 'ClusterPolicy'): ReviewedObject => ({
  apiVersion: 'mnemos.dev/v1alpha1',
  kind,
  metadata: { name: 'house', annotations: { [requesterAnnotation]: 'alice' } },
  spec,
})

test('a policy that does not compile is refused with each of its mistakes', () => {
  const spec = {
    match: { expression: 'objekt.spec == 1' },
    rules: [
      { name: 'a', expression: '1 +' },
      { name: 'b', license: { allow: ['Apache 2'] } },
      { name: 'c', sources: { allow: ['models'] } },
    ],
  }
  const { status } = review(validated(policyObject(spec)), context())
  assert.deepEqual(
    status?.details.causes.map(({ field }) => field),
    ['spec.match.expression', 'spec.rules[0].expression', 'spec.rules[1].license.allow[0]', 'spec.rules[2].sources.allow[0]'],
  )
})

test('what the schema of a policy refuses is said as the schema says it', () => {
  const { status } = review(validated(policyObject({ mode: 'Enforced', rules: [{ name: 'a', expression: '1 +' }] })), context())
  assert.deepEqual(
    status?.details.causes.map(({ field, message }) => `${field}: ${message}`),
    ['spec.mode: "Enforced" is not supported; did you mean "Enforce"?'],
  )
})

test('an exception that has ended already is admitted with a warning', () => {
  const exceptions = [{ name: 'e', reason: 'r', expiresAt: '1969-01-01T00:00:00Z' }]
  const verdict = review(validated(policyObject({ rules: [{ name: 'a', requireDigest: true }], exceptions })), context())
  assert.equal(verdict.allowed, true)
  assert.deepEqual(verdict.warnings, ['spec.exceptions[0] ended at 1969-01-01T00:00:00Z and lifts nothing'])
})

test('a namespace has so many Policies and no more, and the cluster so many of its own', () => {
  const [policy, one] = [namespacePolicy({ requireDigest: true }), clusterPolicy({ requireDigest: true })]
  const many = (of: CompiledPolicy, count: number): CompiledPolicy[] =>
    Array.from({ length: count }, (_, index) => ({ ...of, id: { ...of.id, name: `p${index}` } }))
  const spec = { rules: [{ name: 'r', requireDigest: true }] }
  const next = (kind: string, name = 'next'): ReviewRequest =>
    validated({ apiVersion: 'mnemos.dev/v1alpha1', kind, metadata: { name, annotations: { [requesterAnnotation]: 'alice' } }, spec })
  const full = context(...many(policy, 64), ...many(one, 127))
  const refused = review(next('Policy'), full)
  assert.match(
    refused.allowed ? '' : (refused.status?.message ?? ''),
    /namespace team-a has 64 Policies already, the most there may be; put rules/,
  )
  assert.equal(review(next('ClusterPolicy'), full).allowed, true)
  assert.equal(review(next('Policy', 'p3'), full).allowed, true, 'one that a cache knows before its own creation was judged')
  assert.equal(
    review({ ...next('Policy'), operation: 'UPDATE', oldObject: { ...next('Policy').object, spec: {} } as ReviewedObject }, full).allowed,
    true,
  )
  assert.equal(review(next('ClusterPolicy'), context(...many(one, 128))).allowed, false)
})
