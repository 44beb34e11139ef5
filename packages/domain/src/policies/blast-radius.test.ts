import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReviewedObject, ReviewRequest } from '../admission/verdict.ts'
import { blastRadiusOf } from './blast-radius.ts'
import type { Scanned } from './scan.ts'

const policy = (spec: object): ReviewedObject => ({
  ...{ apiVersion: 'mnemos.dev/v1alpha1', kind: 'ClusterPolicy', metadata: { name: 'house' } },
  spec,
})
const ceiling = (maxPriority: string, mode = 'Enforce'): ReviewedObject =>
  policy({ mode, match: { kinds: ['Job'] }, rules: [{ name: 'c', limits: { maxPriority } }] })
const job = (name: string, priority: string): Scanned['object'] =>
  ({
    ...{ apiVersion: 'mnemos.dev/v1alpha1', kind: 'Job', metadata: { name, namespace: 'team-a' } },
    spec: { priority, inference: { modelRef: { name: 'm' }, prompt: 'hi' } },
  }) as Scanned['object'] // as the API server fills it

function told(object: ReviewedObject, oldObject?: ReviewedObject, isWhole = true): readonly string[] | undefined {
  const common = { stage: 'validate', group: 'mnemos.dev', kind: object.kind, userName: 'ada' } as const
  const request: ReviewRequest = { ...common, operation: oldObject === undefined ? 'CREATE' : 'UPDATE', object, oldObject }
  const radius = blastRadiusOf(request)
  for (const [name, priority] of exists) {
    radius?.add({ object: job(name, priority), namespaceLabels: {}, modelFacts: () => undefined }, 0)
  }
  return radius?.warnings(isWhole)
}
const exists = [...Array.from({ length: 10 }, (_, index) => [`c${index}`, 'critical'] as const), ['h', 'high'], ['n', 'normal']] as const

test('a new policy names what it would refuse, the first few by name and the others by number', () => {
  const [first, second, ...others] = told(ceiling('high')) ?? []
  assert.equal(first, 'this policy would refuse 10 of the 12 objects that it looked at')
  assert.equal(second, 'Job team-a/c0: spec.priority: critical is above high (ClusterPolicy "house", rule "c")')
  assert.equal(others.length, 8)
  assert.equal(others.at(-1), 'and 2 more; status.violating lists them once it is applied')
})

test('a change names first what it alone would refuse', () => {
  const [first, second] = told(ceiling('normal'), ceiling('high')) ?? []
  assert.equal(first, 'this policy would refuse 11 of the 12 objects that it looked at, 1 of them newly')
  assert.match(second ?? '', /^Job team-a\/h: /)
})

test('a policy that only watched refused nothing, so all is new', () => {
  assert.equal(told(ceiling('high'), ceiling('high', 'Audit'))?.[0], 'this policy would refuse 10 of the 12 objects that it looked at')
})

test('one that will only watch says so', () => {
  assert.match(told(ceiling('high', 'Warn'))?.[0] ?? '', /^this policy refuses nothing in mode Warn; in mode Enforce it would refuse 10 of/)
})

test('one that hits nothing says so, and a look that was cut short too', () => {
  assert.deepEqual(told(ceiling('critical')), ['this policy would refuse none of the 12 objects that it looked at'])
  assert.match(told(ceiling('critical'), undefined, false)?.[0] ?? '', /in the time there was; status\.violations counts all/)
})

test('a change of labels, a policy that does not compile, and other kinds have no radius', () => {
  assert.equal(told(ceiling('high'), ceiling('high')), undefined)
  assert.equal(told(policy({ rules: [{ name: 'x', expression: '1 +' }] })), undefined)
  assert.equal(told({ ...ceiling('high'), kind: 'Job' }), undefined)
})
