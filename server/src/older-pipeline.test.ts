import assert from 'node:assert/strict'
import { test } from 'node:test'
import { olderPipeline } from './older-pipeline.ts'
import { Refusal } from './refusal.ts'

const older = { apiVersion: 'synkron.mnemos.dev/v1', kind: 'Pipeline', metadata: { name: 'p' } }
const step = { name: 'prepare', kind: 'data_prep', image: 'example/prepare:1' }

test('a document of the older form is taken as what it means now', () => {
  const read = olderPipeline({ ...older, spec: { steps: [step] } })
  assert.partialDeepStrictEqual(read, {
    apiVersion: 'mnemos.dev/v1alpha1',
    spec: { steps: [{ name: 'prepare', container: { image: 'example/prepare:1' } }] },
  })
})

test('what is of today, or nothing of ours, stays as it is', () => {
  for (const sent of [{ apiVersion: 'mnemos.dev/v1alpha1', kind: 'Pipeline' }, undefined, 'x', {}]) assert.equal(olderPipeline(sent), sent)
})

test('mistakes of the older form are told in its own words, all at once', () => {
  assert.throws(
    () =>
      olderPipeline({
        ...older,
        spec: {
          steps: [
            { ...step, kind: 'cook' },
            { ...step, name: 'b', depend_on: ['a'] },
          ],
        },
      }),
    (error: unknown) =>
      error instanceof Refusal && /spec\.steps\[0\]\.kind/.test(JSON.stringify(error)) && /depend_on/.test(JSON.stringify(error)),
  )
})
