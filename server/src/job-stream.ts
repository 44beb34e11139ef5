/**
 * One Job as events: its tokens while they appear, its status when it changes, and an end.
 *
 * Guarantees: ids are `<attempt>-<index>`, so a reader that comes back with the last one misses nothing and gets nothing
 * twice; a new attempt begins with `reset`; tokens come before the status that ends the Job. A stream that is in memory no
 * more is told from the stored result, as one token.
 */
import type { Job } from '@mnemos/api'
import { inferenceResult, type ServerSentEvent } from '@mnemos/contract'
import type { StreamStore } from '@mnemos/stores'
import type { JobFollower } from './job-follower.ts'

export interface JobStreamSources {
  readonly follower: JobFollower
  readonly streams: StreamStore
  /** The stored result of a Job that succeeded, as text. */
  readonly resultOf: (job: Job) => Promise<string | undefined>
}

interface Position {
  attempt: number
  /** Index of the next token to tell. */
  next: number
}

const terminal = ['Succeeded', 'Failed', 'Cancelled']
/** After a Job ended, its stream's last tokens may still be under way from the worker. */
const lastTokensMs = 2000

/** @param job as the caller may see it now @param lastEventId `<attempt>-<index>` that the reader has already */
export async function* jobEvents(
  sources: JobStreamSources,
  job: Job,
  lastEventId: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent> {
  const { follower } = sources
  const uid = job.metadata.uid ?? ''
  const at = positionOf(lastEventId)
  let told: string | undefined
  let current: Job | undefined = job
  let seen = false
  while (!signal.aborted) {
    const cached = follower.get(uid)
    seen ||= cached !== undefined
    current = cached ?? (seen ? undefined : job)
    if (current === undefined) break
    const { phase = 'Pending', attempt = 0 } = current.status ?? {}
    if (attempt > at.attempt) {
      if (at.attempt > 0) yield { event: 'reset', id: `${attempt}-reset`, data: JSON.stringify({ attempt }) }
      at.attempt = attempt
      at.next = 0
    }
    const isOver = terminal.includes(phase)
    const text = JSON.stringify(current.status)
    if (!isOver && text !== told) {
      told = text
      yield { event: 'status', data: text }
    }
    if (isOver) {
      yield* lastTokens(sources, current, at, signal)
      yield { event: 'status', data: text }
      break
    }
    if (phase === 'Pending' || phase === 'Retrying') await follower.changed(uid, signal)
    else yield* tokensUntilChange(sources, uid, at, signal)
  }
  if (!signal.aborted) yield { event: 'end', data: '{}' }
}

/** Tokens of the running attempt until the Job changes. */
async function* tokensUntilChange(
  { follower, streams }: JobStreamSources,
  uid: string,
  at: Position,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent> {
  const changed = new AbortController()
  const either = AbortSignal.any([signal, changed.signal])
  const change = follower.changed(uid, signal).then(() => changed.abort())
  for await (const batch of streams.read(`${uid}/${at.attempt}`, at.next, either)) yield* told(batch, at)
  // The stream has ended before the Job has: its status is on the way.
  await change
}

/** What is left of the stream of an attempt that ended; from the stored result when memory has lost it. */
async function* lastTokens(
  { streams, resultOf }: JobStreamSources,
  job: Job,
  at: Position,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent> {
  const stream = `${job.metadata.uid ?? ''}/${at.attempt}`
  if (streams.next(stream) > 0 && (at.next > 0 || streams.has(stream))) {
    const enough = AbortSignal.any([signal, AbortSignal.timeout(lastTokensMs)])
    for await (const batch of streams.read(stream, at.next, enough)) yield* told(batch, at)
    return
  }
  if (job.status?.phase !== 'Succeeded' || at.next > 0) return
  const parsed = inferenceResult.safeParse(parseJson(await resultOf(job)))
  if (parsed.success) yield { event: 'token', id: `${at.attempt}-0`, data: JSON.stringify({ index: 0, text: parsed.data.text }) }
}

function* told(batch: readonly { index: number; text: string }[], at: Position): Generator<ServerSentEvent> {
  for (const token of batch) {
    at.next = token.index + 1
    yield { event: 'token', id: `${at.attempt}-${token.index}`, data: JSON.stringify(token) }
  }
}

function positionOf(lastEventId: string | undefined): Position {
  const [, attempt, index] = /^(\d+)-(\d+|reset)$/.exec(lastEventId ?? '') ?? []
  return { attempt: Number(attempt ?? 0), next: index === undefined || index === 'reset' ? 0 : Number(index) + 1 }
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown)
  } catch {
    return undefined
  }
}
