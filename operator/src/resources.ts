/** The collections that the operator watches and writes, and the shape in which it keeps Jobs in memory. */
import {
  type ClusterPolicy,
  clusterPolicyResource,
  type Job,
  jobResource,
  type Model,
  modelResource,
  type Pipeline,
  type PipelineRun,
  type Policy,
  pipelineResource,
  pipelineRunResource,
  policyResource,
  type Queue,
  queueResource,
  type Schema,
  schemaResource,
  type Worker,
  type WorkerPool,
  workerPoolResource,
  workerResource,
} from '@mnemos/api'
import {
  aliasTargetOf,
  type ConfigMap,
  type Deployment,
  inputJobs,
  isOver,
  isTerminal,
  labelOf,
  memoLabel,
  type PipelineRevision,
  type Pod,
  pipelineOfRevision,
  poolLabel,
  runLabel,
  servingPoolOf,
  sourceJobOf,
} from '@mnemos/domain'
import { controllerOf, type KubeObject, keyOf, type Reader, resource } from '@mnemos/kube'

/** Who we are to the API server's record of who set which field. */
export const fieldManager = 'mnemos-operator'

export const jobs = resource<Job>(jobResource)
export const models = resource<Model>(modelResource)
export const queues = resource<Queue>(queueResource)
export const pools = resource<WorkerPool>(workerPoolResource)
export const workers = resource<Worker>(workerResource)
export const schemas = resource<Schema>(schemaResource)
export const policies = resource<Policy>(policyResource)
export const clusterPolicies = resource<ClusterPolicy>(clusterPolicyResource)
export const pipelines = resource<Pipeline>(pipelineResource)
export const pipelineRuns = resource<PipelineRun>(pipelineRunResource)
export const revisions = resource<PipelineRevision>({
  group: 'apps',
  version: 'v1',
  plural: 'controllerrevisions',
  kind: 'ControllerRevision',
  namespaced: true,
})
export const namespaces = resource({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false })

export interface Secret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}
export const secrets = resource<Secret>({ group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true })

export const replicaSets = resource({ group: 'apps', version: 'v1', plural: 'replicasets', kind: 'ReplicaSet', namespaced: true })
export const deployments = resource<Deployment>({
  group: 'apps',
  version: 'v1',
  plural: 'deployments',
  kind: 'Deployment',
  namespaced: true,
})
export const pods = resource<Pod>({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true })
export const configMaps = resource<ConfigMap>({ group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true })
export const serviceAccounts = resource({ group: '', version: 'v1', plural: 'serviceaccounts', kind: 'ServiceAccount', namespaced: true })
export const networkPolicies = resource({
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'networkpolicies',
  kind: 'NetworkPolicy',
  namespaced: true,
})

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

/** Drops what nobody here reads: bookkeeping of field managers, and kubectl's copy of the whole object, prompt included. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _managedFields, annotations, ...metadata } = object.metadata
  if (annotations === undefined) return { ...object, metadata }
  const { [lastApplied]: _lastApplied, ...kept } = annotations
  return { ...object, metadata: { ...metadata, annotations: kept } }
}

/** A Job as it is cached: without its input, and without the result of an inference, which only its user reads, or the run that it is a step of. */
export function cachedJob(object: Job): Job {
  const job = withoutManagedFields(object)
  if (job.spec.inference === undefined) return job
  const { prompt: _prompt, messages: _messages, ...inference } = job.spec.inference
  const spec = { ...job.spec, inference }
  if (job.status?.result === undefined || job.metadata.labels?.[runLabel] !== undefined) return { ...job, spec }
  const { inline: _inline, ...result } = job.status.result
  return { ...job, spec, status: { ...job.status, result } }
}

/** The Model that a Job names, or undefined. */
export function modelNameOf({ spec, metadata }: Job): { readonly name: string; readonly namespace: string } | undefined {
  const ref = spec.inference?.modelRef
  return ref === undefined ? undefined : { name: ref.name, namespace: ref.namespace ?? metadata.namespace ?? '' }
}

/** Names of the Models of a namespace. */
export function modelNamesIn(reader: Reader, namespace: string): string[] {
  return reader
    .list(models)
    .filter(({ metadata }) => metadata.namespace === namespace)
    .map(({ metadata }) => metadata.name)
}

function modelKeyOf(job: Job): string | undefined {
  const name = modelNameOf(job)
  return name === undefined ? undefined : keyOf(name)
}

