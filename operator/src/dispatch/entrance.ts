/**
 * Who may speak for a Worker when its name is taken, and whether what a worker was let in for is still there.
 *
 * ```
 *   Hello of another instance ─► is the old one fresh? ── no ─────────────────────────► enters, the old stream is ended
 *                                   │ yes: Ping                                              ▲
 *                                   ├── a message within the probe's time ─► refused         │
 *                                   └── its stream ends, or nothing comes ───────────────────┘
 * ```
 * Guarantees: two processes of one name never hang each other up in turns, the first one stays; a process that was started
 * again waits no longer than a probe for its predecessor's half-open stream; the same process always enters at once.
 */
import { operatorMessage } from '@mnemos/contract'
import type { Clock } from '@mnemos/kube'
import type { Refusal } from './admittance.ts'
import type { Session, Sessions } from './sessions.ts'

const keptDeletions = 4096

export interface EntranceOptions {
  readonly sessions: Sessions
  readonly clock: Clock
  readonly epoch: bigint
  /** How long a worker has to answer when another process claims its name. */
  readonly probeMs: number
}

interface Probe {
  readonly answers: Promise<boolean>
  readonly settle: (answers: boolean) => void
}

export class Entrance {
  readonly #options: EntranceOptions
  readonly #probes = new Map<Session, Probe>()
  /** UIDs of Workers and pools that were deleted lately: a worker may have been judged just before. */
  readonly #deleted = new Set<string>()

  constructor(options: EntranceOptions) {
    this.#options = options
  }

  /** Calls `open` when nobody else speaks for the Worker, in the same turn as that was found out. */
  async enter({ worker, instance, admission }: Claim, open: () => Session): Promise<Session | Refusal> {
    const { sessions } = this.#options
    for (;;) {
      if (this.#deleted.has(admission.workerUid) || this.#deleted.has(admission.poolUid))
        return { refusal: `Worker ${worker} or its WorkerPool was deleted while this worker came in; it may come again` }
      const other = sessions.of(worker)
      if (other?.send === undefined || other.instance === instance || sessions.linkOf(other) !== 'fresh') return open()
      const answers = await this.#probe(other)
      const isStillThere = sessions.of(worker) === other
      if (answers && isStillThere) return { refusal: takenBy(other, instance) }
      if (isStillThere) return open()
    }
  }

  /** Something came from a worker: it is there. */
  heard(session: Session): void {
    this.#probes.get(session)?.settle(true)
  }

  /** The stream of a worker is over. */
  closed(session: Session): void {
    this.#probes.get(session)?.settle(false)
  }

  /** A Worker or a WorkerPool is gone: whoever was let in for it comes again and is judged anew. */
  deleted(uid: string, what: string): void {
    this.#deleted.add(uid)
    for (const oldest of this.#deleted) {
      if (this.#deleted.size <= keptDeletions) break
      this.#deleted.delete(oldest)
    }
    for (const session of this.#options.sessions.all()) {
      const { workerUid, poolUid } = session.admission
      if (session.send !== undefined && (workerUid === uid || poolUid === uid)) session.hangUp(`${what} was deleted`)
    }
  }

  #probe(session: Session): Promise<boolean> {
    const known = this.#probes.get(session)
    if (known !== undefined) return known.answers
    const { clock, probeMs, epoch } = this.#options
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const late = clock.setTimeout(() => settle(false), probeMs)
    const settle = (answers: boolean): void => {
      late.cancel()
      this.#probes.delete(session)
      resolve(answers)
    }
    this.#probes.set(session, { answers: promise, settle })
    session.send?.(operatorMessage(epoch, { case: 'ping', value: {} }))
    return promise
  }
}

/** A process that was let in, under the name of a Worker. */
export type Claim = Pick<Session, 'worker' | 'instance' | 'admission'>

function takenBy({ worker, instance, connectedAt }: Session, claimant: string): string {
  const since = new Date(connectedAt).toISOString()
  return (
    `Worker ${worker} is connected as instance ${instance} since ${since}, and answers; this process is instance ${claimant}. ` +
    'Give one of the two another name (MNEMOS_WORKER_NAME), or stop one'
  )
}
