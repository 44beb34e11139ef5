/**
 * The agent: takes assignments from the operator, runs them in its slots, and brings every one to an end that the operator knows.
 *
 * Guarantees
 * - An Assign is obeyed once per uid + attempt: repeated while it runs it changes nothing, repeated after it ended it gets the result.
 * - A result is on disk before it is sent and stays there until Ack; it is sent again after each Welcome.
 * - Cancel ends an attempt with Result{cancelled} (or the result that was first), and an unknown one with Released; of an attempt
 *   that the operator has acknowledged nothing more is said, and one that still runs ends without a word.
 * - A newer attempt of the same Job ends the older one here without a word; an older one is handed back.
 * Knows the messages and not the stream (connection.ts), the endings and not the work (attempt.ts).
 */
import {
  type Assign,
  type AttemptRef,
  type AttemptResult,
  attemptKey,
  type OperatorMessage,
  type WorkerMessage,
  workerMessage,
} from '@mnemos/contract'
import type { Logger } from 'pino'
import { faultFields } from '../failure.ts'
import type { WorkerMetrics } from '../metrics.ts'
import { type Ending, type Progress, runAttempt, type Workshop } from './attempt.ts'
import { Cancelled, HandedBack, Superseded } from './interruption.ts'
import { resultOf } from './result-message.ts'
import { isSpoolable, type ResultSpool } from './result-spool.ts'
import { throttle } from './throttle.ts'

export interface AgentOptions {
  readonly workshop: Workshop
  readonly spool: ResultSpool
  readonly slots: number
  readonly logger: Logger
  readonly metrics: WorkerMetrics
  /** Writes to the operator; false when there is no stream. */
  readonly send: (message: WorkerMessage) => boolean
  /** Least time between two Progress messages of one attempt, in ms. Default 1000. */
  readonly progressMs?: number
}

const keptSettled = 4096

interface Running {
  readonly ref: AttemptRef
  readonly controller: AbortController
  readonly done: Promise<void>
}

export class Agent {
  readonly #options: AgentOptions
  readonly #running = new Map<string, Running>()
  /** The newest attempts that the operator has dealt with: nothing is said about them any more. */
  readonly #settled = new Set<string>()
  #isDraining = false
  #isStopping = false

  constructor(options: AgentOptions) {
    this.#options = options
  }

