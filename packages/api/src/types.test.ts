/** What the types promise to those who write objects and those who read them; `tsc` is the test, the assertions are a witness. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from 'zod'
import type { ConditionFact } from './conditions.ts'
import { apiVersion, defineKind } from './kind.ts'
import { type Job, type JobInput, type JobSpec, jobKind } from './v1alpha1/job.ts'
import type { ModelInput } from './v1alpha1/model.ts'
import type { WorkerPool } from './v1alpha1/worker-pool.ts'

test('a user leaves out whatever has a default', () => {
  const input: JobInput = {
    apiVersion,
    kind: 'Job',
    metadata: { name: 'a' },
    spec: { inference: { modelRef: { name: 'm' }, prompt: 'hi' } },
  }
  const stored: JobSpec = jobKind.spec.parse(input.spec)
  const queue: string = stored.queue
  const tokens: number | undefined = stored.inference?.parameters.maxTokens
  assert.deepEqual([queue, tokens], ['default', 256])
})

test('whoever reads has the defaults, and nothing else for sure', () => {
  // @ts-expect-error a stored Job has its queue, priority, retry, suspend and cancel
  const incomplete: Job['spec'] = { inference: { modelRef: { name: 'm' }, prompt: 'hi', parameters: { maxTokens: 1 } } }
  // @ts-expect-error a pool may have no models
  const models: readonly unknown[] = ({} as WorkerPool['spec']).models // An empty object stands in: only its type is looked at.
  assert.deepEqual([typeof incomplete, models], ['object', undefined])
})

test('words outside an enum, reasons and kinds that nobody declared are type errors', () => {
  const fact: ConditionFact = { type: 'Ready', status: 'True', reason: 'ArtifactVerified', message: '' }
  // @ts-expect-error no such reason
  const reason: ConditionFact['reason'] = 'ArtefactVerified'
  // @ts-expect-error no such condition
  const type: ConditionFact['type'] = 'Redy'
  // @ts-expect-error no such priority
  const priority: JobSpec['priority'] = 'hihg'
  // @ts-expect-error a Model is no Job
  const kind: ModelInput['kind'] = 'Job'
  // @ts-expect-error a status default is a status
  const statusDefault: z.input<typeof jobKind.status> = { phase: 'Done' }
  assert.equal([fact, reason, type, priority, kind, statusDefault].length, 6)
})

test('a kind says all of itself', () => {
  // @ts-expect-error columns, rules and the rest are missing
  assert.throws(() => defineKind({ kind: 'Half', plural: 'halves' }).rules.length)
})
