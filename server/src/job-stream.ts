/**
 * One Job as events: its tokens while they appear, its status when it changes, and an end.
 *
 * Guarantees: ids are `<attempt>-<index>`, so a reader that comes back with the last one misses nothing and gets nothing
 * twice; a new attempt begins with `reset`; tokens come before the status that ends the Job. What a stream has lost, or a
 * store of streams that is away keeps back, is told from the stored result, as one token.
 */
import type { Job } from '@mnemos/api'
import { inferenceResult, type ServerSentEvent } from '@mnemos/contract'
import { isTerminal } from '@mnemos/domain'
import { type StreamStore, StreamStoreError, type StreamToken } from '@mnemos/stores'
import type { JobFollower } from './job-follower.ts'

export interface JobStreamSources {
  readonly follower: JobFollower
  readonly streams: StreamStore
  /** The stored result of a Job that succeeded, as text. */
  readonly resultOf: (job: Job) => Promise<string | undefined>
  /** How long the last tokens of a Job that ended may be under way from its worker, which may be dead; default 2000 ms. */
  readonly lastTokensMs?: number
}

interface Position {
  attempt: number
  /** Index of the next token to tell. */
  next: number
  /** What was told of the attempt; undefined when its beginning was told to an earlier connection, or to nobody. */
  text: string | undefined
}

/** @param job as the caller may see it now @param lastEventId `<attempt>-<index>` that the reader has already */
export async function* jobEvents(
  sources: JobStreamSources,
  job: Job,
  lastEventId: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent> {
  const uid = job.metadata.uid ?? ''
  const at = positionOf(lastEventId, job)
  let told: string | undefined
  let seen = false
  while (!signal.aborted) {
    const turn = new AbortController()
    // Asked for before the Job is looked at, so that a change while the reader is busy is not missed.
    const changed = sources.follower.changed(uid, AbortSignal.any([signal, turn.signal]))
    try {
      const cached = sources.follower.get(uid)
      seen ||= cached !== undefined
      const current = cached ?? (seen ? undefined : job)
      if (current === undefined) break
      const { phase = 'Pending', attempt = 0 } = current.status ?? {}
      if (attempt > at.attempt) {
        if (at.attempt > 0) yield { event: 'reset', id: `${attempt}-reset`, data: JSON.stringify({ attempt }) }
        at.attempt = attempt
        at.next = 0
        at.text = ''
      }
      const isOver = isTerminal(current)
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
      if (phase === 'Pending' || phase === 'Retrying') await changed
      else yield* tokensUntil(changed, sources.streams.read(`${uid}/${at.attempt}`, at.next, untilEither(signal, changed)), at)
    } finally {
      turn.abort()
    }
  }
  if (!signal.aborted) yield { event: 'end', data: '{}' }
}

/** Tokens of the running attempt until the Job changes. */
async function* tokensUntil(
  changed: Promise<void>,
  batches: AsyncIterable<readonly StreamToken[]>,
  at: Position,
): AsyncGenerator<ServerSentEvent> {
  for await (const batch of batches) yield* told(batch, at)
  // The stream has ended before the Job has: its status is on the way.
  await changed
}

function untilEither(signal: AbortSignal, changed: Promise<void>): AbortSignal {
  const change = new AbortController()
  void changed.then(() => change.abort())
  return AbortSignal.any([signal, change.signal])
}

/** What is left of the stream of an attempt that ended; from the stored result when the stream is lost. */
async function* lastTokens(
  { streams, resultOf, lastTokensMs = 2000 }: JobStreamSources,
  job: Job,
  at: Position,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent> {
  const stream = `${job.metadata.uid ?? ''}/${at.attempt}`
  if (await isThere(streams, stream, at)) {
    const enough = AbortSignal.any([signal, AbortSignal.timeout(lastTokensMs)])
    for await (const batch of streams.read(stream, at.next, enough)) yield* told(batch, at)
    if (!enough.aborted) return
  }
  if (signal.aborted || job.status?.phase !== 'Succeeded' || at.text === undefined) return
  const parsed = inferenceResult.safeParse(parseJson(await resultOf(job)))
  if (!parsed.success || !parsed.data.text.startsWith(at.text)) return
  const rest = { index: at.next, text: parsed.data.text.slice(at.text.length) }
  if (rest.text !== '') yield* told([rest], at)
}

/** Whether the stream can be told on from where the reader is. A store that does not answer has nothing to tell. */
async function isThere(streams: StreamStore, stream: string, at: Position): Promise<boolean> {
  try {
    return (await streams.next(stream)) > 0 && (at.next > 0 || (await streams.has(stream)))
  } catch (error) {
    if (error instanceof StreamStoreError) return false
    throw error
  }
}

function* told(batch: readonly StreamToken[], at: Position): Generator<ServerSentEvent> {
  for (const token of batch) {
    at.text = token.index === at.next && at.text !== undefined ? at.text + token.text : undefined
    at.next = token.index + 1
    yield { event: 'token', id: `${at.attempt}-${token.index}`, data: JSON.stringify(token) }
  }
}

/** Where the reader is; an id of an attempt that has not begun was not given out by us, and counts as none. */
function positionOf(lastEventId: string | undefined, job: Job): Position {
  const [, attempt, index] = /^(\d+)-(\d+|reset)$/.exec(lastEventId ?? '') ?? []
  if (Number(attempt ?? 0) > (job.status?.attempt ?? 0)) return { attempt: 0, next: 0, text: '' }
  const next = index === undefined || index === 'reset' ? 0 : Number(index) + 1
  return { attempt: Number(attempt ?? 0), next, text: next === 0 ? '' : undefined }
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown)
  } catch {
    return undefined
  }
}
