import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apiVersion, type PipelineRun } from '@mnemos/api'
import { isShortRun, retryOf, runFrom } from './run-input.ts'
import { requestDigestAnnotation } from './submission.ts'

const alice = { userName: 'alice', idempotencyKey: undefined }
const keyed = (idempotencyKey: string, userName = 'alice') => ({ userName, idempotencyKey })
const of = { namespace: 'team-a', pipeline: 'digest' }

describe('a run', () => {
  test('holds what was asked for and nothing else', () => {
    const { metadata, ...rest } = runFrom(of, { name: 'r', parameters: { a: 1 }, revision: 3, labels: { x: 'y' } }, alice)
    assert.deepEqual(metadata, { namespace: 'team-a', name: 'r', labels: { x: 'y' } })
    assert.deepEqual(rest, {
      ...{ apiVersion, kind: 'PipelineRun' },
      spec: { pipelineRef: { name: 'digest' }, parameters: { a: 1 }, revision: 3 },
    })
  })

  test('is named after its pipeline, each time anew, in the room that a label has', () => {
    const [one, two] = [runFrom(of, {}, alice), runFrom(of, {}, alice)].map(({ metadata }) => metadata.name)
    assert.match(one ?? '', /^digest-[0-9a-f]{10}$/)
    assert.notEqual(one, two)
    const { name } = runFrom({ ...of, pipeline: `${'x'.repeat(49)}.${'y'.repeat(40)}` }, {}, alice).metadata
    assert.match(name, /^x{49}-[0-9a-f]{10}$/)
  })

  const nameOf = (pipeline: string, key: string, user?: string): string => runFrom({ ...of, pipeline }, {}, keyed(key, user)).metadata.name
  test('has one name for a key, of its user and its pipeline', () => {
    assert.equal(nameOf('digest', 'k'), nameOf('digest', 'k'))
    assert.notEqual(nameOf('digest', 'k'), nameOf('digest', 'l'))
    assert.notEqual(nameOf('digest', 'k'), nameOf('digest', 'k', 'bob'))
    assert.notEqual(nameOf('digest', 'k'), nameOf('other', 'k'))
  })

  test('remembers under a key what it was asked', () => {
    const digestOf = (topic: string): string | undefined =>
      runFrom(of, { parameters: { topic } }, keyed('k')).metadata.annotations?.[requestDigestAnnotation]
    assert.equal(digestOf('sea'), digestOf('sea'))
    assert.notEqual(digestOf('sea'), digestOf('sky'))
    assert.equal(runFrom(of, {}, alice).metadata.annotations, undefined)
  })
})

describe('a retry', () => {
  const earlier: PipelineRun = {
    ...{ apiVersion, kind: 'PipelineRun', metadata: { name: 'r', namespace: 'team-a' } },
    spec: {
      ...{ pipelineRef: { name: 'digest' }, priority: 'low', queue: 'night', revision: 2, suspend: true, cancel: true },
      ...{ parameters: { a: 1, b: 2 }, ttlSecondsAfterFinished: 60, approvals: [{ step: 's', decision: 'Approved' }] },
      overrides: [
        { step: 's', image: 'one' },
        { step: 't', image: 'two' },
      ],
    },
  }
  const specOf = (body: Parameters<typeof retryOf>[1]): unknown => Reflect.get(retryOf(earlier, body, alice), 'spec')

  test('is as the earlier run was, but for what steered that', () => {
    assert.deepEqual(specOf({}), {
      ...{ pipelineRef: { name: 'digest' }, priority: 'low', queue: 'night', retryFrom: { run: 'r' }, ttlSecondsAfterFinished: 60 },
      ...{ parameters: { a: 1, b: 2 }, overrides: earlier.spec.overrides },
    })
  })

  test('lays what is given over that', () => {
    assert.deepEqual(specOf({ steps: ['t'], parameters: { b: 3 }, overrides: [{ step: 't', image: 'three' }], revision: 4 }), {
      ...{ pipelineRef: { name: 'digest' }, priority: 'low', queue: 'night', ttlSecondsAfterFinished: 60, revision: 4 },
      ...{ retryFrom: { run: 'r', steps: ['t'] }, parameters: { a: 1, b: 3 } },
      overrides: [
        { step: 's', image: 'one' },
        { step: 't', image: 'three' },
      ],
    })
  })
})

test('the short form is known by its kind, and a whole object is none', () => {
  assert.ok(isShortRun({ kind: 'pipeline' }))
  for (const body of [undefined, null, 'pipeline', { kind: 'inference' }, { apiVersion, kind: 'pipeline' }]) assert.ok(!isShortRun(body))
})
