export * from './gen/constructs.ts'
export { Job } from './job.ts'
export { MnemosObject, type ObjectProps } from './mnemos-object.ts'
export { Model, type ModelFileProps } from './model.ts'
export { Pipeline } from './pipeline.ts'
export { cel, item, Reference, run, text } from './pipeline-reference.ts'
export { PipelineRun } from './pipeline-run.ts'
export { Step } from './pipeline-step.ts'
export type {
  CallOptions,
  ContainerOptions,
  ForEach,
  Given,
  InferenceOptions,
  JobOptions,
  OrderOptions,
  Parameter,
  Parameters,
  PipelineProps,
  Referable,
  RunProps,
  ValueOf,
} from './pipeline-types.ts'
export type { NamedReference, NameOf, ObjectReference, ReferenceTo } from './reference.ts'
