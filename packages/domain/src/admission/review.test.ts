import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { noPolicies } from '../policies/policy-world.ts'
import { applyPatch } from './apply-patch.ts'
import { type Catalog, emptyCatalog } from './catalog.ts'
import { requesterAnnotation } from './requester.ts'
import { review } from './review.ts'
import type { ReviewContext, ReviewedObject, ReviewRequest, Verdict } from './verdict.ts'

const operator = 'system:serviceaccount:mnemos-system:mnemos-operator'
const catalog: Catalog = {
  models: (namespace) => (namespace === 'team-a' ? ['smollm', 'llama'] : []),
  pools: (namespace) => (namespace === 'team-a' ? ['gpus'] : []),
  schemas: () => [],
  pipelines: (namespace) => (namespace === 'team-a' ? ['summaries'] : []),
  pipeline: () => undefined,
  queues: () => ['research'],
  maxPriority: (queue) => (queue === 'research' ? 'normal' : undefined),
}
const context: ReviewContext = { trustedUsers: new Set([operator]), catalog, policies: noPolicies }

const goodSpec = { inference: { modelRef: { name: 'smollm' }, prompt: 'Say hello.' } }

function aJob(spec: unknown, metadata: ReviewedObject['metadata'] = { name: 'greet' }): ReviewedObject {
  return { apiVersion: 'mnemos.dev/v1alpha1', kind: 'Job', metadata, spec }
}

function creation(object: ReviewedObject, change: Partial<ReviewRequest> = {}): ReviewRequest {
  return {
    stage: 'mutate',
    operation: 'CREATE',
    group: 'mnemos.dev',
    kind: object.kind,
    namespace: 'team-a',
    userName: 'alice',
    object,
    ...change,
  }
}

function update(object: ReviewedObject, oldObject: ReviewedObject, change: Partial<ReviewRequest> = {}): ReviewRequest {
  return creation(object, { operation: 'UPDATE', oldObject, ...change })
}

const stamped = (name: string): ReviewedObject['metadata'] => ({ name: 'greet', annotations: { [requesterAnnotation]: name } })
const fieldsOf = (verdict: Verdict): readonly string[] => verdict.status?.details.causes.map((cause) => cause.field) ?? []

