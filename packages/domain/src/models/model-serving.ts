/**
 * What serving adds to a Model whose bytes are verified: a pool that keeps it, and proof that a token comes out.
 *
 *   pool is there ─► it has a worker ─► a warm-up Job asks for one token ─► Ready
 *                └► scaled to zero ─► Ready (Asleep)
 *
 * The proof holds for one generation of the Model and one digest: the warm-up Job is named by both, and what it showed stands
 * in the status, so that the Job may go. Knows nothing of workers; what the pool says of itself counts.
 */
import { type ConditionFact, type Job, type Model, type ModelStatus, type Reason, runtimeOf, type WorkerPool } from '@mnemos/api'
import type { KubeObject, ObjectName, Removal } from '@mnemos/kube'
import { requesterAnnotation } from '../admission/requester.ts'
import { needed } from '../applied.ts'
import { childName } from '../child-name.ts'
import { isTerminal } from '../scheduling/job-status.ts'
import { labelOf, managedByLabel } from '../workers/pool-names.ts'
import type { ModelPlan, ModelWorld } from './model.ts'

export interface ServingWorld {
  /** The pool that is to serve the Model; undefined when it does not exist, or the Model is not to be served. */
  readonly pool: WorkerPool | undefined
  /** Whether that pool lets the Model's namespace in. */
  readonly poolAllowed: boolean
  /** The pool that the Model made, whether it is still wanted or not. */
  readonly ownPool: WorkerPool | undefined
  /** The warm-up Job of this generation and digest. */
  readonly warmUp: Job | undefined
  /** Base URL of the server. */
  readonly serverUrl: string
}

const warmUpPrompt = 'Hello'
const warmUpKeptSeconds = 3600
/** Label of objects that a Model made: its name. */
const modelLabel = 'mnemos.dev/model'

/** Name of the pool that a Model makes for itself. */
export function ownPoolName({ metadata: { name } }: Model): string {
  const plain = `${name}-serving`
  return plain.length <= 63 ? plain : childName(name, 'serving', name)
}

/** The pool that serves a Model, or undefined. */
export function servingPoolOf(model: Model): (ObjectName & { readonly namespace: string }) | undefined {
  const { serving } = model.spec
  if (serving === undefined) return undefined
  const { namespace = '' } = model.metadata
  const { poolRef } = serving
  return poolRef === undefined ? { namespace, name: ownPoolName(model) } : { namespace: poolRef.namespace ?? namespace, name: poolRef.name }
}

/** Name of the Job that makes the Model answer once, for this generation and these bytes. */
export function warmUpJobName({ metadata, status }: Model, digest = status?.digest ?? ''): string {
  return childName(metadata.name, 'warmup', `${digest} ${metadata.generation ?? 0}`)
}

/** @param verified the plan for the same Model if it were not served */
export function withServing(world: ModelWorld, verified: ModelPlan): ModelPlan {
  const { model, serving } = world
  if (verified.status === undefined) return verified
  const isOwn = model.spec.serving?.resources !== undefined
  const remove = isOwn || serving.ownPool === undefined ? [] : [removalOf(serving.ownPool)]
  if (model.spec.serving === undefined) {
    const { endpoint: _endpoint, firstToken: _firstToken, ...status } = verified.status
    return { ...verified, status, remove }
  }
  const stage = stageOf(world, verified.status)
  const status: ModelStatus = {
    ...verified.status,
    phase: phases[stage.stands],
    endpoint: { url: `${serving.serverUrl.replace(/\/$/, '')}/v1/jobs`, model: model.metadata.name },
    ...(stage.firstToken === undefined ? {} : { firstToken: stage.firstToken }),
  }
  return {
    ...verified,
    status,
    conditions: factsOf(stage, verified.conditions ?? []),
    apply: isOwn ? needed(ownPool({ ...model, status }), serving.ownPool) : [],
    create: stage.create ?? [],
    remove,
  }
}

const phases = { Ready: 'Ready', Reconciling: 'Starting', Stalled: 'Failed' } as const

interface Stage {
  readonly stands: 'Ready' | 'Reconciling' | 'Stalled'
  readonly reason: Reason
  readonly message: string
  readonly firstToken?: ModelStatus['firstToken']
  readonly create?: readonly KubeObject[]
}

function stageOf({ model, serving }: ModelWorld, status: ModelStatus): Stage {
  const { pool, poolAllowed, warmUp } = serving
  const { name } = model.metadata
  const wanted = servingPoolOf(model)?.name ?? ''
  const firstToken = knownToken(model, status) ?? tokenOf(model, status, warmUp)
  const known = firstToken === undefined ? {} : { firstToken }
  if (pool === undefined) {
    const next = model.spec.serving?.poolRef === undefined ? 'it is being made' : 'create it, or correct spec.serving.poolRef'
    return {
      stands: 'Reconciling',
      reason: 'PoolNotFound',
      message: `Model ${name} is to be served by WorkerPool ${wanted}; ${next}.`,
      ...known,
    }
  }
  if (!poolAllowed) {
    const message = `WorkerPool ${wanted} does not allow namespace ${model.metadata.namespace ?? ''}; its owner can add it to spec.allowedNamespaces.`
    return { stands: 'Reconciling', reason: 'PoolNotAllowed', message, ...known }
  }
  const ready = pool.status?.conditions.find(({ type }) => type === 'Ready')
  if (ready?.reason === 'ScaledToZero')
    return {
      stands: 'Ready',
      reason: 'Asleep',
      message: `Model ${name} is asleep: WorkerPool ${wanted} is scaled to zero; raise its spec.replicas.`,
      ...known,
    }
  if (ready?.status !== 'True')
    return {
      stands: 'Reconciling',
      reason: 'WaitingForPool',
      message: ready?.message ?? `WorkerPool ${wanted} has no worker yet.`,
      ...known,
    }
  if (firstToken !== undefined)
    return {
      stands: 'Ready',
      reason: 'Serving',
      message: `WorkerPool ${wanted} serves Model ${name}; it answered at ${firstToken.at}.`,
      firstToken,
    }
  return warmingStage(model, status, warmUp)
}

