/**
 * One attempt, from assignment to outcome: reads the work, runs it under its deadline, and turns whatever happens into one of
 * four endings. Never throws. Knows neither the stream to the operator nor the spool.
 */
import { type AssignmentWork, type AttemptRef, decodeWork } from '@mnemos/contract'
import type { Logger } from 'pino'
import type { ModelCache } from '../cache/model-cache.ts'
import type { Clock } from '../clock.ts'
import type { Engine } from '../engine/engine.ts'
import { asWorkFailure, faultFields, WorkFailure } from '../failure.ts'
import { importModel } from '../import/import-model.ts'
import type { SourceRules } from '../import/source.ts'
import type { StoredResult } from '../storage/put-result.ts'
import type { RetryOptions, RetryTiming } from '../storage/retry.ts'
import type { ServerSession, Servers } from '../storage/server.ts'
import { runInference } from './inference.ts'
import { Cancelled, HandedBack, RanOut, Superseded } from './interruption.ts'

export interface Progress {
  readonly percent?: number
  readonly tokens?: number
  readonly bytes?: number
  readonly totalBytes?: number
  readonly message?: string
}

/** What attempts share on one worker. */
export interface Workshop {
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly cache: ModelCache
  /** By the name that Models ask for. */
  readonly engines: ReadonlyMap<string, Engine>
  readonly servers: Servers
  readonly retry: RetryTiming
  readonly sources: SourceRules
  /** Folder for files under way. */
  readonly scratch: string
}

export interface AttemptContext extends Workshop {
  readonly ref: AttemptRef
  readonly session: ServerSession
  readonly signal: AbortSignal
  readonly report: (progress: Progress) => void
  /** The retry timing together with clock and signal. */
  readonly retrying: RetryOptions
}

export interface Usage {
  readonly promptTokens: number
  readonly completionTokens: number
  readonly durationMs: number
}

export type Ending =
  | { readonly kind: 'succeeded'; readonly result: StoredResult; readonly usage?: Usage; readonly outputs: Record<string, string> }
  | { readonly kind: 'failed'; readonly failure: WorkFailure }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'handed-back'; readonly reason: string }
  | { readonly kind: 'superseded' }

export interface AttemptOrder {
  readonly ref: AttemptRef
  readonly work: Uint8Array
  /** 0 is no limit. */
  readonly runTimeoutMs: number
  /** Base URL of the server for bytes and streams. */
  readonly serverUrl: string
  /** Good for this attempt alone. */
  readonly token: string
  /** Aborted with a reason of interruption.ts. */
  readonly signal: AbortSignal
  readonly report: (progress: Progress) => void
}

export async function runAttempt(order: AttemptOrder, workshop: Workshop): Promise<Ending> {
  const { runTimeoutMs } = order
  const controller = new AbortController()
  const signal = AbortSignal.any([order.signal, controller.signal])
  const deadline = runTimeoutMs > 0 ? workshop.clock.setTimeout(() => controller.abort(new RanOut(runTimeoutMs)), runTimeoutMs) : undefined
  const retrying = { ...workshop.retry, clock: workshop.clock, random: workshop.random, signal }
  try {
    const { ref, report, serverUrl, token } = order
    const session = workshop.servers.session(serverUrl, token)
    // An abort that comes too late to stop anything changes nothing: the valid result wins.
    return await perform(readWork(order.work), { ...workshop, ref, report, session, signal, retrying })
  } catch (error) {
    return endingOf(signal.aborted ? signal.reason : error, { ref: order.ref, logger: workshop.logger })
  } finally {
    deadline?.cancel()
  }
}

function readWork(bytes: Uint8Array): AssignmentWork {
  try {
    return decodeWork(bytes)
  } catch (error) {
    const message = error instanceof Error ? error.message : 'the assignment cannot be read'
    throw new WorkFailure({ class: 'Internal', reason: 'BadAssignment', message, hint: 'Run worker and operator in the same version.' })
  }
}

async function perform(work: AssignmentWork, context: AttemptContext): Promise<Ending> {
  return work.type === 'inference' ? await runInference(work, context) : await importModel(work, context)
}

function endingOf(error: unknown, { ref, logger }: Pick<AttemptContext, 'ref' | 'logger'>): Ending {
  if (error instanceof Cancelled) return { kind: 'cancelled' }
  if (error instanceof HandedBack) return { kind: 'handed-back', reason: error.message }
  if (error instanceof Superseded) return { kind: 'superseded' }
  if (error instanceof RanOut) return { kind: 'failed', failure: ranOut(error) }
  const failure = asWorkFailure(error)
  if (failure !== error)
    logger.error({ job: `${ref.namespace}/${ref.name}`, attempt: ref.attempt, ...faultFields(error) }, 'an attempt failed unexpectedly')
  return { kind: 'failed', failure }
}

function ranOut({ afterMs }: RanOut): WorkFailure {
  return new WorkFailure({
    class: 'DeadlineExceeded',
    reason: 'RunDeadline',
    message: `The attempt ran longer than ${afterMs / 1000} s.`,
    hint: 'Raise spec.deadlines.runSeconds or ask for fewer tokens.',
  })
}
