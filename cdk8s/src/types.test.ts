import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { jobKind, modelKind, pipelineKind, pipelineRunKind, queueKind, workerKind, workerPoolKind } from '@mnemos/api'
import type { Duration, Size } from 'cdk8s'
import type { z } from 'zod'
import type { JobSpec, MnemosObject, ModelSpec, PipelineRunSpec, PipelineSpec, QueueSpec, WorkerPoolSpec, WorkerSpec } from './index.ts'

/** A spec without what only constructs may hold: constructs, Sizes and Durations. */
type Plain<T> = T extends MnemosObject<string, object> | Size | Duration
  ? never
  : T extends readonly (infer Item)[]
    ? Plain<Item>[]
    : T extends object
      ? { [Key in keyof T as Key extends 'kind' ? never : Key]: Plain<T[Key]> }
      : T

/** Each may stand for the other: what the constructs take is what the schemas of packages/api take. */
type Same<Generated, Input> = Input extends Generated ? (Plain<Generated> extends Input ? true : 'takes too much') : 'takes too little'
type SpecOf<Kind extends { readonly spec: z.ZodType }> = z.input<Kind['spec']>

test('the specs of the constructs are the input types of the schemas', () => {
  const same: [
    Same<ModelSpec, SpecOf<typeof modelKind>>,
    Same<JobSpec, SpecOf<typeof jobKind>>,
    Same<QueueSpec, SpecOf<typeof queueKind>>,
    Same<WorkerPoolSpec, SpecOf<typeof workerPoolKind>>,
    Same<WorkerSpec, SpecOf<typeof workerKind>>,
    Same<PipelineSpec, SpecOf<typeof pipelineKind>>,
    Same<PipelineRunSpec, SpecOf<typeof pipelineRunKind>>,
  ] = [true, true, true, true, true, true, true]
  // @ts-expect-error a Queue's spec is no Job's
  const witness: Same<QueueSpec, SpecOf<typeof jobKind>> = true
  assert.deepEqual([same.every(Boolean), witness], [true, true])
})
