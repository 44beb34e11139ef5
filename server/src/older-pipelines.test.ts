import assert from 'node:assert/strict'
import { test } from 'node:test'
import { about } from '@mnemos/api'
import { olderPipelines } from './older-pipelines.ts'
import { Refusal } from './refusal.ts'

const older = { apiVersion: 'synkron.mnemos.dev/v1', kind: 'Pipeline' }
const today = { apiVersion: 'mnemos.dev/v1alpha1', kind: 'Pipeline' }

test('a document of the older form is taken as what it means now', () => {
  assert.equal(olderPipelines(() => ({ pipeline: today }))(older), today)
})

test('what has another form is left as it is', () => {
  const never = (): never => assert.fail('asked')
  for (const sent of [today, undefined, 'x', {}]) assert.equal(olderPipelines(never)(sent), sent)
})

test('everything that is wrong with it is told at once', () => {
  const mistakes = [
    about(['spec', 'steps', 0, 'kind'], 'enum', 'is no kind', 'write custom'),
    about(['metadata'], 'required', 'is required'),
  ]
  assert.throws(
    () => olderPipelines(() => ({ mistakes }))(older),
    (error) => {
      assert.ok(error instanceof Refusal)
      assert.equal(error.message, 'The pipeline is invalid: spec.steps[0].kind: is no kind (write custom); metadata: is required')
      assert.equal(error.details?.[0]?.path, '/spec/steps/0/kind')
      return error.status === 422
    },
  )
})