const refusals: Record<string, { request: ReviewRequest; wantFields: readonly string[]; wantText: RegExp }> = {
  'a mistyped priority is refused with the nearest one': {
    request: creation(aJob({ ...goodSpec, priority: 'hihg' })),
    wantFields: ['spec.priority'],
    wantText: /"?hihg"?.*did you mean [`"]high[`"]\?/s,
  },
  'a text that is named and not given is refused with the nearest one': {
    request: creation(
      aJob({
        inference: {
          modelRef: { name: 'smollm' },
          messages: [{ role: 'user', content: '$(inputs.pages) $(inputs.other) $$(inputs.plain) $(date)' }],
          inputs: [{ name: 'page', from: 'job://split/page' }],
        },
      }),
    ),
    wantFields: ['spec.inference.messages[0].content', 'spec.inference.messages[0].content'],
    wantText: /names \$\(inputs\.pages\), and there is no such input; did you mean \$\(inputs\.page\)\?.*write \$\$\( for a plain \$\(/s,
  },
  'a priority above that of its Queue is refused': {
    request: creation(aJob({ ...goodSpec, queue: 'research', priority: 'high' })),
    wantFields: ['spec.priority'],
    wantText: /high is above normal, the highest that Queue "research" takes; use normal or less, or another Queue/,
  },
  'a Job is not moved into a Queue that is not for its priority': {
    request: update(
      aJob({ ...goodSpec, queue: 'research', priority: 'high' }, stamped('alice')),
      aJob({ ...goodSpec, priority: 'high' }, stamped('alice')),
    ),
    wantFields: ['spec.priority'],
    wantText: /high is above normal/,
  },
  'a negative limit is refused with its bound': {
    request: creation(aJob({ inference: { ...goodSpec.inference, parameters: { maxTokens: -5 } } })),
    wantFields: ['spec.inference.parameters.maxTokens'],
    wantText: /\b1\b/,
  },
  'all mistakes are told at once': {
    request: creation(aJob({ inference: { modelRef: { name: 'UPPER' }, prompt: 'x', parameters: { topP: 3 } }, retry: { limit: -1 } })),
    wantFields: ['spec.inference.modelRef.name', 'spec.inference.parameters.topP', 'spec.retry.limit'],
    wantText: /has 3 mistakes/,
  },
  'a prompt of more than 16 KiB is refused in bytes, with the way to pass more': {
    request: creation(aJob({ inference: { modelRef: { name: 'smollm' }, prompt: 'ü'.repeat(8193) } })),
    wantFields: ['spec.inference.prompt'],
    wantText: /16386 bytes.*16384.*spec\.inference\.inputs/s,
  },
  'messages count together': {
    request: creation(
      aJob({
        inference: {
          modelRef: { name: 'smollm' },
          messages: [
            { role: 'user', content: 'a'.repeat(9000) },
            { role: 'user', content: 'b'.repeat(9000) },
          ],
        },
      }),
    ),
    wantFields: ['spec.inference.messages'],
    wantText: /18000 bytes/,
  },
  'a Job cannot wait for itself': {
    request: creation(aJob({ ...goodSpec, dependsOn: ['other', 'greet'] })),
    wantFields: ['spec.dependsOn[1]'],
    wantText: /cannot wait for itself/,
  },
  'the schema of an output that is none is refused, with its place': {
    request: creation(
      aJob({ container: { image: 'x', outputs: [{ name: 'a', path: '/out/a', schema: { properties: { a: { type: 'strin' } } } }] } }),
    ),
    wantFields: ['spec.container.outputs[0].schema.properties.a.type'],
    wantText: /\/spec\/container\/outputs\/0\/schema\/properties\/a\/type.*string/s,
  },
  'a spec that is no object is refused, not fatal': {
    request: creation(aJob('nonsense')),
    wantFields: ['spec'],
    wantText: /one mistake/,
  },
  'an update is judged like a creation': {
    request: update(aJob({ ...goodSpec, priority: 'urgent' }), aJob(goodSpec)),
    wantFields: ['spec.priority'],
    wantText: /urgent/,
  },
}

for (const [sentence, { request, wantFields, wantText }] of Object.entries(refusals)) {
  test(sentence, () => {
    for (const stage of ['mutate', 'validate'] as const) {
      const verdict = review(asSeenIn(stage, request), context)
      assert.equal(verdict.allowed, false)
      assert.equal(verdict.status?.code, 422)
      assert.deepEqual([...fieldsOf(verdict)].sort(), [...wantFields].sort())
      assert.match(verdict.status.message, wantText)
      assert.equal(verdict.status.details.name, 'greet')
      assert.equal(verdict.patch, undefined)
    }
  })
}

/** The object as the validating stage sees it: a new one is stamped by then. */
test('however long what a user wrote is, the refusal is short', () => {
  const long = 'x'.repeat(1_000_000)
  const spec = { ...goodSpec, dependsOn: [long], priority: long, podMetadata: { labels: { [long]: long } } }
  const { allowed, status } = review(creation(aJob(spec, { name: long })), context)
  assert.equal(allowed, false)
  assert.ok(JSON.stringify(status).length < 20_000, `${JSON.stringify(status).length} characters`)
})

function asSeenIn(stage: ReviewRequest['stage'], request: ReviewRequest): ReviewRequest {
  if (request.operation === 'UPDATE' || request.object === undefined) return { ...request, stage }
  return { ...request, stage, object: { ...request.object, metadata: stage === 'validate' ? stamped('alice') : request.object.metadata } }
}

test('every line of the message names a JSON Pointer', () => {
  const verdict = review(creation(aJob({ ...goodSpec, priority: 'hihg', dependsOn: ['greet'] })), context)
  assert.deepEqual(
    verdict.status?.message
      .split('\n')
      .slice(1)
      .map((line) => line.split(':')[0]),
    ['- /spec/priority', '- /spec/dependsOn/0'],
  )
})

test('an object whose name is generated shows its prefix', () => {
  const verdict = review(creation(aJob({ ...goodSpec, priority: 'x' }, { generateName: 'greet-' })), context)
  assert.equal(verdict.status?.details.name, 'greet-*')
})

const warned: Record<string, { request: ReviewRequest; wantWarnings: readonly string[] }> = {
  'an unknown Model is admitted with the nearest name': {
    request: creation(aJob({ inference: { modelRef: { name: 'smol' }, prompt: 'x' } }, stamped('alice'))),
    wantWarnings: ['no Model `smol`; did you mean `smollm`?'],
  },
  'an unknown Model of another namespace tells nothing of its names': {
    request: creation(aJob({ inference: { modelRef: { name: 'smol', namespace: 'team-b' }, prompt: 'x' } }, stamped('alice'))),
    wantWarnings: ['no Model `smol` in namespace `team-b` that namespace `team-a` may use'],
  },
  'an unknown Queue is admitted with a warning': {
    request: creation(aJob({ ...goodSpec, queue: 'reserach' }, stamped('alice'))),
    wantWarnings: ['no Queue `reserach` that takes Jobs of namespace `team-a`; did you mean `research`?'],
  },
  'a Model that is to be served by an unknown pool is admitted with the nearest name': {
    request: creation({
      ...aJob(
        { source: { uri: 'https://x/y', digest: `sha256:${'a'.repeat(64)}` }, serving: { poolRef: { name: 'gpu' } } },
        stamped('alice'),
      ),
      kind: 'Model',
    }),
    wantWarnings: ['no WorkerPool `gpu`; did you mean `gpus`?'],
  },
  'an alias of an unknown Model is admitted with the nearest name, and needs no digest': {
    request: creation({ ...aJob({ source: { uri: 'model://smol' } }, stamped('alice')), kind: 'Model' }),
    wantWarnings: ['no Model `smol`; did you mean `smollm`?'],
  },
  'an alias of itself is admitted and told that it leads nowhere': {
    request: creation({ ...aJob({ source: { uri: 'model://greet' } }, stamped('alice')), kind: 'Model' }),
    wantWarnings: ['spec.source.uri names the Model `greet` itself: it will never be ready'],
  },
  'an alias that says how it is run is told that its target decides': {
    request: creation({ ...aJob({ source: { uri: 'model://smollm' }, runtime: { engine: 'vllm' } }, stamped('alice')), kind: 'Model' }),
    wantWarnings: ['spec.runtime of an alias is not used: it is run as Model `smollm` is'],
  },
  'a Model of the output of a Job needs no digest': {
    request: creation({ ...aJob({ source: { uri: 'job://train/model' } }, stamped('alice')), kind: 'Model' }),
    wantWarnings: [],
  },
  'the default Queue needs no object': { request: creation(aJob({ ...goodSpec, queue: 'default' }, stamped('alice'))), wantWarnings: [] },
  'an update that leaves the spec alone is not warned again': {
    request: update(
      aJob({ inference: { modelRef: { name: 'smol' }, prompt: 'x' } }),
      aJob({ inference: { modelRef: { name: 'smol' }, prompt: 'x' } }),
    ),
    wantWarnings: [],
  },
}

for (const [sentence, { request, wantWarnings }] of Object.entries(warned)) {
  test(sentence, () => {
    const verdict = review({ ...request, stage: 'validate' }, context)
    assert.deepEqual({ allowed: verdict.allowed, warnings: verdict.warnings }, { allowed: true, warnings: wantWarnings })
  })
}

test('an empty catalog warns of nothing', () => {
  const request = creation(aJob({ ...goodSpec, queue: 'anything' }, stamped('alice')), { stage: 'validate' })
  assert.deepEqual(review(request, { ...context, catalog: emptyCatalog }).warnings, [])
})

test('a Model without a digest is admitted with a warning', () => {
  const model = { apiVersion: 'mnemos.dev/v1alpha1', kind: 'Model', metadata: stamped('alice'), spec: { source: { uri: 'https://x/y' } } }
  assert.match(review(creation(model, { stage: 'validate' }), context).warnings.join(), /digest/)
})

test('an object that is being deleted passes, however wrong', () => {
  const old = aJob({ ...goodSpec, priority: 'x' }, { name: 'greet', deletionTimestamp: '2026-01-01T00:00:00Z' })
  const verdict = review(update({ ...old, spec: 'nonsense' }, old), context)
  assert.equal(verdict.allowed, true)
})

test('an object that an older version admitted can still be cancelled', () => {
  const old = aJob({ ...goodSpec, priority: 'retired-value' })
  const cancelled = aJob({ ...goodSpec, priority: 'retired-value', cancel: true })
  assert.equal(review(update(cancelled, old), context).allowed, true)
})

test('a kind that is not ours is refused, never waved through', () => {
  const verdict = review(creation({ ...aJob({}), kind: 'Secret' }), context)
  assert.deepEqual([verdict.allowed, verdict.status?.code], [false, 400])
})

test('deletions pass', () => {
  assert.equal(review({ ...creation(aJob({})), operation: 'DELETE', object: undefined }, context).allowed, true)
})

const someMetadata = fc.record(
  {
    name: fc.constant('greet'),
    annotations: fc.dictionary(
      fc.constantFrom(requesterAnnotation, 'team', 'a/b~c', 'toString'),
      fc.constantFrom('', 'alice', 'mallory', 'bob'),
    ),
  },
  { requiredKeys: ['name'] },
)
const someRequest: fc.Arbitrary<ReviewRequest> = fc
  .record({
    userName: fc.constantFrom('alice', operator),
    metadata: someMetadata,
    old: fc.option(someMetadata, { nil: undefined }),
  })
  .map(({ userName, metadata, old }) =>
    old === undefined
      ? creation(aJob(goodSpec, metadata), { userName })
      : update(aJob({ ...goodSpec, suspend: true }, metadata), aJob(goodSpec, old), { userName }),
  )

test('mutating what was mutated changes nothing, and the validating stage then agrees', () => {
  fc.assert(
    fc.property(someRequest, (request) => {
      const first = review(request, context)
      assert.equal(first.allowed, true)
      assert.ok(request.object)
      const mutated: ReviewRequest = { ...request, object: applyPatch(request.object, first.patch ?? []) }
      assert.equal(review(mutated, context).patch, undefined)
      assert.equal(review({ ...mutated, stage: 'validate' }, context).allowed, true)
    }),
  )
})

test('no user can forge or change the requester', () => {
  fc.assert(
    fc.property(
      someRequest.filter((request) => request.userName === 'alice'),
      (request) => {
        assert.ok(request.object)
        const after = applyPatch(request.object, review(request, context).patch ?? []).metadata.annotations?.[requesterAnnotation]
        const wanted = request.operation === 'CREATE' ? 'alice' : request.oldObject?.metadata.annotations?.[requesterAnnotation]
        assert.equal(after, wanted)
      },
    ),
  )
})

test('a child made by the operator inherits the requester that it names', () => {
  const verdict = review(creation(aJob(goodSpec, stamped('alice')), { userName: operator }), context)
  assert.equal(verdict.patch, undefined)
})

test('review is total on hostile values', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.constantFrom('mutate' as const, 'validate' as const), (spec, oldSpec, stage) => {
      for (const kind of ['Job', 'Model', 'Queue', 'WorkerPool', 'Worker', 'Pipeline', 'PipelineRun']) {
        review({ ...creation({ ...aJob(spec), kind }), stage }, context)
        review({ ...update({ ...aJob(spec), kind }, { ...aJob(oldSpec), kind }), stage, kind }, context)
      }
    }),
  )
})
