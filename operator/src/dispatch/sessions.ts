/**
 * The workers that are or were on the line since this operator leads: who is heard, who is silent, who is gone.
 *
 * A worker is known by `<namespace>/<name>`; each start of its process is another instance. Silence is counted on the
 * monotonic clock from the last message; of a worker that was never heard, from this leader's first stream, so that a leader
 * that nobody can reach yet gives nobody's work away (for twice the time: then whoever asked for a cancel is not kept waiting).
 */
import { type AttemptRef, attemptKey, type Capabilities, type OperatorMessage } from '@mnemos/contract'
import type { PlacedOn, WorkerLink } from '@mnemos/domain'
import type { Admission } from './admittance.ts'

export interface Session {
  /** `<namespace>/<name>` of the Worker. */
  readonly worker: string
  readonly poolKey: string
  readonly admission: Admission
  readonly instance: string
  /** Milliseconds since 1970. */
  readonly connectedAt: number
  capabilities: Capabilities
  /** Attempts that the process has, or was sent on this stream: `<uid>/<attempt>`. */
  readonly held: Set<string>
  heardAt: number
  /** The models that the worker was told on this stream to hold ready. */
  preloaded?: string
  /** The worker was told to take nothing new. */
  isDraining: boolean
  /** It handed an attempt back unasked: it gets nothing new until its next heartbeat. */
  declines: boolean
  /** Undefined once the stream is gone. */
  send: ((message: OperatorMessage) => void) | undefined
  /** Ends the stream; the worker comes again. */
  readonly hangUp: (why: string) => void
}

export type SessionLink = 'fresh' | 'suspect' | 'offline'

export interface SessionTimes {
  readonly suspectMs: number
  readonly offlineMs: number
}

export class Sessions {
  readonly #byWorker = new Map<string, Session>()
  readonly #times: SessionTimes
  readonly #monotonic: () => number
  readonly #ledSince: number
  #firstStreamAt: number | undefined

  constructor(times: SessionTimes, monotonic: () => number) {
    this.#times = times
    this.#monotonic = monotonic
    this.#ledSince = monotonic()
  }

  /** Takes the place of any earlier session of that worker; attempts of the same process stay held. */
  open(session: Session): void {
    this.#firstStreamAt ??= this.#monotonic()
    const before = this.#byWorker.get(session.worker)
    this.#byWorker.set(session.worker, session)
    if (before?.send === undefined) return
    before.send = undefined
    before.hangUp('another stream of this worker took its place')
  }

  of(worker: string): Session | undefined {
    return this.#byWorker.get(worker)
  }

  all(): Iterable<Session> {
    return this.#byWorker.values()
  }

  /** The session that can be spoken to, if this very process is on the line. */
  connected({ name, instance }: PlacedOn): Session | undefined {
    const session = this.#byWorker.get(name)
    return session?.instance === instance && session.send !== undefined ? session : undefined
  }

  /** Whether a worker that has no session here will hardly come any more. */
  isGone(worker: string): boolean {
    return !this.#byWorker.has(worker) && this.areStrangersGone()
  }

  /** Whether workers without a session had time enough to come. */
  areStrangersGone(): boolean {
    const since = this.#firstStreamAt ?? this.#ledSince + this.#times.offlineMs
    return this.#monotonic() - since >= this.#times.offlineMs
  }

  /** The pod of a worker is gone for good, and its process with it: nobody waits for it to be heard again. */
  lose(session: Session): void {
    session.heardAt = Number.NEGATIVE_INFINITY
    if (session.send === undefined) return
    session.send = undefined
    session.hangUp('the pod of this worker is gone')
  }

  linkOf(session: Session): SessionLink {
    const silentMs = this.#monotonic() - session.heardAt
    return silentMs >= this.#times.offlineMs ? 'offline' : silentMs >= this.#times.suspectMs ? 'suspect' : 'fresh'
  }

  /** What became of the process that was given an attempt, and whether it has it. */
  linkTo({ name, instance }: PlacedOn, ref: Pick<AttemptRef, 'jobUid' | 'attempt'>): WorkerLink {
    const session = this.#byWorker.get(name)
    if (session === undefined) return this.isGone(name) ? 'gone' : 'silent'
    if (session.instance !== instance || this.linkOf(session) === 'offline') return 'gone'
    if (session.send === undefined) return 'silent'
    return holds(session, ref) ? 'has' : 'lacks'
  }
}

/** Whether the process has, or was sent, an attempt. */
export function holds(session: Session, ref: Pick<AttemptRef, 'jobUid' | 'attempt'>): boolean {
  return session.held.has(attemptKey(ref))
}

/** The process behind a session, as a Job's status names it. */
export function processOf({ worker, instance }: Session): PlacedOn {
  return { name: worker, instance }
}