  /** Attempts that are worked on. */
  running(): AttemptRef[] {
    return [...this.#running.values()].map(({ ref }) => ref)
  }

  /** Obeys one message of the operator. Never throws. */
  obey({ message }: OperatorMessage): void {
    // A message without a case is of a newer operator; the protocol grows by messages that may be ignored.
    if (message.case === 'welcome') this.#welcomed()
    else if (message.case === 'assign') this.#assigned(message.value)
    else if (message.case === 'cancel') this.#cancelled(message.value.ref)
    else if (message.case === 'drain') this.#isDraining = true
    else if (message.case === 'ack') this.#acknowledged(message.value.ref)
  }

  /**
   * Takes nothing new, waits for what runs, and hands back what has not ended when `graceMs` is over.
   * Resolves when nothing runs any more.
   */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true
    const { clock } = this.#options.workshop
    const late = clock.setTimeout(() => this.#interruptAll(new HandedBack('WorkerStopping')), graceMs)
    await Promise.all([...this.#running.values()].map(({ done }) => done))
    late.cancel()
  }

  #interruptAll(reason: Error): void {
    for (const { controller } of this.#running.values()) controller.abort(reason)
  }

  #welcomed(): void {
    // The operator says Drain again if it still wants it.
    this.#isDraining = false
    for (const result of this.#options.spool.all()) this.#options.send(workerMessage({ case: 'result', value: result }))
  }

  #assigned(assign: Assign): void {
    const { ref } = assign
    if (ref === undefined) return
    const key = attemptKey(ref)
    const kept = this.#options.spool.find(ref)
    if (this.#running.has(key)) return
    if (kept !== undefined) {
      this.#options.send(workerMessage({ case: 'result', value: kept }))
      return
    }
    const refusal = this.#refusalOf(ref)
    if (refusal !== undefined) {
      this.#release(ref, refusal)
      return
    }
    const older = [...this.#running.values()].filter((other) => other.ref.jobUid === ref.jobUid)
    for (const { controller } of older) controller.abort(new Superseded())
    const controller = new AbortController()
    const done = Promise.all(older.map((other) => other.done)).then(() => this.#work(assign, ref, controller.signal))
    this.#running.set(key, { ref, controller, done })
  }

  /** Why an attempt cannot be taken. */
  #refusalOf(ref: AttemptRef): string | undefined {
    if (!isSpoolable(ref)) return 'BadAttempt'
    if (this.#isStopping) return 'WorkerStopping'
    if (this.#isDraining) return 'WorkerDraining'
    const others = [...this.#running.values()]
    if (others.some((other) => other.ref.jobUid === ref.jobUid && other.ref.attempt > ref.attempt)) return 'NewerAttemptRuns'
    // An older attempt of the same Job ends for this one, so it takes no slot from it.
    const busy = others.filter((other) => other.ref.jobUid !== ref.jobUid)
    return busy.length >= this.#options.slots ? 'NoFreeSlot' : undefined
  }

  async #work(assign: Assign, ref: AttemptRef, signal: AbortSignal): Promise<void> {
    const { workshop, logger, metrics, progressMs = 1000 } = this.#options
    const about = { job: `${ref.namespace}/${ref.name}`, attempt: ref.attempt }
    const progress = throttle((value: Progress) => this.#tell(ref, value), progressMs, workshop.clock)
    this.#options.send(workerMessage({ case: 'started', value: { ref } }))
    logger.debug(about, 'an attempt started')
    const { work, runTimeoutMs, serverUrl, token } = assign
    const report = (value: Progress): void => progress.push(value)
    const ending = await runAttempt({ ref, work, runTimeoutMs, serverUrl, token, signal, report }, workshop)
    progress.stop()
    this.#running.delete(attemptKey(ref))
    metrics.attempts.inc({ outcome: ending.kind })
    if (ending.kind === 'succeeded') metrics.tokens.inc(ending.usage?.completionTokens ?? 0)
    logger.debug({ ...about, outcome: ending.kind }, 'an attempt ended')
    if (ending.kind === 'failed') {
      const { class: failureClass, reason, message } = ending.failure
      logger.info({ ...about, class: failureClass, reason, detail: message }, 'an attempt failed')
    }
    await this.#end(ref, ending)
  }

  /** Tells the operator how an attempt ended. */
  async #end(ref: AttemptRef, ending: Ending): Promise<void> {
    if (ending.kind === 'superseded' || this.#settled.has(attemptKey(ref))) return
    if (ending.kind === 'handed-back') {
      this.#release(ref, ending.reason)
      return
    }
    const result = resultOf(ref, ending)
    await this.#options.spool.keep(result).catch((error: unknown) => {
      // Kept in memory all the same; only a restart would lose it.
      this.#options.logger.error(faultFields(error), 'a result could not be kept on disk')
    })
    this.#options.send(workerMessage({ case: 'result', value: result }))
  }

  #cancelled(ref: AttemptRef | undefined): void {
    if (ref === undefined) return
    const running = this.#running.get(attemptKey(ref))
    const kept: AttemptResult | undefined = this.#options.spool.find(ref)
    if (running !== undefined) running.controller.abort(new Cancelled())
    else if (kept !== undefined) this.#options.send(workerMessage({ case: 'result', value: kept }))
    // An answer about a settled attempt would only be answered in turn, for ever.
    else if (!this.#settled.has(attemptKey(ref))) this.#release(ref, 'UnknownAttempt')
  }

  #acknowledged(ref: AttemptRef | undefined): void {
    if (ref === undefined) return
    const key = attemptKey(ref)
    this.#settled.add(key)
    for (const oldest of this.#settled) {
      if (this.#settled.size <= keptSettled) break
      this.#settled.delete(oldest)
    }
    // Still at work on it: another attempt has won, or the Job is gone.
    this.#running.get(key)?.controller.abort(new Superseded())
    this.#options.spool.forget(ref).catch((error: unknown) => {
      this.#options.logger.warn(faultFields(error), 'a result could not be removed from disk')
    })
  }

  #release(ref: AttemptRef, reason: string): void {
    this.#options.send(workerMessage({ case: 'released', value: { ref, reason } }))
  }

  #tell(ref: AttemptRef, { percent = 0, tokens = 0, bytes = 0, totalBytes = 0, message = '' }: Progress): void {
    const value = { ref, percent, tokens, bytes: BigInt(bytes), totalBytes: BigInt(totalBytes), message }
    this.#options.send(workerMessage({ case: 'progress', value }))
  }
}
