/**
 * What should happen next to a WorkerPool: it counts its Workers and, unless it is external, keeps a Deployment with one
 * worker in each pod.
 *
 * Order of a scale-down: first every pod is told what it would cost to lose it (`controller.kubernetes.io/pod-deletion-cost`,
 * idle ones nothing), then the Deployment is made smaller, so that idle workers go first; who is hit all the same has the
 * grace period to finish. What is as wanted is not written again.
 */
import type { ConditionFact, Worker, WorkerPool, WorkerPoolStatus } from '@mnemos/api'
import type { KubeObject, Plan, Removal } from '@mnemos/kube'
import { needed } from '../applied.ts'
import type { Written } from '../written.ts'
import type { ConfigMap, Deployment, Pod } from './cluster-objects.ts'
import { poolSelector } from './pool-names.ts'
import { isReady } from './worker.ts'
import { imageOf, type PodSettings } from './worker-pod.ts'
import { poolAuthority, poolDeployment, poolNetworkPolicy, poolServiceAccount } from './worker-pool-children.ts'
import { factsOfExternal, factsOfPods, factsWithoutAuthority, factsWithoutImage } from './worker-pool-facts.ts'

export interface WorkerPoolWorld {
  readonly pool: WorkerPool
  readonly workers: readonly Worker[]
  /** How long the next derived write has to wait, in milliseconds. */
  readonly dueInMs: number
  /** What there is of a pool that makes pods. */
  readonly making: PoolMaking
}

export interface PoolMaking {
  readonly settings: PodSettings
  /** PEM of the authority that pods are to trust; undefined when the line is not secured. */
  readonly authority: string | undefined
  /** What the API server said to the last attempt at making these, if it would say so again. */
  readonly refusal: string | undefined
  readonly deployment: Deployment | undefined
  readonly serviceAccount: KubeObject | undefined
  readonly networkPolicy: KubeObject | undefined
  /** The ConfigMap with the authority in the pool's namespace. */
  readonly configMap: ConfigMap | undefined
  readonly pods: readonly Pod[]
  /** Jobs that hold a slot, by the name of the Worker, which is that of its pod. */
  readonly running: ReadonlyMap<string, number>
  /** Workers that hold a stream. */
  readonly connected: ReadonlySet<string>
}

export type WorkerPoolPlan = Plan<WorkerPoolStatus, Written>

/** Annotation that Kubernetes reads when it has to choose which pod goes. */
export const deletionCost = 'controller.kubernetes.io/pod-deletion-cost'
const costPerJob = 100

const none: WorkerPoolPlan = { status: undefined, apply: [], remove: [], events: [], next: { kind: 'change' } }

export function decideWorkerPool(world: WorkerPoolWorld): WorkerPoolPlan {
  const { pool, making } = world
  if (pool.metadata.deletionTimestamp !== undefined) return none
  if (pool.spec.external) return { ...withStatus(world, factsOfExternal(pool, world.workers), {}), remove: leftovers(making) }
  const image = imageOf(pool, making.settings)
  if (image === undefined) return withStatus(world, factsWithoutImage(pool), {})
  if (making.settings.needsAuthority && making.authority === undefined) return withStatus(world, factsWithoutAuthority(pool), {})
  const scaling = scalingOf(pool)
  const children = wantedChildren(world, image, scaling.desired)
  const facts = factsOfPods({ ...world, desired: scaling.desired, isApplied: children.length === 0 })
  const counts = { replicas: making.pods.length, selector: selectorOf(pool), scaling }
  return { ...withStatus(world, facts, counts), apply: children, remove: [...goneWorkers(world), ...needlessPolicy(world)] }
}

/** How many workers there are to be, and why. */
export function scalingOf({ spec }: WorkerPool): { desired: number; reason: string } {
  const { replicas, scaling } = spec
  if (scaling === undefined) return { desired: replicas, reason: `spec.replicas is ${replicas}.` }
  const { minReplicas, maxReplicas } = scaling
  if (replicas > maxReplicas)
    return { desired: maxReplicas, reason: `spec.replicas is ${replicas}; scaling.maxReplicas allows ${maxReplicas}.` }
  if (replicas < minReplicas)
    return { desired: minReplicas, reason: `spec.replicas is ${replicas}; scaling.minReplicas wants ${minReplicas}.` }
  return { desired: replicas, reason: `spec.replicas is ${replicas}, within scaling.` }
}

