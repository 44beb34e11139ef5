/**
 * What a Worker object shows: derived from the stream that its process holds. What comes and goes with every Job is written
 * rarely; that the Worker takes work, or does not, at once.
 */
import { type ConditionFact, formatTime, type Reason, type Worker, type WorkerStatus } from '@mnemos/api'
import type { Plan } from '@mnemos/kube'
import type { Written } from '../written.ts'

/** What the operator knows of the process behind a Worker. */
export interface WorkerSession {
  readonly instance: string
  readonly link: 'fresh' | 'suspect' | 'offline'
  readonly engines: readonly string[]
  readonly slots: number
  readonly version: string
  /** Milliseconds since 1970. */
  readonly connectedAt: number
  readonly models: readonly { readonly digest: string; readonly loaded: boolean }[]
}

export interface WorkerWorld {
  readonly worker: Worker
  /** Undefined when no process connected since this operator leads. */
  readonly session: WorkerSession | undefined
  /** No process connected, and none is expected any more. */
  readonly isGone: boolean
  readonly running: number
  /** The operator told it to take nothing new, although nobody asked for that: its pod is being ended. */
  readonly isLeaving?: boolean
  /** How long the next derived write has to wait, in milliseconds. */
  readonly dueInMs: number
}

const maxModels = 128

export type WorkerState = WorkerStatus['state']

export function workerState(session: WorkerSession | undefined, drain: boolean, running: number): WorkerState {
  if (session === undefined || session.link === 'offline') return 'Offline'
  if (session.link === 'suspect') return 'Suspect'
  if (drain) return 'Draining'
  return running >= session.slots ? 'Busy' : 'Available'
}

/** Whether a Worker takes work, or would with a free slot. */
export function isReady({ status }: Worker): boolean {
  return status?.state === 'Available' || status?.state === 'Busy'
}

export function decideWorker({ worker, session, isGone, running, dueInMs, isLeaving = false }: WorkerWorld): Plan<WorkerStatus, Written> {
  const state = workerState(session, worker.spec.drain || isLeaving, running)
  const none: Plan<WorkerStatus, Written> = { status: undefined, apply: [], remove: [], events: [], next: { kind: 'change' } }
  if (worker.metadata.deletionTimestamp !== undefined) return none
  // A new leader gives workers time to come over before it says that they are away.
  if (session === undefined && !isGone) return none
  const before = worker.status
  const isUrgent =
    standing(state) !== standing(before?.state ?? 'Offline') || (session !== undefined && session.instance !== before?.instance)
  if (!isUrgent && dueInMs > 0) return { ...none, next: { kind: 'after', seconds: dueInMs / 1000 } }
  const status: WorkerStatus = {
    observedGeneration: worker.metadata.generation ?? 0,
    conditions: [],
    state,
    running,
    engines: [...(session?.engines ?? before?.engines ?? [])],
    slots: session?.slots ?? before?.slots ?? 0,
    models: (session?.models ?? []).slice(0, maxModels).map(({ digest, loaded }) => ({ digest, state: loaded ? 'Loaded' : 'Cached' })),
    ...(session === undefined
      ? {}
      : { instance: session.instance, version: session.version, connectedAt: formatTime(session.connectedAt) }),
  }
  return {
    ...none,
    status,
    conditions: factsOf(worker.metadata.name, state, isLeaving),
    effects: [{ type: 'written', uid: worker.metadata.uid ?? '' }],
  }
}

/** Available and Busy take turns with every Job; the other states say something. */
function standing(state: WorkerState): string {
  return state === 'Busy' ? 'Available' : state
}

function factsOf(name: string, state: WorkerState, isLeaving: boolean): ConditionFact[] {
  const said: Readonly<Record<WorkerState, { reason: Reason; message: string }>> = {
    Available: { reason: 'Connected', message: `Worker ${name} is connected and takes work.` },
    Busy: { reason: 'Connected', message: `Worker ${name} is connected; all its slots are taken.` },
    Draining: {
      reason: 'Draining',
      message: isLeaving
        ? `Worker ${name} finishes what it runs; its pod is being ended.`
        : `Worker ${name} finishes what it runs; set spec.drain to false to let it take work again.`,
    },
    Suspect: { reason: 'HeartbeatLate', message: `Worker ${name} is silent; it gets no new work until it is heard again.` },
    Offline: {
      reason: 'Offline',
      message: `Worker ${name} is not connected; start its process, or delete the Worker if it will not come back.`,
    },
  }
  const { reason, message } = said[state]
  const isReady = state === 'Available' || state === 'Busy'
  return [
    { type: 'Ready', status: isReady ? 'True' : 'False', reason, message },
    { type: 'HeartbeatFresh', status: state === 'Suspect' || state === 'Offline' ? 'False' : 'True', reason, message },
  ]
}
