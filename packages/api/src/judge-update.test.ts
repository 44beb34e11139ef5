import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeUpdate } from './judge.ts'
import { apiVersion } from './kind.ts'
import { shapeOf, unwrap } from './schema-walk.ts'
import { jobKind } from './v1alpha1/job.ts'

const ask = { modelRef: { name: 'm' }, prompt: 'hi', parameters: { maxTokens: 5, temperature: 0.5 } }
const job = (spec: object, status?: object): object => ({
  apiVersion,
  kind: 'Job',
  metadata: { name: 'a' },
  spec: { inference: ask, ...spec },
  ...(status === undefined ? {} : { status }),
})
const worker = { name: 'w', instance: 'i1' }
const scheduled = { phase: 'Scheduled', attempt: 1, worker }

const cases: Record<string, { before: object; after: object; want: readonly string[] }> = {
  'nothing changed': { before: job({}), after: job({}), want: [] },
  'a default written out is no change': { before: job({}), after: job({ queue: 'default', retry: { limit: 3 } }), want: [] },
  'suspend, priority and deadlines may change': {
    before: job({}, scheduled),
    after: job({ suspend: true, priority: 'high', deadlines: { runSeconds: 1 } }, scheduled),
    want: [],
  },
  'the prompt may not': {
    before: job({}),
    after: job({ inference: { ...ask, prompt: 'other' } }),
    want: ['spec.inference'],
  },
  'nor how tokens are chosen': {
    before: job({}),
    after: job({ inference: { ...ask, parameters: { maxTokens: 6, temperature: 0.5 } } }),
    want: ['spec.inference'],
  },
  'a frozen field may neither come nor go': {
    before: job({ dependsOn: ['a'] }),
    after: job({ ttlSecondsAfterFinished: 5 }),
    want: ['spec.dependsOn', 'spec.ttlSecondsAfterFinished'],
  },
  'cancel is one-way': { before: job({ cancel: true }), after: job({ cancel: false }), want: ['spec.cancel'] },
  'the queue may change while Pending': { before: job({}), after: job({ queue: 'other' }), want: [] },
  'and not later': { before: job({}, scheduled), after: job({ queue: 'other' }, scheduled), want: ['spec.queue'] },
  'an attempt never falls': {
    before: job({}, { phase: 'Retrying', attempt: 2 }),
    after: job({}, { phase: 'Retrying', attempt: 1 }),
    want: ['status.attempt'],
  },
  'a status that is removed reads as a fresh one, whose attempt fell': {
    before: job({}, scheduled),
    after: job({}),
    want: ['status.attempt'],
  },
  'a worker is fixed within its attempt': {
    before: job({}, scheduled),
    after: job({}, { ...scheduled, worker: { ...worker, instance: 'i2' } }),
    want: ['status.worker'],
  },
  'and free in the next': {
    before: job({}, scheduled),
    after: job({}, { ...scheduled, attempt: 2, worker: { ...worker, instance: 'i2' } }),
    want: [],
  },
  'what ended stays as it ended': {
    before: job({}, { phase: 'Cancelled', attempt: 1 }),
    after: job({}, { phase: 'Succeeded', attempt: 1 }),
    want: ['status.phase'],
  },
  'mistakes of the new object are told, too': {
    before: job({ cancel: true }),
    after: job({ cancel: false, priority: 'hihg' }),
    want: ['spec.cancel', 'spec.priority'],
  },
}

for (const [sentence, { before, after, want }] of Object.entries(cases)) {
  test(sentence, () => {
    assert.deepEqual(
      judgeUpdate(jobKind, before, after)
        .map(({ field }) => field)
        .sort(),
      want,
    )
  })
}

test('what may not change says so, and what to do', () => {
  const [finding] = judgeUpdate('Job', job({}), job({ retry: { limit: 9 } }))
  assert.deepEqual(finding, {
    path: '/spec/retry',
    field: 'spec.retry',
    code: 'immutable',
    message: 'retry cannot change after creation; create a new Job instead',
  })
})

test('every field of a Job’s spec is frozen but those that are meant to change', () => {
  const mayChange = ['queue', 'priority', 'deadlines', 'suspend', 'cancel']
  const shape = shapeOf(jobKind.spec)
  assert.ok(shape.type === 'object')
  for (const [name, field] of Object.entries(shape.fields)) {
    const isFrozen = (unwrap(field).marks.rules ?? []).some(({ rule }) => rule === 'self == oldSelf')
    assert.equal(isFrozen, !mayChange.includes(name), name)
  }
})