/** Names of the Jobs that must have succeeded first: those it says, and those whose outputs it reads. */
export function dependenciesOf(job: Job): readonly string[] {
  return [...new Set([...(job.spec.dependsOn ?? []), ...inputJobs(job)])]
}

/** Indexes of Jobs that have not ended: only those are woken by what they wait for. */
export const jobIndexes = {
  model: (job: Job): readonly string[] => live(job, modelKeyOf(job)),
  namespace: (job: Job): readonly string[] => live(job, job.metadata.namespace),
  queue: (job: Job): readonly string[] => live(job, job.spec.queue),
  /** UID of the run that it is a step of. */
  run: runOf,
  /** What its result follows from, when it is there to be used again. */
  memo: (job: Job): readonly string[] => {
    const memo = job.metadata.labels?.[memoLabel]
    return memo === undefined || job.status?.phase !== 'Succeeded' ? [] : [`${job.metadata.namespace ?? ''}/${memo}`]
  },
  dependsOn: (job: Job): readonly string[] =>
    isTerminal(job) ? [] : dependenciesOf(job).map((name) => keyOf({ name, namespace: job.metadata.namespace ?? '' })),
}

/** UID of the run that an object is a step of. */
function runOf(object: KubeObject): readonly string[] {
  const owner = controllerOf(object)
  return owner?.kind === pipelineRunResource.kind && owner.apiVersion.startsWith(`${pipelineRunResource.group}/`) ? [owner.uid] : []
}

export const runIndexes = {
  /** UID of the run that called it. */
  caller: runOf,
  pipeline: ({ metadata: { namespace = '' }, spec }: PipelineRun): readonly string[] => [keyOf({ namespace, name: spec.pipelineRef.name })],
  /** An unfinished run whose work this one is: name of the earlier one. */
  keeps: (run: PipelineRun): readonly string[] =>
    run.spec.retryFrom === undefined || isOver(run)
      ? []
      : [keyOf({ namespace: run.metadata.namespace ?? '', name: run.spec.retryFrom.run })],
}

export const revisionIndexes = {
  pipeline: (revision: PipelineRevision): readonly string[] => [pipelineOfRevision(revision)].flatMap((name) => name ?? []),
}

function live(job: Job, value: string | undefined): readonly string[] {
  return value === undefined || isTerminal(job) ? [] : [value]
}

export const modelIndexes = {
  digest: ({ status }: Model): readonly string[] => (status?.digest === undefined ? [] : [status.digest]),
  /** The Model that it is an alias of. */
  alias: (model: Model): readonly string[] => besideIt(model, aliasTargetOf(model)),
  /** The Job whose output it is made of. */
  sourceJob: (model: Model): readonly string[] => besideIt(model, sourceJobOf(model)),
  /** The pool that is to serve it. */
  pool: (model: Model): readonly string[] => {
    const pool = servingPoolOf(model)
    return pool === undefined ? [] : [keyOf(pool)]
  },
}

/** The key of what a Model names in its own namespace. */
function besideIt({ metadata: { namespace = '' } }: Model, name: string | undefined): readonly string[] {
  return name === undefined ? [] : [keyOf({ namespace, name })]
}

/** A Pod as it is cached: what it is, and how it fares. */
export function cachedPod(object: Pod): Pod {
  const { apiVersion, kind, metadata, status } = withoutManagedFields(object)
  return { apiVersion, kind, metadata, ...(status === undefined ? {} : { status }) }
}

export const podIndexes = {
  pool: ({ metadata: { namespace = '', labels } }: Pod): readonly string[] =>
    labels?.[poolLabel] === undefined ? [] : [keyOf({ namespace, name: labels[poolLabel] })],
  /** UID of the Job that runs in it. */
  job: (pod: Pod): readonly string[] => {
    const owner = controllerOf(pod)
    return owner?.kind === jobResource.kind && owner.apiVersion.startsWith(`${jobResource.group}/`) ? [owner.uid] : []
  },
}

export const poolIndexes = {
  namespace: ({ metadata: { namespace = '' } }: WorkerPool): readonly string[] => [namespace],
  /** As its pods name it. */
  label: ({ metadata: { namespace = '', name } }: WorkerPool): readonly string[] => [keyOf({ namespace, name: labelOf(name) })],
}

export const workerIndexes = {
  pool: ({ spec, metadata }: Worker): readonly string[] => [
    keyOf({ name: spec.poolRef.name, namespace: spec.poolRef.namespace ?? metadata.namespace ?? '' }),
  ],
  digest: ({ status }: Worker): readonly string[] => (status?.models ?? []).map(({ digest }) => digest),
}
