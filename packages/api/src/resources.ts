/** Each kind as the collection of the API that holds it; has the shape of a Resource of @mnemos/kube. */
import { group, type KindDefinition, version } from './kind.ts'
import { jobKind } from './v1alpha1/job.ts'
import { modelKind } from './v1alpha1/model.ts'
import { pipelineKind } from './v1alpha1/pipeline.ts'
import { pipelineRunKind } from './v1alpha1/pipeline-run.ts'
import { clusterPolicyKind, policyKind } from './v1alpha1/policy.ts'
import { queueKind } from './v1alpha1/queue.ts'
import { schemaKind } from './v1alpha1/schema.ts'
import { workerKind } from './v1alpha1/worker.ts'
import { workerPoolKind } from './v1alpha1/worker-pool.ts'

export interface KindResource {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
}

function resourceOf({ plural, kind, scope }: Pick<KindDefinition<never, never>, 'plural' | 'kind' | 'scope'>): KindResource {
  return { group, version, plural, kind, namespaced: scope === 'Namespaced' }
}

export const modelResource = resourceOf(modelKind)
export const jobResource = resourceOf(jobKind)
export const queueResource = resourceOf(queueKind)
export const workerPoolResource = resourceOf(workerPoolKind)
export const workerResource = resourceOf(workerKind)
export const policyResource = resourceOf(policyKind)
export const clusterPolicyResource = resourceOf(clusterPolicyKind)
export const schemaResource = resourceOf(schemaKind)
export const pipelineResource = resourceOf(pipelineKind)
export const pipelineRunResource = resourceOf(pipelineRunKind)
