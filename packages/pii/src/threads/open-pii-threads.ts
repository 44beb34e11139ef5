/**
 * Finds personal data off the event loop: texts above a size go to threads, smaller ones are read at once.
 *
 * Guarantees: every call ends by its deadline; at most `maxWaiting` texts wait; a thread that is late or dies is replaced
 * and takes only its own text with it. Threads start with the first large text, or by `warm()`; they never keep the process alive.
 */
import { fileURLToPath } from 'node:url'
import type { Worker } from 'node:worker_threads'
import type { PiiEntity, PiiMatch } from '../entities.ts'
import { findPii } from '../find.ts'
import { matchesOf, type PiiAnswer, type PiiQuestion } from './questions.ts'

export interface PiiThreadsOptions {
  /** How many threads; 1 by default. */
  readonly threads?: number
  /** Texts of up to so many UTF-16 units are read on the event loop, which takes about a millisecond; 16,384 by default. */
  readonly inlineUnits?: number
  /** Milliseconds that one call may take, waiting included; 2,000 by default. */
  readonly deadlineMs?: number
  /** Most calls that wait for a thread; 256 by default. */
  readonly maxWaiting?: number
}

export interface PiiThreads {
  /**
   * As {@link findPii}. @throws PiiUnavailable when the deadline passed, too many wait, a thread died or the pool is closed;
   * the signal's reason when it was aborted
   */
  find(
    text: string,
    options?: { readonly entities?: readonly PiiEntity[]; readonly deadlineMs?: number; readonly signal?: AbortSignal },
  ): Promise<readonly PiiMatch[]>
  /** Starts the threads before the first text needs them. */
  warm(): Promise<void>
  /** Ends the threads; calls under way fail. */
  close(): Promise<void>
}

export type PiiUnavailableReason = 'Deadline' | 'TooManyWaiting' | 'ThreadDied' | 'Closed'

/** No answer: whether there is personal data is not known. Never contains any of the text. */
export class PiiUnavailable extends Error {
  override readonly name = 'PiiUnavailable'
  readonly reason: PiiUnavailableReason
  constructor(reason: PiiUnavailableReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

interface Call {
  readonly question: PiiQuestion
  readonly settle: (answer: readonly PiiMatch[] | Error) => void
  thread?: Thread
  isSettled: boolean
}

interface Thread {
  readonly worker: Worker
  readonly ready: Promise<undefined>
  isReady: boolean
  call?: Call | undefined
}

/** Opens the pool; nothing runs yet. */
export function openPiiThreads({
  threads: size = 1,
  inlineUnits = 16_384,
  deadlineMs = 2000,
  maxWaiting = 256,
}: PiiThreadsOptions = {}): PiiThreads {
  const threads = new Set<Thread>()
  const waiting: Call[] = []
  let isClosed = false
  let starting: Promise<unknown> | undefined
  let lastId = 0

  const take = (thread: Thread): void => {
    const call = waiting.shift()
    thread.call = call
    if (call === undefined) return
    call.thread = thread
    thread.worker.postMessage(call.question)
  }
  const lose = (thread: Thread, error: PiiUnavailable): void => {
    threads.delete(thread)
    thread.call?.settle(error)
    void thread.worker.terminate()
    if (waiting.length > 0) void fill()
  }
  const start = async (): Promise<void> => {
    // Loaded when needed, so that the finder itself runs where there are no threads.
    const { Worker } = await import('node:worker_threads')
    if (isClosed || threads.size >= size) return
    const worker = new Worker(threadModule(), { resourceLimits: { maxOldGenerationSizeMb: 192 } })
    worker.unref()
    const ready = Promise.withResolvers<undefined>()
    const thread: Thread = { worker, ready: ready.promise, isReady: false }
    threads.add(thread)
    worker.on('message', (answer: PiiAnswer) => {
      if (!threads.has(thread)) return
      thread.isReady = true
      if (answer.id === 0) ready.resolve(undefined)
      else thread.call?.settle(matchesOf(answer))
      take(thread)
    })
    worker.once('error', (cause) =>
      lose(thread, new PiiUnavailable('ThreadDied', 'the thread that looked for personal data died', { cause })),
    )
    worker.once('exit', () => {
      ready.resolve(undefined)
      if (threads.has(thread)) lose(thread, new PiiUnavailable('ThreadDied', 'the thread that looked for personal data ended'))
    })
  }
  const fill = (): Promise<unknown> => {
    starting ??= Promise.all(Array.from({ length: Math.max(0, size - threads.size) }, start)).finally(() => {
      starting = undefined
    })
    return starting
  }

  const ask = (
    text: string,
    entities: readonly PiiEntity[] | undefined,
    limitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<readonly PiiMatch[]> =>
    new Promise((resolve, reject) => {
      lastId += 1
      const call: Call = {
        question: { id: lastId, text, entities },
        isSettled: false,
        settle: (answer) => {
          if (call.isSettled) return
          call.isSettled = true
          clearTimeout(timer)
          signal?.removeEventListener('abort', abort)
          if (answer instanceof Error) reject(answer)
          else resolve(answer)
        },
      }
      const drop = (error: Error): void => {
        const at = waiting.indexOf(call)
        if (at !== -1) waiting.splice(at, 1)
        call.settle(error)
      }
      const abort = (): void => drop(signal?.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal?.reason }))
      const timer = setTimeout(() => {
        const error = new PiiUnavailable('Deadline', `looking for personal data took longer than ${limitMs} ms`)
        drop(error)
        if (call.thread?.call === call) lose(call.thread, error)
      }, limitMs)
      signal?.addEventListener('abort', abort, { once: true })
      waiting.push(call)
      const idle = [...threads].find((thread) => thread.isReady && thread.call === undefined)
      if (idle !== undefined) take(idle)
      else if (threads.size < size) void fill()
    })

  return {
    find: (text, { entities, deadlineMs: limitMs = deadlineMs, signal } = {}) => {
      if (isClosed) return Promise.reject(new PiiUnavailable('Closed', 'the threads that look for personal data are closed'))
      if (signal?.aborted === true) return Promise.reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
      if (text.length <= inlineUnits) return Promise.resolve(findPii(text, entities))
      if (waiting.length >= maxWaiting)
        return Promise.reject(new PiiUnavailable('TooManyWaiting', `${waiting.length} texts already wait for a thread; try again`))
      return ask(text, entities, limitMs, signal)
    },
    warm: async () => {
      await fill()
      await Promise.all([...threads].map(({ ready }) => ready))
    },
    close: async () => {
      isClosed = true
      const error = new PiiUnavailable('Closed', 'the threads that look for personal data are closed')
      for (const call of waiting.splice(0)) call.settle(error)
      for (const thread of threads) thread.call?.settle(error)
      const ending = [...threads].map(({ worker }) => worker.terminate())
      threads.clear()
      await Promise.all(ending)
    },
  }
}

/** Beside this module in a checkout; in a bundle beside the program, above the chunks. */
function threadModule(): string {
  const own = import.meta.url
  const bundled = own.includes('/chunks/') ? '../pii-thread.mjs' : './pii-thread.mjs'
  return fileURLToPath(new URL(own.endsWith('.ts') ? './pii-thread.ts' : bundled, own))
}