function warmingStage(model: Model, status: ModelStatus, warmUp: Job | undefined): Stage {
  const { name } = model.metadata
  const job = warmUpJobName(model, status.digest)
  if (warmUp !== undefined && isTerminal(warmUp)) {
    const why = warmUp.status?.failure?.message ?? `it is ${warmUp.status?.phase ?? 'gone'}`
    const message = `Model ${name} did not answer: ${why} Delete Job ${job} to try again.`
    return { stands: 'Stalled', reason: 'WarmUpFailed', message }
  }
  const waits = warmUp?.status?.queue?.reasons[0]
  const message = waits === undefined ? `Job ${job} asks Model ${name} for its first token.` : `Job ${job} waits: ${waits}`
  return { stands: 'Reconciling', reason: 'WarmingUp', message, create: warmUp === undefined ? [warmUpJob(model, job)] : [] }
}

/** What was shown before, if it still holds. */
function knownToken({ metadata }: Model, { firstToken, digest }: ModelStatus): ModelStatus['firstToken'] {
  return firstToken?.generation === metadata.generation && firstToken?.digest === digest ? firstToken : undefined
}

/** What the warm-up Job has just shown; one that asks another Model, whatever its name and owner, shows nothing. */
function tokenOf({ metadata }: Model, { digest }: ModelStatus, warmUp: Job | undefined): ModelStatus['firstToken'] {
  const at = warmUp?.status?.finishedAt
  const asked = warmUp?.spec.inference?.modelRef
  if (asked?.name !== metadata.name || (asked.namespace ?? metadata.namespace) !== metadata.namespace) return undefined
  if (warmUp?.status?.phase !== 'Succeeded' || at === undefined || digest === undefined) return undefined
  return { generation: metadata.generation ?? 0, digest, at }
}

function factsOf({ stands, reason, message, firstToken }: Stage, verified: ModelPlan['conditions'] & object): readonly ConditionFact[] {
  const kept = verified.filter(({ type }) => type === 'ArtifactVerified') as readonly ConditionFact[] // facts of our own making
  return [
    { type: 'Ready', status: stands === 'Ready' ? 'True' : 'False', reason, message },
    ...kept,
    firstToken === undefined
      ? { type: 'FirstToken', status: 'False', reason, message }
      : { type: 'FirstToken', status: 'True', reason: 'FirstTokenCame', message: `A token came out at ${firstToken.at}.` },
    ...(stands === 'Ready' ? [] : [{ type: stands, status: 'True', reason, message } as const]),
  ]
}

function childMetadata({ apiVersion, kind, metadata }: Model, name: string): KubeObject['metadata'] {
  const { namespace = 'default', uid = '', annotations } = metadata
  const requester = annotations?.[requesterAnnotation]
  return {
    name,
    namespace,
    labels: { ...managedByLabel, [modelLabel]: labelOf(metadata.name) },
    ...(requester === undefined ? {} : { annotations: { [requesterAnnotation]: requester } }),
    ownerReferences: [{ apiVersion, kind, name: metadata.name, uid, controller: true, blockOwnerDeletion: false }],
  }
}

/** How many workers there are is left to `kubectl scale` and autoscalers, within the bounds. */
function ownPool(model: Model): KubeObject & { readonly spec: unknown } {
  const { minReplicas = 1, maxReplicas = Math.max(1, minReplicas), resources } = model.spec.serving ?? {}
  return {
    apiVersion: model.apiVersion,
    kind: 'WorkerPool',
    metadata: childMetadata(model, ownPoolName(model)),
    spec: {
      engines: [runtimeOf(model).engine],
      models: [{ name: model.metadata.name }],
      allowedNamespaces: model.spec.allowedNamespaces,
      scaling: { minReplicas, maxReplicas },
      resources,
    },
  }
}

function warmUpJob(model: Model, name: string): KubeObject & { readonly spec: unknown } {
  return {
    apiVersion: model.apiVersion,
    kind: 'Job',
    metadata: childMetadata(model, name),
    spec: {
      inference: { modelRef: { name: model.metadata.name }, prompt: warmUpPrompt, parameters: { maxTokens: 1 } },
      priority: 'high',
      ttlSecondsAfterFinished: warmUpKeptSeconds,
    },
  }
}

function removalOf({ apiVersion, kind, metadata: { name, namespace, uid = '' } }: WorkerPool): Removal {
  return { apiVersion, kind, name, uid, ...(namespace === undefined ? {} : { namespace }) }
}
