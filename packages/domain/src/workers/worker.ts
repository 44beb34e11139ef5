/**
 * What a Worker object shows: derived from the stream that its process holds, at most one write in five seconds.
 */
import { type ConditionFact, formatTime, type Reason, type Worker, type WorkerStatus } from '@mnemos/api'
import type { Plan } from '@mnemos/kube'

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
  readonly running: number
  /** When this operator last wrote the status, in milliseconds since 1970; 0 when it never did. */
  readonly writtenAt: number
}

const writeEveryMs = 5000
const maxModels = 128

export type WorkerState = WorkerStatus['state']

export function workerState(session: WorkerSession | undefined, drain: boolean, running: number): WorkerState {
  if (session === undefined || session.link === 'offline') return 'Offline'
  if (session.link === 'suspect') return 'Suspect'
  if (drain) return 'Draining'
  return running >= session.slots ? 'Busy' : 'Available'
}

export function decideWorker({ worker, session, running, writtenAt }: WorkerWorld, now: number): Plan<WorkerStatus> {
  const state = workerState(session, worker.spec.drain, running)
  const none: Plan<WorkerStatus> = { status: undefined, apply: [], remove: [], events: [], next: { kind: 'change' } }
  if (worker.metadata.deletionTimestamp !== undefined) return none
  // Going away and coming back are said at once; the rest waits its turn.
  const isUrgent = (state === 'Offline') !== (worker.status?.state === 'Offline') || session?.instance !== worker.status?.instance
  const leftMs = writtenAt + writeEveryMs - now
  if (!isUrgent && leftMs > 0) return { ...none, next: { kind: 'after', seconds: leftMs / 1000 } }
  const known = session ?? undefined
  const status: WorkerStatus = {
    observedGeneration: worker.metadata.generation ?? 0,
    conditions: [],
    state,
    running,
    engines: [...(known?.engines ?? worker.status?.engines ?? [])],
    slots: known?.slots ?? worker.status?.slots ?? 0,
    models: (known?.models ?? []).slice(0, maxModels).map(({ digest, loaded }) => ({ digest, state: loaded ? 'Loaded' : 'Cached' })),
    ...(known === undefined ? {} : { instance: known.instance, version: known.version, connectedAt: formatTime(known.connectedAt) }),
  }
  return { ...none, status, conditions: factsOf(worker.metadata.name, state) }
}

function factsOf(name: string, state: WorkerState): ConditionFact[] {
  const said: Readonly<Record<WorkerState, { reason: Reason; message: string }>> = {
    Available: { reason: 'Connected', message: `Worker ${name} is connected and takes work.` },
    Busy: { reason: 'Connected', message: `Worker ${name} is connected; all its slots are taken.` },
    Draining: { reason: 'Draining', message: `Worker ${name} finishes what it runs; set spec.drain to false to let it take work again.` },
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
