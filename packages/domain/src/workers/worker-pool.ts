/** What a WorkerPool shows: how many of its Workers there are, are ready, and are idle. */
import type { Worker, WorkerPool, WorkerPoolStatus } from '@mnemos/api'
import type { Plan } from '@mnemos/kube'
import type { Written } from '../written.ts'

export interface WorkerPoolWorld {
  readonly pool: WorkerPool
  readonly workers: readonly Worker[]
  /** How long the next derived write has to wait, in milliseconds. */
  readonly dueInMs: number
}

/**
 * The Secret of the system namespace with the token by which workers of an external pool join. There and not beside the pool, so
 * that the operator reads no Secret of anybody else; no namespace has a dot in its name, so no two pools share one.
 */
export function joinTokenSecret({ metadata: { namespace = '', name } }: WorkerPool): string {
  return `mnemos-join-${namespace}.${name}`
}

/** Counts at leisure; that the pool became ready, or ceased to be, is said at once. */
export function decideWorkerPool({ pool, workers, dueInMs }: WorkerPoolWorld): Plan<WorkerPoolStatus, Written> {
  const none: Plan<WorkerPoolStatus, Written> = { status: undefined, apply: [], remove: [], events: [], next: { kind: 'change' } }
  if (pool.metadata.deletionTimestamp !== undefined) return none
  const ready = workers.filter(({ status }) => status?.state === 'Available' || status?.state === 'Busy')
  const wasReady = pool.status?.conditions.find(({ type }) => type === 'Ready')?.status
  const isUrgent = wasReady !== (ready.length > 0 ? 'True' : 'False') || pool.status?.observedGeneration !== pool.metadata.generation
  if (!isUrgent && dueInMs > 0) return { ...none, next: { kind: 'after', seconds: dueInMs / 1000 } }
  const idle = ready.filter(({ status }) => status?.running === 0)
  const status: WorkerPoolStatus = {
    observedGeneration: pool.metadata.generation ?? 0,
    workers: workers.length,
    ready: ready.length,
    idle: idle.length,
    conditions: [],
  }
  const { name } = pool.metadata
  const how = pool.spec.external
    ? `start a worker with the join token of Secret ${joinTokenSecret(pool)}`
    : 'set spec.external to true: pools that make pods are not supported yet'
  const fact =
    ready.length > 0
      ? ({
          type: 'Ready',
          status: 'True',
          reason: 'WorkersReady',
          message: `${ready.length} of ${workers.length} Workers of WorkerPool ${name} are ready.`,
        } as const)
      : ({ type: 'Ready', status: 'False', reason: 'NoWorkers', message: `No Worker of WorkerPool ${name} is connected; ${how}.` } as const)
  return { ...none, status, conditions: [fact], effects: [{ type: 'written', uid: pool.metadata.uid ?? '' }] }
}