/** Everything that is not there as it is wanted, in the order in which it is to be made. */
function wantedChildren({ pool, making }: WorkerPoolWorld, image: string, desired: number): readonly KubeObject[] {
  const { settings, authority, deployment, configMap } = making
  const policy = poolNetworkPolicy(pool, settings)
  const trustsAuthority = authority !== undefined
  const ownAccount = pool.spec.podTemplate?.serviceAccountName === undefined
  return [
    ...(ownAccount ? needed(poolServiceAccount(pool), making.serviceAccount) : []),
    ...(trustsAuthority ? needed(poolAuthority(pool, authority, configMap), configMap) : []),
    ...(policy === undefined ? [] : needed(policy, making.networkPolicy)),
    ...(desired < (deployment?.spec?.replicas ?? 0) ? costs(making) : []),
    ...needed(poolDeployment(pool, settings, { image, replicas: desired, trustsAuthority }), deployment),
  ]
}

/** What each pod would cost to lose; those that say so already are left out. The UID keeps a pod from being made by this. */
function costs({ pods, running }: PoolMaking): readonly KubeObject[] {
  return pods.flatMap(({ metadata }) => {
    const { name, namespace = 'default', uid = '', annotations, deletionTimestamp } = metadata
    const cost = String((running.get(name) ?? 0) * costPerJob)
    if (deletionTimestamp !== undefined || (annotations?.[deletionCost] ?? '0') === cost) return []
    return [{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, uid, annotations: { [deletionCost]: cost } } }]
  })
}

/** Workers whose pods are gone: a pod's name never comes back, so neither will they. */
function goneWorkers({ workers, making: { pods, connected } }: WorkerPoolWorld): readonly Removal[] {
  const alive = new Set(pods.map(({ metadata }) => metadata.name))
  return workers
    .filter(({ metadata: { name, deletionTimestamp } }) => !alive.has(name) && !connected.has(name) && deletionTimestamp === undefined)
    .map(removalOf)
}

function needlessPolicy({ pool, making: { networkPolicy } }: WorkerPoolWorld): readonly Removal[] {
  return pool.spec.network === 'Open' && networkPolicy !== undefined ? [removalOf(networkPolicy)] : []
}

/** What a pool made before it became external. */
function leftovers({ deployment, serviceAccount, networkPolicy }: PoolMaking): readonly Removal[] {
  return [deployment, networkPolicy, serviceAccount].flatMap((each) => (each === undefined ? [] : [removalOf(each)]))
}

function removalOf({ apiVersion, kind, metadata: { name, namespace, uid = '' } }: KubeObject): Removal {
  return { apiVersion, kind, name, uid, ...(namespace === undefined ? {} : { namespace }) }
}

function selectorOf({ metadata }: WorkerPool): string {
  return Object.entries(poolSelector(metadata.name))
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
}

/** Counts at leisure; what changes the meaning of a condition is said at once. */
function withStatus(
  { pool, workers, dueInMs }: WorkerPoolWorld,
  facts: readonly ConditionFact[],
  counts: Partial<WorkerPoolStatus>,
): WorkerPoolPlan {
  const isUrgent = pool.status?.observedGeneration !== pool.metadata.generation || saysOther(pool, facts)
  if (!isUrgent && dueInMs > 0) return { ...none, next: { kind: 'after', seconds: dueInMs / 1000 } }
  const ready = workers.filter(isReady)
  const status: WorkerPoolStatus = {
    observedGeneration: pool.metadata.generation ?? 0,
    replicas: workers.length,
    workers: workers.length,
    ready: ready.length,
    idle: ready.filter(({ status: of }) => of?.running === 0).length,
    conditions: [],
    ...counts,
  }
  return { ...none, status, conditions: facts, effects: [{ type: 'written', uid: pool.metadata.uid ?? '' }] }
}

function saysOther({ status }: WorkerPool, facts: readonly ConditionFact[]): boolean {
  const before = status?.conditions ?? []
  const isSame = (fact: ConditionFact): boolean =>
    before.some(({ type, status: is, reason }) => type === fact.type && is === fact.status && reason === fact.reason)
  return before.length !== facts.length || !facts.every(isSame)
}
