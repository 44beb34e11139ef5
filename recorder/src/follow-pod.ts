/**
 * Records the log of one pod, from its first byte to its end.
 *
 *   wait for the container ──► read from the beginning ──► it broke off: again ──► the container has ended: store, mark the pod
 *
 * Guarantees: the stored log is always a beginning of the real one, within its bounds, and complete when the pod is marked. Reading
 * starts over from the beginning after every break, so neither a restart nor a second recorder can harm it. A log that cannot be
 * read to its end, because its node is gone, is given up after a while and says so in its last line.
 */
import type { Readable } from 'node:stream'
import type { Pod } from '@mnemos/domain'
import type { Clock, Logger } from '@mnemos/kube'
import { CappedLog } from './capped-log.ts'
import type { RecorderConfig } from './config.ts'
import { type LogName, type LogStore, LogStoreError } from './log-store.ts'
import { type LogState, logStateOf } from './pod-facts.ts'

export interface FollowOptions {
  readonly config: Pick<RecorderConfig, 'flushMs' | 'flushBytes' | 'headBytes' | 'tailBytes' | 'giveUpMs'>
  readonly name: LogName
  /** The pod as it is now; undefined: it is gone. */
  readonly pod: () => Pod | undefined
  /** Resolves at its next change, or after the time. */
  readonly changed: (withinMs: number) => Promise<void>
  /** Opens its log at the beginning; it goes on until the container ends. */
  readonly open: (signal: AbortSignal) => Promise<Readable>
  readonly store: LogStore
  /** Marks the pod: its log is stored to the end. */
  readonly mark: () => Promise<void>
  readonly clock: Clock
  readonly logger: Logger
}

const firstPauseMs = 500
const longestPauseMs = 15_000
/** A change that is missed would be noticed after this. */
const lookEveryMs = 60_000

/** Resolves when the log is stored and the pod marked, or when nobody wants it any more. @throws the signal's reason */
export async function followPod(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { config, pod, changed, clock, logger, name } = options
  let longest = new CappedLog(config)
  let failures = 0
  let endedAt: number | undefined
  const stateNow = (): LogState | 'gone' => {
    const found = pod()
    return found === undefined ? 'gone' : logStateOf(found)
  }
  for (;;) {
    signal.throwIfAborted()
    const before = stateNow()
    if (before === 'gone' || before === 'none') {
      await finish(options, longest, before === 'none')
      return
    }
    if (before === 'waiting') {
      await changed(lookEveryMs)
      continue
    }
    if (before === 'complete') endedAt ??= clock.monotonic()
    const log = new CappedLog(config)
    const trouble = await readInto(options, log, longest.total, signal).catch(asTrouble(signal))
    if (log.total >= longest.total) longest = log
    // Only a log that ended by itself after its container did is whole.
    if (trouble === undefined && before === 'complete') {
      await finish(options, longest, true)
      return
    }
    if (trouble instanceof LogStoreError && trouble.isFinal) return
    if (trouble !== undefined && endedAt !== undefined && clock.monotonic() - endedAt > config.giveUpMs) {
      logger.warn({ ...name, trouble: trouble.message }, 'a log could not be read to its end')
      longest.append(Buffer.from('… the rest of the log could not be read …\n'))
      await finish(options, longest, true)
      return
    }
    failures = trouble === undefined ? 0 : failures + 1
    await changed(Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures, 10)))
  }
}

function asTrouble(signal: AbortSignal): (error: unknown) => Error {
  return (error) => {
    signal.throwIfAborted()
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** Reads until the log ends, and stores it on the way once it is longer than what is stored. */
async function readInto(
  { config, open, store, clock, name }: FollowOptions,
  log: CappedLog,
  stored: number,
  signal: AbortSignal,
): Promise<undefined> {
  const over = new AbortController()
  const stream = await open(AbortSignal.any([signal, over.signal]))
  let flushed = stored
  let failed: unknown
  let isFlushing = false
  let timer: { cancel(): void } | undefined
  const flush = async (): Promise<void> => {
    timer?.cancel()
    timer = undefined
    if (isFlushing || log.total <= flushed) return
    isFlushing = true
    const total = log.total
    try {
      await store.put(name, log.bytes())
      flushed = total
    } catch (error) {
      // A store that is away is tried again with the next flush; who is not wanted stops.
      if (error instanceof LogStoreError && error.isFinal) {
        failed = error
        over.abort(error)
      }
    } finally {
      isFlushing = false
    }
  }
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      log.append(chunk)
      if (log.total - flushed >= config.flushBytes) await flush()
      else timer ??= clock.setTimeout(() => void flush(), config.flushMs)
    }
  } catch (error) {
    throw failed ?? error
  } finally {
    timer?.cancel()
    over.abort()
  }
  return undefined
}

/** Stores the last state, however long the server is away, and marks the pod if there still is one. */
async function finish({ store, name, mark, changed, pod, logger }: FollowOptions, log: CappedLog, isMarked: boolean): Promise<void> {
  for (let failures = 0; isMarked || log.total > 0; failures += 1) {
    try {
      await store.put(name, log.bytes())
      break
    } catch (error) {
      if (!(error instanceof LogStoreError)) throw error
      if (error.isFinal) return
      logger.warn({ ...name, trouble: error.message }, 'a log is not stored yet')
      // The pod stays as long as its log is not stored, unless somebody deleted it: then trying for ever is in vain.
      if (pod() === undefined && failures >= 10) return
      await changed(Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures, 10)))
    }
  }
  if (isMarked) await mark()
  logger.info({ ...name, bytes: log.total }, 'a log is stored')
}
