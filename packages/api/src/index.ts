export { asRead } from './as-read.ts'
export { celValue } from './cel.ts'
export * from './conditions.ts'
export * from './crd.ts'
export { about, type Finding, type FindingCode, fieldOf as fieldPath, type Path, pointerOf } from './finding.ts'
export { type JudgeOptions, judge, judgeUpdate } from './judge.ts'
export * from './kind.ts'
export * from './kinds.ts'
export * from './resources.ts'
export * from './schema.ts'
export { shownUri } from './shown-uri.ts'
export { editDistance, suggest } from './suggestion.ts'
export * from './time.ts'
export * from './v1alpha1/job.ts'
export {
  type ContainerWork,
  inputReference,
  maxInlineOutputBytes,
  maxJudgedOutputBytes,
  maxOutputSchemaBytes,
  maxOutputSchemasBytes,
} from './v1alpha1/job-container.ts'
export * from './v1alpha1/model.ts'
export * from './v1alpha1/pipeline.ts'
export * from './v1alpha1/pipeline-run.ts'
export type { ContainerResources, PodTemplate, ResourceClaim } from './v1alpha1/pod-template.ts'
export * from './v1alpha1/policy.ts'
export * from './v1alpha1/policy-rules.ts'
export * from './v1alpha1/queue.ts'
export * from './v1alpha1/references.ts'
export * from './v1alpha1/schema.ts'
export * from './v1alpha1/worker.ts'
export * from './v1alpha1/worker-pool.ts'
