/** Where the API server keeps the objects that policies look at. */
import {
  jobResource,
  modelResource,
  type PolicedKind,
  pipelineResource,
  pipelineRunResource,
  queueResource,
  workerPoolResource,
} from '@mnemos/api'
import type { Resource } from '@mnemos/kube'

export const policedResources: Readonly<Record<PolicedKind, Resource>> = {
  Job: jobResource,
  Model: modelResource,
  WorkerPool: workerPoolResource,
  Queue: queueResource,
  Pipeline: pipelineResource,
  PipelineRun: pipelineRunResource,
}
