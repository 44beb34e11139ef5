/**
 * One leader's side of the dispatch protocol: keeps sessions and reports, wakes the keys of the Jobs that a message is
 * about, and does what their decisions ask for. Decides nothing about a Job itself and writes no Job.
 *
 * Guarantees: an attempt is sent at most once on a stream; a result is answered only after the Job's own key committed it,
 * or when nobody can want it (an older attempt, a Job that is gone).
 */
import { type AttemptRef, attemptKey, type Hello, operatorMessage, Verdict, type WorkerMessage } from '@mnemos/contract'
import type { JobEffect } from '@mnemos/domain'
import { type Client, type Clock, keyOf, type Logger, type ObjectName } from '@mnemos/kube'
import { jobs } from '../resources.ts'
import type { Admission, Refusal } from './admittance.ts'
import { type AssignContext, assignmentOf } from './assign.ts'
import { Entrance } from './entrance.ts'
import { endOf, Reports } from './reports.ts'
import { holds, processOf, type Session, Sessions, type SessionTimes } from './sessions.ts'

export interface DispatcherOptions extends AssignContext, SessionTimes {
  readonly client: Client
  readonly heartbeatMs: number
  readonly probeMs: number
  readonly clock: Clock
  readonly logger: Logger
  /** Wakes a Job's key. */
  readonly wakeJob: (name: ObjectName) => void
  /** A worker connected, went, or changed what it can do or holds. */
  readonly onWorker: (session: Session) => void
  /** The cached Job of a UID, if any. */
  readonly jobName: (uid: string) => ObjectName | undefined
}

const maxReports = 100_000

type AttemptEffect = Exclude<JobEffect, { type: 'queue' | 'leaveQueue' }>

/** One stream, as seen from here. */
export interface Line {
  readonly send: NonNullable<Session['send']>
  readonly hangUp: Session['hangUp']
}

