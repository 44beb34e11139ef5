/**
 * Conditions and their reasons. A reason that is not declared here is a type error; the reference page is generated
 * from these sentences.
 *
 * Living kinds (Model, WorkerPool, Worker) sum up in `Ready`; bounded kinds (Job) in `Succeeded`. `Reconciling` and
 * `Stalled` exist only while they are True, as kstatus (sigs.k8s.io/cli-utils/pkg/kstatus) reads them.
 */
import { z } from 'zod'
import { keyedBy } from './schema.ts'

/** Why a Job, a Model, … is as it is: every reason that a condition may give, with the sentence that explains it. */
export const reasonsByKind = {
  Job: {
    Pending: 'The Job was accepted and waits to be looked at for the first time.',
    ModelNotFound: 'The Model that the Job names does not exist (yet).',
    ModelNotReady: 'The Model exists, but its artifact is not verified yet.',
    ModelNotAllowed: 'The Model does not allow this namespace to use it (`spec.allowedNamespaces`).',
    QueueNotFound: 'The Queue that the Job names does not exist.',
    QueueNotAllowed: 'The Queue does not take Jobs of this namespace (`spec.namespaceSelector`).',
    WaitingForDependencies: 'A Job named in `dependsOn` has not succeeded yet.',
    DependencyFailed: 'A Job named in `dependsOn` failed, was cancelled or is gone.',
    Suspended: '`spec.suspend` is true.',
    NoWorker: 'No connected Worker can run this kind of work in this namespace.',
    WorkersBusy: 'Every Worker that could run the Job is busy.',
    BackingOff: 'The last attempt failed; the next one starts after a pause.',
    Scheduled: 'A Worker was chosen, or a pod made, and the attempt was issued.',
    Running: 'The Worker has started the attempt.',
    Succeeded: 'The result is stored and its digest is in the status.',
    Failed: 'The Job failed and will not be tried again.',
    Cancelled: 'The Job was cancelled by its user.',
    DeadlineExceeded: 'The queue or run deadline of the Job passed.',
    RetriesExhausted: 'The Job failed more often than `spec.retry.limit` allows.',
    BadInput: 'The input can never succeed; it is not tried again.',
    PodUnschedulable: 'No node has what the pod of the Job asks for; the message is that of the scheduler.',
    PodGated: 'Somebody, e.g. Kueue, holds the pod of the Job back by a scheduling gate.',
    PodRefused: 'The API server does not take the pod of the Job: a quota, Pod Security or other admission; the message is theirs.',
    PodNotStarting: 'The pod of the Job has a node but cannot be started there.',
    ImagePullFailed: 'The image of the Job cannot be pulled.',
    NoSidecar: 'A program of ours for the pod of the Job is missing: its image, or the authority of the server.',
  },
  Model: {
    Importing: 'The bytes are being copied into the artifact store and verified.',
    ArtifactVerified: 'The bytes are in the artifact store and their SHA-256 is the one in the status.',
    DigestMismatch: 'The bytes at the source do not have the digest that `spec.source.digest` demands.',
    ArtifactMissing: 'The bytes were verified once and the artifact store has them no more; they are imported again.',
    ImportFailed: 'The import Job failed.',
    WaitingForJob: 'The Job whose output the Model is made of has not succeeded yet, or does not exist.',
    SourceJobFailed: 'The Job whose output the Model is made of failed or was cancelled.',
    SourceInvalid: 'What `spec.source.uri` names can never be had: the Job has no such output, or the object is of another namespace.',
    AliasResolved: 'The Model is an alias, and the Model that it leads to is verified: it has the same bytes and is run in the same way.',
    AliasTargetNotFound: 'The Model is an alias, and the Model that it names does not exist (any more).',
    AliasTargetNotReady: 'The Model is an alias, and the Model that it leads to may not be used (yet).',
    AliasCycle: 'The Model is an alias that leads back to itself.',
    AliasTooDeep: 'The Model is an alias of an alias of … : more than four steps.',
    PolicyViolation: 'A policy does not allow the Model as it is, for example the licence that was found in its bytes; no Job may use it.',
    PoolNotFound: 'The WorkerPool that is to serve the Model does not exist (yet).',
    PoolNotAllowed: 'The WorkerPool that is to serve the Model does not allow its namespace (`spec.allowedNamespaces`).',
    WaitingForPool: 'The WorkerPool that is to serve the Model has no ready worker.',
    WarmingUp: 'A Job asks the Model for its first token.',
    WarmUpFailed: 'The Job that asked the Model for its first token failed.',
    FirstTokenCame: 'The Model has answered since its last change.',
    Serving: 'The bytes are verified, the Model has answered, and a worker keeps it.',
    Asleep: 'The WorkerPool that serves the Model is scaled to zero.',
  },
  WorkerPool: {
    WorkersReady: 'At least one Worker of the pool is connected and fresh.',
    NoWorkers: 'No Worker of the pool is connected.',
    ScaledToZero: 'The pool is to have no workers, and has none.',
    RollingOut: 'Pods of the pool are being started or ended.',
    NoWorkerImage: 'Nobody has said which image the workers of the pool run.',
    PodUnschedulable: 'No node has what a pod of the pool asks for; the message is that of the scheduler.',
    PodRefused: 'The API server takes no pod of the pool: a quota, Pod Security or other admission; the message is theirs.',
    PodNotStarting: 'A pod of the pool has a node but cannot be started there.',
    ImagePullFailed: 'The image of the workers cannot be pulled.',
    WorkerCrashing: 'A worker ends again and again.',
  },
  Worker: {
    Connected: 'The Worker holds a stream to the operator and its heartbeats are fresh.',
    HeartbeatLate: 'The Worker has been silent long enough that it gets no new work.',
    Offline: 'The Worker has been silent so long that its attempts were given to others.',
    Draining: 'The Worker finishes what it runs and takes nothing new.',
  },
  Schema: {
    VersionInForce: 'Objects are judged by the version that the status names.',
    DocumentDoesNotCompile: 'The document is no JSON Schema 2020-12, or is too large; the last accepted version stays in force.',
    Incompatible: 'The document breaks what `spec.compatibility` promises; the last accepted version stays in force.',
    CompatibilityUndecided:
      'Whether the document keeps what `spec.compatibility` promises could not be proved; the last accepted version stays in force.',
    VersionNotFound: '`spec.version` names a version that is not kept; the newest accepted version stays in force.',
  },
  Pipeline: {
    RevisionInForce: 'The graph, the references and the work of every step are valid; new runs use the revision that the status names.',
    GraphInvalid:
      'A step, a reference, a parameter or the graph of the Pipeline is wrong; new runs use the last valid revision, if there is one.',
  },
  PipelineRun: {
    PipelineNotFound: 'The Pipeline that the run names does not exist (yet).',
    PipelineNotReady: 'The newest spec of the Pipeline has not been looked at yet, or none was valid.',
    RevisionNotFound: 'The revision of the Pipeline that the run uses is not kept (any more).',
    ParametersInvalid: 'The parameters are not those that the revision takes.',
    RetryInvalid: 'The run that is to be retried does not exist, has not ended, or is of another Pipeline or revision.',
    WaitingForRun: 'The run that is to be retried has not ended yet.',
    StepsRunning: 'Steps of the run are at work.',
    ApprovalNeeded: 'A step waits for the decision of a person (`spec.approvals`).',
    BreakerTripped: 'A step failed in the last runs of this revision; an approval of the step lets it through.',
    RunSuspended: '`spec.suspend` is true, and nothing runs any more.',
    StepsSucceeded: 'Every step succeeded or was skipped by its condition.',
    StepFailed: 'A step failed for good; what came after it was skipped, and everything else was finished.',
    RunCancelled: 'The run was cancelled by its user.',
    RunTimedOut: 'The run took longer than the Pipeline allows (`spec.timeoutSeconds`).',
  },
  Policy: {
    InForce: 'Every rule of the policy is judged at admission.',
    DoesNotCompile: 'A rule of the policy cannot be judged. Until it is corrected, what the policy matches is refused.',
  },
} as const

