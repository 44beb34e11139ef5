import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiVersion, group } from '@mnemos/api'
import { findMarked } from '../policies/policies.test-kit.ts'
import { type Admission, admit, readReviewed } from './admit.ts'
import { requesterAnnotation } from './requester.ts'
import type { ReviewContext } from './verdict.ts'
import { writtenWorld } from './written-world.ts'

const redactMarked = (text: string, entities: readonly string[]): string =>
  entities.reduce((redacted, entity) => redacted.replaceAll(`<${entity}>`, `[${entity}]`), text)

function policy(kind: string, rule: object, { namespace, ...spec }: Record<string, unknown> = {}): unknown {
  const metadata = { name: 'house', ...(namespace === undefined ? {} : { namespace }) }
  return { apiVersion, kind, metadata, spec: { ...spec, rules: [{ name: 'r', ...rule }] } }
}
const world = (...objects: readonly unknown[]): ReviewContext =>
  writtenWorld(objects, { findPii: findMarked, redactPii: redactMarked, now: () => 0 })
const aJob = (spec: object = {}, metadata: object = {}): Record<string, unknown> => ({
  apiVersion,
  kind: 'Job',
  metadata: { name: 'j', ...metadata },
  spec: { inference: { modelRef: { name: 'm' }, prompt: 'Say hello.' }, ...spec },
})
const created = (object: unknown, context: ReviewContext, namespace = 'team-a'): Admission =>
  admit({ operation: 'CREATE', group, kind: 'Job', namespace, userName: 'alice', object: readReviewed(object) }, context)

const pii = policy('ClusterPolicy', { pii: { default: 'Redact' } })
const ceiling = policy('Policy', { limits: { maxPriority: 'normal' } }, { namespace: 'team-a' })
const modelOf = (metadata: object, more: object = {}): unknown => ({
  ...{ apiVersion, kind: 'Model', metadata: { name: 'm', ...metadata } },
  spec: { source: { uri: 's3://models/m.gguf' }, license: 'MIT', ...more },
})
const openOnly = policy('ClusterPolicy', { license: { allow: ['Apache-2.0'] } })
const mail = aJob({ inference: { modelRef: { name: 'm' }, prompt: 'To <Email>' } })

test('an admitted object is shown as it would be stored: stamped, redacted, with the patch that does it', () => {
  const { allowed, object, patch, warnings } = created(mail, world(pii))
  assert.equal(allowed, true)
  assert.equal(object?.metadata.annotations?.[requesterAnnotation], 'alice')
  assert.deepEqual(object.spec, { inference: { modelRef: { name: 'm' }, prompt: 'To [Email]' } })
  assert.deepEqual(patch.map(({ path }) => path).toSorted(), ['/metadata/annotations', '/spec/inference/prompt'])
  assert.equal(warnings.filter((warning) => /Email.*redacted/.test(warning)).length, 1)
})

test('what would be stored would be admitted again, without a change', () => {
  const context = world(pii)
  const again = created(created(mail, context).object, context)
  assert.equal(again.allowed, true)
  assert.deepEqual(again.patch, [])
})

test('a refused object is shown as it came, with everything that is wrong', () => {
  const wrong = aJob({ priority: 'hihg', inference: { modelRef: { name: 'm' }, prompt: '<SSN>' } })
  const blocked = policy('ClusterPolicy', { pii: { default: 'Block' } })
  const { allowed, object, patch, findings, status } = created(wrong, world(blocked))
  assert.equal(allowed, false)
  assert.deepEqual(patch, [])
  assert.deepEqual(object?.spec, wrong['spec'])
  assert.deepEqual(findings.map(({ path }) => path).toSorted(), ['/spec/inference/prompt', '/spec/priority'])
  assert.equal(status?.reason, 'Invalid')
})

const cases: Record<string, { job: Record<string, unknown>; context: ReviewContext; namespace?: string; want: boolean }> = {
  'a Policy judges its namespace': { job: aJob({ priority: 'high' }), context: world(ceiling), want: false },
  'and no other': { job: aJob({ priority: 'high' }), context: world(ceiling), namespace: 'team-b', want: true },
  'a Model that is written down counts': { job: aJob(), context: world(openOnly, modelOf({ namespace: 'team-a' })), want: false },
  'one that is not is no reason to refuse': { job: aJob(), context: world(openOnly), want: true },
  'one of another namespace does not count while it is not lent': {
    job: aJob({ inference: { modelRef: { name: 'm', namespace: 'shared' }, prompt: 'x' } }),
    context: world(openOnly, modelOf({ namespace: 'shared' })),
    want: true,
  },
  'one that is lent does': {
    job: aJob({ inference: { modelRef: { name: 'm', namespace: 'shared' }, prompt: 'x' } }),
    context: world(openOnly, modelOf({ namespace: 'shared' }, { allowedNamespaces: { from: 'All' } })),
    want: false,
  },
  'labels of a namespace that is written down are known': {
    job: aJob({ priority: 'high' }),
    context: world(
      policy('ClusterPolicy', { limits: { maxPriority: 'normal' } }, { namespaces: { selector: { matchLabels: { tier: 'gold' } } } }),
      {
        ...{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team-a', labels: { tier: 'gold' } } },
      },
    ),
    want: false,
  },
  'a policy that does not compile refuses': {
    job: aJob(),
    context: world(policy('ClusterPolicy', { expression: 'object.(' })),
    want: false,
  },
  'a Schema judges': {
    job: aJob({ priority: 'high' }),
    context: world({
      ...{ apiVersion, kind: 'Schema', metadata: { name: 's' } },
      spec: {
        ...{ mode: 'Enforce', compatibility: 'NONE', appliesTo: [{ kind: 'Job' }] },
        document: { properties: { priority: { const: 'low' } } },
      },
    }),
    want: false,
  },
}
for (const [sentence, { job, context, namespace, want }] of Object.entries(cases)) {
  test(sentence, () => assert.equal(created(job, context, namespace).allowed, want))
}

test('whatever is written as metadata, nothing throws', () => {
  for (const annotations of [null, 'text', [], { a: null }, { a: 1 }]) {
    assert.equal(created(aJob({}, { annotations, labels: annotations }), world(pii)).allowed, true)
  }
  for (const object of [null, 7, [], {}, { apiVersion, kind: 'Job' }]) assert.doesNotThrow(() => created(object, world(pii)))
})
