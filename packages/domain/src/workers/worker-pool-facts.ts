/**
 * The conditions of a WorkerPool. kstatus reads them so: Reconciling while pods come or go, Stalled when the Deployment gave up
 * waiting for them, Current once every wanted worker is connected; a pool of no workers is Current, too.
 */
import type { ConditionFact, Reason, Worker, WorkerPool } from '@mnemos/api'
import { type PodTrouble, troubleOf } from './pod-trouble.ts'
import { joinTokenSecret } from './pool-names.ts'
import { isReady } from './worker.ts'
import type { WorkerPoolWorld } from './worker-pool.ts'

type Facts = readonly ConditionFact[]

export function factsOfExternal({ metadata }: WorkerPool, workers: readonly Worker[]): Facts {
  const { name } = metadata
  const ready = workers.filter(isReady).length
  if (ready > 0) return [fact('Ready', 'True', 'WorkersReady', `${ready} of ${workers.length} Workers of WorkerPool ${name} are ready.`)]
  const message = `No Worker of WorkerPool ${name} is connected; start a worker with the join token of Secret ${joinTokenSecret(metadata)}.`
  return [fact('Ready', 'False', 'NoWorkers', message)]
}

export function factsWithoutImage({ metadata: { name } }: WorkerPool): Facts {
  const message = `WorkerPool ${name} has no image for its workers; set spec.podTemplate.image, or MNEMOS_WORKER_IMAGE of the operator.`
  return [fact('Ready', 'False', 'NoWorkerImage', message), fact('Stalled', 'True', 'NoWorkerImage', message)]
}

/** The certificates of the line are made when an operator begins to lead; a moment later the authority is there. */
export function factsWithoutAuthority({ metadata: { name } }: WorkerPool): Facts {
  const message = `WorkerPool ${name} waits for the authority by which its pods will know the operator; it is published in a moment.`
  return [fact('Ready', 'False', 'NoWorkers', message), fact('Reconciling', 'True', 'RollingOut', message)]
}

interface MakingWorld extends WorkerPoolWorld {
  readonly desired: number
  /** The children are as wanted. */
  readonly isApplied: boolean
}

export function factsOfPods(world: MakingWorld): Facts {
  const { pool, workers, desired, making } = world
  const { name } = pool.metadata
  const alive = making.pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const isSettled = isRolledOut(world) && alive.length === desired
  if (desired === 0 && isSettled)
    return [fact('Ready', 'True', 'ScaledToZero', `WorkerPool ${name} is scaled to zero; raise spec.replicas to start workers.`)]
  const ready = workers.filter(isReady).length
  const trouble = troubleOf(making, alive)
  const summary = ready > 0 ? readyFact(name, ready, desired) : unreadyFact(name, trouble, alive.length)
  if (isSettled && ready >= desired) return [summary]
  const { reason, message } = whyNotSettled(name, ready, desired, trouble)
  return [summary, fact(hasGivenUp(world) ? 'Stalled' : 'Reconciling', 'True', reason, message)]
}

function readyFact(name: string, ready: number, desired: number): ConditionFact {
  return fact('Ready', 'True', 'WorkersReady', `${ready} of ${desired} workers of WorkerPool ${name} are ready.`)
}

function unreadyFact(name: string, trouble: PodTrouble | undefined, pods: number): ConditionFact {
  const begin = `WorkerPool ${name} has no ready worker:`
  if (trouble !== undefined) return fact('Ready', 'False', trouble.reason, `${begin} ${trouble.cause}; ${trouble.nextStep}.`)
  const what = pods === 0 ? 'its pods are being made' : `${pods} of its pods are starting; if that lasts, their logs say why`
  return fact('Ready', 'False', 'NoWorkers', `${begin} ${what}.`)
}

function whyNotSettled(name: string, ready: number, desired: number, trouble: PodTrouble | undefined): { reason: Reason; message: string } {
  const counted = `${ready} of ${desired} workers of WorkerPool ${name} are ready`
  if (trouble === undefined) return { reason: 'RollingOut', message: `${counted}; pods are being started or ended.` }
  return { reason: trouble.reason, message: `${counted}: ${trouble.cause}; ${trouble.nextStep}.` }
}

/** Whether the Deployment says that every pod is of its newest template and available. */
function isRolledOut({ making: { deployment }, desired, isApplied }: MakingWorld): boolean {
  if (deployment === undefined || !isApplied) return false
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = deployment.status ?? {}
  const isObserved = observedGeneration >= (deployment.metadata.generation ?? 0)
  return isObserved && [replicas, updatedReplicas, availableReplicas].every((count) => count === desired)
}

function hasGivenUp({ making: { deployment, refusal }, isApplied }: MakingWorld): boolean {
  const progress = deployment?.status?.conditions?.find(({ type }) => type === 'Progressing')
  if (refusal !== undefined) return true
  return isApplied && progress?.status === 'False' && progress.reason === 'ProgressDeadlineExceeded'
}

function fact(type: ConditionFact['type'], status: ConditionFact['status'], reason: Reason, message: string): ConditionFact {
  return { type, status, reason, message: message.slice(0, 1024) }
}