export class Dispatcher {
  readonly sessions: Sessions
  readonly reports = new Reports()
  readonly entrance: Entrance
  readonly #options: DispatcherOptions

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.sessions = new Sessions(options, () => options.clock.monotonic())
    this.entrance = new Entrance({ ...options, sessions: this.sessions })
  }

  /** A worker that was let in begins a stream, unless another process speaks for it. */
  join(hello: Hello, admission: Admission, line: Line): Promise<Session | Refusal> {
    const worker = keyOf({ namespace: hello.poolNamespace, name: admission.worker })
    return this.entrance.enter({ worker, instance: hello.instance, admission }, () => this.#connected(hello, { worker, admission }, line))
  }

  #connected(hello: Hello, { worker, admission }: Pick<Session, 'worker' | 'admission'>, { send, hangUp }: Line): Session {
    const { clock, heartbeatMs, epoch, logger } = this.#options
    const session: Session = {
      worker,
      poolKey: keyOf({ namespace: hello.poolNamespace, name: hello.pool }),
      admission,
      instance: hello.instance,
      connectedAt: clock.now(),
      capabilities: capabilitiesOf(hello),
      held: new Set([...hello.running, ...hello.finished].map(attemptKey)),
      heardAt: clock.monotonic(),
      isDraining: false,
      declines: false,
      send,
      hangUp,
    }
    this.sessions.open(session)
    send(operatorMessage(epoch, { case: 'welcome', value: { heartbeatMs } }))
    for (const ref of hello.running) this.reports.started(ref, processOf(session), clock.now())
    logger.info({ worker, instance: hello.instance, running: hello.running.length, finished: hello.finished.length }, 'worker connected')
    this.#options.onWorker(session)
    for (const ref of hello.running) this.#wake(ref, session)
    return session
  }

  disconnected(session: Session): void {
    if (session.send === undefined) return
    session.send = undefined
    this.entrance.closed(session)
    this.#options.logger.info({ worker: session.worker, instance: session.instance }, 'worker disconnected')
    this.#options.onWorker(session)
  }

  received(session: Session, { message }: WorkerMessage): void {
    if (session.send === undefined) return
    session.heardAt = this.#options.clock.monotonic()
    this.entrance.heard(session)
    // A worker keeps its results and says what it runs when it comes again, so nothing is lost by sending it away.
    if (this.reports.size >= maxReports) {
      session.hangUp('too many reports wait to be taken into account; come again')
      return
    }
    const now = (): number => this.#options.clock.now()
    switch (message.case) {
      case 'heartbeat':
        session.capabilities = { ...session.capabilities, models: message.value.models }
        session.declines = false
        this.#options.onWorker(session)
        for (const ref of message.value.running) this.#heard(session, ref)
        return
      case 'started':
        if (message.value.ref === undefined) return
        this.reports.started(message.value.ref, processOf(session), now())
        this.#wake(message.value.ref, session)
        return
      case 'progress':
        // Progress alone wakes nobody: a running Job looks at it when a write is due.
        if (message.value.ref !== undefined) this.reports.progressed(message.value.ref, processOf(session), message.value, now())
        return
      case 'result':
        if (message.value.ref === undefined) return
        this.reports.ended(message.value.ref, processOf(session), endOf(message.value))
        this.#wake(message.value.ref, session)
        return
      case 'released':
        if (message.value.ref === undefined) return
        session.declines = true
        session.held.delete(attemptKey(message.value.ref))
        this.reports.ended(message.value.ref, processOf(session), { type: 'released', reason: message.value.reason })
        this.#options.onWorker(session)
        this.#wake(message.value.ref, session)
        return
      case 'hello':
      case undefined:
    }
  }

  /** Tells a worker to take nothing new. There is no word for the opposite, but a worker that connects takes work again. */
  drain(session: Session, drain: boolean): void {
    if (session.isDraining === drain) return
    session.isDraining = drain
    if (drain) session.send?.(operatorMessage(this.#options.epoch, { case: 'drain', value: {} }))
    else session.hangUp('the Worker drains no more')
  }

  /** Does what a decision asked for. Safe to repeat. */
  async perform(effect: AttemptEffect): Promise<void> {
    switch (effect.type) {
      case 'assign':
        await this.#assign(effect)
        return
      case 'stop': {
        const { uid, attempt, worker, reason } = effect
        const session = this.sessions.connected(worker)
        session?.send?.(operatorMessage(this.#options.epoch, { case: 'cancel', value: { ref: { jobUid: uid, attempt }, reason } }))
        return
      }
      case 'answer': {
        const { uid, attempt, worker, verdict } = effect
        this.reports.take(uid, attempt, worker)
        const session = this.sessions.connected(worker)
        if (session !== undefined)
          this.#dismiss(session, { jobUid: uid, attempt }, verdict === 'committed' ? Verdict.COMMITTED : Verdict.SUPERSEDED)
      }
    }
  }

  /** The Job is gone: whoever has an attempt of it stops, and its results are wanted by nobody. */
  jobGone(uid: string, { mayRun }: { mayRun: boolean }): void {
    const isOpen = mayRun || this.reports.all(uid).length > 0
    for (const session of isOpen ? this.sessions.all() : []) {
      for (const key of session.held) {
        const [jobUid = '', attempt = ''] = key.split('/')
        if (jobUid === uid) this.#dismiss(session, { jobUid, attempt: Number(attempt) }, Verdict.GONE)
      }
    }
    this.reports.forget(uid)
  }

  async #assign({ job, model }: AttemptEffect & { type: 'assign' }): Promise<void> {
    const worker = job.status?.worker
    const ref = { jobUid: job.metadata.uid ?? '', attempt: job.status?.attempt ?? 0 }
    const session = worker === undefined ? undefined : this.sessions.connected(worker)
    if (session === undefined || holds(session, ref)) return
    const key = attemptKey(ref)
    session.held.add(key)
    try {
      const message = await assignmentOf(this.#options, job, model)
      if (message === undefined) session.held.delete(key)
      else session.send?.(message)
    } catch (error) {
      session.held.delete(key)
      throw error
    }
  }

  /** Tells a process that an attempt is over. One that still runs it is stopped by the same word. */
  #dismiss(session: Session, ref: { jobUid: string; attempt: number }, verdict: Verdict): void {
    const { epoch } = this.#options
    if (verdict !== Verdict.COMMITTED) session.send?.(operatorMessage(epoch, { case: 'cancel', value: { ref, reason: 'superseded' } }))
    session.send?.(operatorMessage(epoch, { case: 'ack', value: { ref, verdict } }))
    session.held.delete(attemptKey(ref))
  }

  /** A running attempt that was heard of: its Job is woken only when it may not know. */
  #heard(session: Session, ref: AttemptRef): void {
    if (holds(session, ref) && this.reports.of(ref.jobUid, ref.attempt, processOf(session)) !== undefined) return
    session.held.add(attemptKey(ref))
    this.reports.started(ref, processOf(session), this.#options.clock.now())
    this.#wake(ref, session)
  }

  /** Wakes the Job of a message; one that is in no cache is looked up, because it may be younger than the cache, or gone. */
  #wake(ref: AttemptRef, session: Session): void {
    const known = this.#options.jobName(ref.jobUid)
    if (known !== undefined) {
      this.#options.wakeJob(known)
      return
    }
    const name = { namespace: ref.namespace, name: ref.name }
    this.#options.client.get(jobs, name).then(
      (live) => {
        if (live?.metadata.uid === ref.jobUid) this.#options.wakeJob(name)
        else {
          this.#dismiss(session, ref, Verdict.GONE)
          this.reports.forget(ref.jobUid)
        }
      },
      (error: unknown) =>
        this.#options.logger.warn(
          { job: keyOf(name), error: String(error) },
          'a reported Job could not be read; the worker will say it again',
        ),
    )
  }
}

function capabilitiesOf({ capabilities }: Hello): Session['capabilities'] {
  if (capabilities === undefined) throw new Error('Hello without capabilities')
  return capabilities
}