/** All reasons in one table. */
export const reasons = {
  ...reasonsByKind.Job,
  ...reasonsByKind.Model,
  ...reasonsByKind.WorkerPool,
  ...reasonsByKind.Worker,
  ...reasonsByKind.Schema,
  ...reasonsByKind.Pipeline,
  ...reasonsByKind.PipelineRun,
  ...reasonsByKind.Policy,
} as const

export type Reason = keyof typeof reasons

/** Condition types of ours, with what True says. All are positive but `Reconciling`, `Stalled` and `DeadLettered`. */
export const conditionTypes = {
  Ready: 'Sums up a Model, WorkerPool, Worker, Schema, Pipeline or policy: it can be used.',
  Succeeded: 'Sums up a Job or a PipelineRun that has ended: it has a result. Absent until then.',
  Reconciling: 'Something is still to be done; exists only while True.',
  Stalled: 'Nothing more will be done without a change by a person; exists only while True.',
  DeadLettered: 'The Job used up its retries; a new Job is needed.',
  Placed: 'An attempt of the Job is out, on the Worker that the status names.',
  Started: 'The Worker has begun with the attempt.',
  GraphValid: 'The steps, references and parameters of a Pipeline are right.',
  FirstToken: 'A token came out of the Model as it is now; only of Models with `spec.serving`.',
  ArtifactVerified: 'The bytes of the Model are stored and have the digest in the status.',
  HeartbeatFresh: 'The Worker was heard from lately.',
} as const

export type ConditionType = keyof typeof conditionTypes

export const conditionSchema = z.object({
  type: z.string().min(1).max(64).describe('Name of the condition, unique in the list.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether the condition holds.'),
  reason: z.string().min(1).max(64).describe('Why, as one word that programs may compare.'),
  message: z.string().max(1024).default('').describe('Why, as a sentence that names the object and the next step.'),
  observedGeneration: z.int().min(0).default(0).describe('The generation of the spec that this condition judges.'),
  lastTransitionTime: z.iso.datetime().describe('When the status last changed (RFC 3339).'),
})
export type Condition = z.output<typeof conditionSchema>

/** The conditions of a status: a list-map by type, at most 16. */
export const conditions = keyedBy(z.array(conditionSchema).max(16).describe('What is true about this object now.'), 'type')

/** A condition as a decision states it: the time is filled in by `withConditions`. */
export interface ConditionFact {
  readonly type: ConditionType
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: Reason
  readonly message: string
}
