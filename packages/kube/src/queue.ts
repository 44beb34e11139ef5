/**
 * A queue of keys that says what to work on next.
 *
 * Guarantees (those of client-go's workqueue and controller-runtime's priority queue): a key is never given out twice at
 * once; added many times before it is taken, it is taken once; added while it is worked on, it comes again after `done`;
 * a higher priority goes first, and within one the earlier; failures of a key double its own wait and nobody else's.
 */
import { type Clock, reasonOf, systemClock, type Timer } from './clock.ts'
import { Heap } from './heap.ts'
import type { KubeMetrics } from './metrics.ts'

export interface WorkQueue {
  /** Priorities and delays merge: the highest and the soonest win. Default priority 0. */
  add(key: string, options?: { priority?: number; afterMs?: number }): void
  /** Adds the key after its own back-off: 5 ms · 2ⁿ, at most 1,000 s. */
  addRateLimited(key: string): void
  /** Ends the back-off of a key. */
  forget(key: string): void
  /** The next key, as soon as there is one; the taker must call `done`. Rejects when the signal aborts. */
  take(signal: AbortSignal): Promise<string>
  done(key: string): void
  /** Sets no timer any more: a process that ends does not wait for keys that are to come later. */
  close(): void
  /** Keys that are ready and wait. */
  readonly length: number
  failures(key: string): number
}

export interface QueueOptions {
  readonly name?: string
  readonly clock?: Clock
  readonly baseMs?: number
  readonly maxMs?: number
  readonly metrics?: KubeMetrics
}

interface Ready {
  readonly key: string
  readonly priority: number
  readonly order: number
  readonly since: number
}

interface Delayed {
  readonly key: string
  readonly at: number
  readonly order: number
  readonly priority: number
}

interface Waiter {
  readonly give: (key: string) => void
}

export function createQueue(options: QueueOptions = {}): WorkQueue {
  return new KeyedQueue(options)
}

class KeyedQueue implements WorkQueue {
  readonly #clock: Clock
  readonly #name: string
  readonly #baseMs: number
  readonly #maxMs: number
  readonly #metrics: KubeMetrics | undefined
  readonly #ready = new Heap<Ready>((a, b) => a.priority > b.priority || (a.priority === b.priority && a.order < b.order))
  /** The one entry of #ready that counts for each key; entries that were overtaken stay in the heap and are skipped. */
  readonly #waiting = new Map<string, Ready>()
  readonly #working = new Set<string>()
  /** Keys added while worked on, with their priority. */
  readonly #again = new Map<string, number>()
  readonly #delayed = new Heap<Delayed>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order))
  readonly #delays = new Map<string, Delayed>()
  readonly #failures = new Map<string, number>()
  readonly #waiters: Waiter[] = []
  #timer: { readonly at: number; readonly timer: Timer } | undefined
  #order = 0
  #isClosed = false

  constructor({ name = '', clock = systemClock, baseMs = 5, maxMs = 1_000_000, metrics }: QueueOptions) {
    this.#name = name
    this.#clock = clock
    this.#baseMs = baseMs
    this.#maxMs = maxMs
    this.#metrics = metrics
  }

  get length(): number {
    return this.#waiting.size
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0
  }

  add(key: string, { priority = 0, afterMs = 0 }: { priority?: number; afterMs?: number } = {}): void {
    if (afterMs > 0) this.#delay(key, priority, afterMs)
    else this.#enqueue(key, priority)
  }

  addRateLimited(key: string): void {
    const failures = this.failures(key)
    this.#failures.set(key, failures + 1)
    this.#metrics?.queueRetried(this.#name)
    this.add(key, { afterMs: Math.min(this.#maxMs, this.#baseMs * 2 ** Math.min(failures, 40)) })
  }

  forget(key: string): void {
    this.#failures.delete(key)
  }

  take(signal: AbortSignal): Promise<string> {
    if (signal.aborted) return Promise.reject(reasonOf(signal))
    const key = this.#next()
    if (key !== undefined) return Promise.resolve(key)
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        give: (given) => {
          signal.removeEventListener('abort', stop)
          resolve(given)
        },
      }
      const stop = (): void => {
        const at = this.#waiters.indexOf(waiter)
        if (at >= 0) this.#waiters.splice(at, 1)
        reject(reasonOf(signal))
      }
      signal.addEventListener('abort', stop, { once: true })
      this.#waiters.push(waiter)
    })
  }

  done(key: string): void {
    this.#working.delete(key)
    const priority = this.#again.get(key)
    if (priority === undefined) return
    this.#again.delete(key)
    this.#enqueue(key, priority)
  }

  #enqueue(key: string, priority: number): void {
    this.#metrics?.queueAdded(this.#name)
    if (this.#working.has(key)) {
      this.#again.set(key, Math.max(priority, this.#again.get(key) ?? priority))
      return
    }
    const known = this.#waiting.get(key)
    if (known !== undefined && known.priority >= priority) return
    const entry: Ready = { key, priority, order: known?.order ?? this.#order++, since: known?.since ?? this.#clock.monotonic() }
    this.#waiting.set(key, entry)
    this.#ready.push(entry)
    this.#metrics?.queueDepth(this.#name, this.#waiting.size)
    const waiter = this.#waiters.shift()
    if (waiter === undefined) return
    const next = this.#next()
    if (next !== undefined) waiter.give(next)
  }

  #next(): string | undefined {
    for (let entry = this.#ready.pop(); entry !== undefined; entry = this.#ready.pop()) {
      if (this.#waiting.get(entry.key) !== entry) continue
      this.#waiting.delete(entry.key)
      this.#working.add(entry.key)
      this.#metrics?.queueDepth(this.#name, this.#waiting.size)
      this.#metrics?.queueWaited(this.#name, this.#clock.monotonic() - entry.since)
      return entry.key
    }
    return undefined
  }

  #delay(key: string, priority: number, afterMs: number): void {
    const at = this.#clock.monotonic() + afterMs
    const known = this.#delays.get(key)
    if (known !== undefined && known.at <= at && known.priority >= priority) return
    const entry: Delayed = {
      key,
      at: Math.min(at, known?.at ?? at),
      priority: Math.max(priority, known?.priority ?? priority),
      order: this.#order++,
    }
    this.#delays.set(key, entry)
    this.#delayed.push(entry)
    this.#wakeForDelayed()
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.timer.cancel()
    this.#timer = undefined
  }

  #wakeForDelayed(): void {
    if (this.#isClosed) return
    const first = this.#delayed.peek()
    if (first === undefined || (this.#timer !== undefined && this.#timer.at <= first.at)) return
    this.#timer?.timer.cancel()
    const timer = this.#clock.setTimeout(() => this.#releaseDelayed(), Math.max(0, first.at - this.#clock.monotonic()))
    this.#timer = { at: first.at, timer }
  }

  #releaseDelayed(): void {
    this.#timer = undefined
    const now = this.#clock.monotonic()
    for (let entry = this.#delayed.peek(); entry !== undefined && entry.at <= now; entry = this.#delayed.peek()) {
      this.#delayed.pop()
      if (this.#delays.get(entry.key) !== entry) continue
      this.#delays.delete(entry.key)
      this.#enqueue(entry.key, entry.priority)
    }
    this.#wakeForDelayed()
  }
}
