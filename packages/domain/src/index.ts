export { type Admission, admit, readReviewed } from './admission/admit.ts'
export { type Catalog, emptyCatalog } from './admission/catalog.ts'
export { type KnownPipeline, knownPipelineOf } from './admission/known-pipeline.ts'
export { nearest } from './admission/nearest.ts'
export { type NeededRight, newlyNeededRights, rightUnknown, withoutRight } from './admission/needed-rights.ts'
export { rateLimited } from './admission/rate-limited.ts'
export { unavailable } from './admission/refusal.ts'
export { requesterAnnotation } from './admission/requester.ts'
export { admitted, review } from './admission/review.ts'
export type { Cause, PatchOperation, Refusal, ReviewContext, ReviewedObject, ReviewRequest, Verdict } from './admission/verdict.ts'
export { type WrittenWorldOptions, writtenWorld } from './admission/written-world.ts'
export { type AllowedNamespaces, mayUse, type NamespaceLabels, selects } from './allowed-namespaces.ts'
export {
  decideRetention,
  type KeepReason,
  type ListedObject,
  type LiveJob,
  type LiveObjects,
  noLiveObjects,
  noteJob,
  noteReferences,
  outputsPrefix,
  type Removal,
  type RemovalReason,
  removalReasons,
} from './artifacts/retention.ts'
export { childName } from './child-name.ts'
export { type DemoObject, type DemoSettings, demoObjects } from './demo/demo.ts'
export {
  aliasesThatLeadTo,
  aliasTargetOf,
  aliasTargetOfUri,
  aliasUri,
  type FollowedAlias,
  followAlias,
  maxAliasSteps,
} from './models/alias.ts'
export { type AliasMistake, type AliasPatch, movedAlias, previousTargetAnnotation, rollbackOfAlias } from './models/alias-move.ts'
export { importKeyOf, sourceJobOf } from './models/import-source.ts'
export { decideModel, importJobName, type ModelPlan, type ModelWorld } from './models/model.ts'
export { ownPoolName, type ServingWorld, servingPoolOf, warmUpJobName } from './models/model-serving.ts'
export { checkPipeline, compilePipeline } from './pipelines/check-pipeline.ts'
export type { CompiledPipeline } from './pipelines/compiled.ts'
export { countsOf, decodePhases } from './pipelines/fan-out.ts'
export {
  givers,
  isTarget,
  type LineageNode,
  type LineageWork,
  type LineageWorld,
  lineageOf,
  upstreamOf,
} from './pipelines/lineage.ts'
export { type MadeFile, madeFiles, needsStoredResult, ownKey } from './pipelines/made-file.ts'
export { fromOlderForm, isOlderForm, olderApiVersion, olderVersionAnnotation } from './pipelines/older-form.ts'
export { type OutlineStep, outlineOf } from './pipelines/outline.ts'
export { type ParameterDeclaration, type ParameterType, type ParameterValues, parameterValues } from './pipelines/parameters.ts'
export { decidePipeline, type PipelinePlan, type PipelineWorld } from './pipelines/pipeline.ts'
export { decidePipelineRun, isOver } from './pipelines/pipeline-run.ts'
export type { StepPhase } from './pipelines/progress.ts'
export { type PipelineRevision, pipelineOfRevision, revisionName } from './pipelines/revision.ts'
export {
  itemLabel,
  memoLabel,
  pipelineLabel,
  placeOf,
  revisionLabel,
  runLabel,
  stepLabel,
} from './pipelines/run-names.ts'
export {
  piecesBehind,
  positionText,
  readPosition,
  runWork,
  type StepWork,
  type WorkFilter,
  type WorkPiece,
  type WorkPosition,
} from './pipelines/run-work.ts'
export { type RunEffect, type RunPlan, type RunRevision, type RunSource, type RunWorld, unseenMs } from './pipelines/run-world.ts'
export { type SpecChange, specChanges } from './pipelines/spec-diff.ts'
export { stepsBefore } from './pipelines/steps-before.ts'
export { unifiedDiff } from './pipelines/unified-diff.ts'
export { type BlastRadius, blastRadiusOf, kindsLookedAt } from './policies/blast-radius.ts'
export { type CompiledPolicy, compilePolicy, type PolicyId, type PolicyObject, policyName } from './policies/compile.ts'
export type { Violation } from './policies/judge-policies.ts'
export { factsThroughAlias, grantOf, modelFactsOf } from './policies/model-facts.ts'
export { personalDataActions } from './policies/personal-data.ts'
export { type CaseOutcome, type CaseResult, caseOutcomes, type PolicyCase, runCase } from './policies/policy-case.ts'
export { noPolicies, type PolicyWorld } from './policies/policy-world.ts'
export {
  type CountedRequest,
  chargeOf,
  type FullRule,
  type NextRoom,
  type RateCharge,
  type RateLimitRule,
  type RateVerdict,
} from './policies/rate-limit.ts'
export type { FindPii } from './policies/rule-kind.ts'
export { decidePolicy, enforcedAgainst, inListOrder, type PolicyScan, type Scanned, type ScanResult, scanObject } from './policies/scan.ts'
export type { ModelFacts } from './policies/subject.ts'
export { textsOf } from './policies/texts.ts'
export { inputFiles } from './scheduling/container-files.ts'
export {
  attemptLabel,
  hasOwnPods,
  jobLabel,
  logsRecordedAnnotation,
  mainContainer,
  podName,
  podOfAttempt,
} from './scheduling/dedicated-pod.ts'
export { attemptPrefix, inferenceInputs, inputJobs } from './scheduling/input-source.ts'
export { decideJob } from './scheduling/job.ts'
export { isActive, isTerminal, type JobPlan } from './scheduling/job-status.ts'
export type {
  AttemptEnd,
  AttemptReport,
  JobEffect,
  JobWorld,
  OwnPods,
  PlacedOn,
  PodRefusal,
  ResultVerdict,
  Stray,
  Waiting,
  WorkerLink,
} from './scheduling/job-world.ts'
export { hasBytesOfAttempt } from './scheduling/model-used.ts'
export { anyEngine, type Demand, Placement, type Reservation, type WorkerSlots } from './scheduling/placement.ts'
export type { SidecarSettings } from './scheduling/sidecar.ts'
export { StartRate } from './scheduling/start-rate.ts'
export { type AppliedSchema, appliedSchemaOf, withSchemas } from './schemas/applied.ts'
export { builtInSchemas } from './schemas/built-in.ts'
export {
  breachOf,
  type Compatibility,
  type CompatibilityAnswer,
  checkCompatibility,
  documentInForce,
  type EarlierDocument,
  shownExample,
} from './schemas/compatibility.ts'
export { judgeByDocument, readDocument } from './schemas/document.ts'
export { decideSchema, type SchemaPlan, type SchemaWorld } from './schemas/schema.ts'
export type { ConfigMap, ContainerStatus, Deployment, Pod } from './workers/cluster-objects.ts'
export { joinTokenSecret, labelOf, managedByLabel, poolChildName, poolLabel } from './workers/pool-names.ts'
export { decideWorker, type WorkerSession, type WorkerWorld } from './workers/worker.ts'
export { authorityConfigMap, type PodSettings, podTokenAudience } from './workers/worker-pod.ts'
export { decideWorkerPool, type PoolMaking, type WorkerPoolPlan, type WorkerPoolWorld } from './workers/worker-pool.ts'
export { caConfigMap } from './workers/worker-pool-children.ts'
export type { Written } from './written.ts'
