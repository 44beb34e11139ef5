/** All kinds, in the order in which documents list them. A new kind is added here and nowhere else in this package. */
import type { z } from 'zod'
import type { KindDefinition } from './kind.ts'
import { jobKind } from './v1alpha1/job.ts'
import { modelKind } from './v1alpha1/model.ts'
import { pipelineKind } from './v1alpha1/pipeline.ts'
import { pipelineRunKind } from './v1alpha1/pipeline-run.ts'
import { clusterPolicyKind, policyKind } from './v1alpha1/policy.ts'
import { queueKind } from './v1alpha1/queue.ts'
import { schemaKind } from './v1alpha1/schema.ts'
import { workerKind } from './v1alpha1/worker.ts'
import { workerPoolKind } from './v1alpha1/worker-pool.ts'

export const kinds: readonly KindDefinition<z.ZodObject, z.ZodObject>[] = [
  modelKind,
  jobKind,
  queueKind,
  workerPoolKind,
  workerKind,
  policyKind,
  clusterPolicyKind,
  schemaKind,
  pipelineKind,
  pipelineRunKind,
]
