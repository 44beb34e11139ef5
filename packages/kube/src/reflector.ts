/**
 * Keeps an ObjectStore equal to a collection of the API server: list, then watch from that version, for ever.
 *
 *            ┌───────────── 410, stale or never listed ─────────────┐
 *            ▼                                                       │
 *   idle → listing ──► watching ──(server's time-out)──► watching ──┤
 *            ▲            │                                          │
 *            │            └─(reset, silence, cut, 429, 500)─► waiting┘
 *            └──────────────── back-off, `Retry-After` ───────┘ (to watching when a version is known)
 *
 * Guarantees: never stops before its signal; a deletion missed in a gap is found by the next list; no more than
 * `silenceMs` pass before a dead connection is noticed, because the server is asked to end each watch sooner than that.
 * A list older than what is already known is not believed (a lagging replica) until it was seen several times (a restored store).
 */
import { createBackoff } from './backoff.ts'
import type { ObjectStore } from './cache.ts'
import { uidOf } from './cache.ts'
import type { Client, ListOptions } from './client.ts'
import { type Clock, sleptThrough } from './clock.ts'
import { isExpired, KubeError } from './errors.ts'
import { errorFields, type Logger } from './logger.ts'
import type { KubeMetrics } from './metrics.ts'
import { compareResourceVersions, type KubeObject, keyOf, type Resource } from './types.ts'
import { type WatchEvent, watch } from './watch.ts'

/** What happened to one object. `previous` is what the cache held; `finalStateUnknown` marks a deletion found by a list. */
export type Change<T> =
  | { readonly type: 'added'; readonly object: Readonly<T>; readonly initial: boolean }
  | { readonly type: 'updated'; readonly object: Readonly<T>; readonly previous: Readonly<T>; readonly initial: false }
  | { readonly type: 'deleted'; readonly object: Readonly<T>; readonly finalStateUnknown: boolean; readonly initial: false }

export interface ReflectorTiming {
  /** The server is asked to end a watch after a random time in this range. */
  readonly watchSeconds: readonly [number, number]
  /** Silence after which a watch counts as dead; must exceed the longest watch. */
  readonly silenceMs: number
  readonly backoffBaseMs: number
  readonly backoffMaxMs: number
}

export const defaultTiming: ReflectorTiming = { watchSeconds: [20, 25], silenceMs: 27_000, backoffBaseMs: 800, backoffMaxMs: 15_000 }

export type ReflectorState = 'idle' | 'listing' | 'watching' | 'waiting' | 'stopped'

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: Client
  readonly resource: Resource<T>
  readonly store: ObjectStore<T>
  readonly onChange: (change: Change<T>) => void
  readonly scope: Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector' | 'metadataOnly'>
  readonly transform: (object: T) => T
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly timing: ReflectorTiming
  readonly metrics?: KubeMetrics
}

const staleListsBelieved = 5
const leastWatchMs = 1000

export class Reflector<T extends KubeObject> {
  state: ReflectorState = 'idle'
  /** When the API server was last heard, on the monotonic clock. */
  heardAt = -Infinity
  synced = false
  readonly #options: ReflectorOptions<T>
  #version = ''
  #staleLists = 0

  constructor(options: ReflectorOptions<T>) {
    this.#options = options
  }

  /** Runs until the signal; never throws before it. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, timing, random, logger, resource, metrics } = this.#options
    const backoff = createBackoff({ baseMs: timing.backoffBaseMs, maxMs: timing.backoffMaxMs, random })
    while (!signal.aborted) {
      try {
        if (this.#version === '') await this.#list(signal)
        await this.#watch(signal, () => backoff.reset())
        metrics?.watchRestarted(resource.plural, 'timeout')
      } catch (error) {
        if (isAborted(signal)) break
        metrics?.watchRestarted(resource.plural, error instanceof KubeError ? error.reason : 'error')
        if (isExpired(error)) this.#version = ''
        this.state = 'waiting'
        const delayMs = Math.max(backoff.next(), error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0)
        logger.info({ resource: resource.plural, delayMs: Math.round(delayMs), ...errorFields(error) }, 'watch interrupted')
        if (!(await sleptThrough(clock, delayMs, signal))) break
      }
    }
    this.state = 'stopped'
  }

  async #list(signal: AbortSignal): Promise<void> {
    this.state = 'listing'
    const { client, resource, scope, store, transform, clock } = this.#options
    const { items, resourceVersion } = await client.list(resource, { ...scope, signal })
    this.heardAt = clock.monotonic()
    if (
      store.resourceVersion !== '' &&
      compareResourceVersions(resourceVersion, store.resourceVersion) < 0 &&
      this.#staleLists < staleListsBelieved
    ) {
      this.#staleLists += 1
      throw new KubeError(`a list at version ${resourceVersion} is older than the cache at ${store.resourceVersion}`, {
        status: 0,
        reason: 'StaleList',
      })
    }
    this.#staleLists = 0
    const seen = new Set<string>()
    for (const item of items) {
      const object = transform(item)
      seen.add(uidOf(object))
      this.#upsert(object, !this.synced)
    }
    for (const known of store.list()) if (!seen.has(uidOf(known))) this.#remove(known, true)
    this.#reached(resourceVersion)
    this.synced = true
  }

  async #watch(signal: AbortSignal, onHeard: () => void): Promise<void> {
    this.state = 'watching'
    const { client, resource, scope, timing, random, clock } = this.#options
    const [least, most] = timing.watchSeconds
    const timeoutSeconds = Math.round(least + random() * (most - least))
    const request = { ...scope, resourceVersion: this.#version, timeoutSeconds, silenceMs: timing.silenceMs, signal }
    const began = clock.monotonic()
    await watch(client, resource, request, (events) => {
      onHeard()
      this.heardAt = clock.monotonic()
      for (const event of events) this.#take(event)
    })
    // A server (or a proxy) that ends each watch as it begins would otherwise be asked without a pause.
    if (clock.monotonic() - began < leastWatchMs && this.heardAt < began)
      throw new KubeError('the watch ended as soon as it began', { status: 0, reason: 'EndedAtOnce' })
  }

  #take({ type, object: raw }: WatchEvent<T>): void {
    const version = raw.metadata.resourceVersion ?? ''
    if (type === 'BOOKMARK') {
      this.#reached(version)
      return
    }
    // A version that was already passed is a repeated event.
    if (compareResourceVersions(version, this.#options.store.resourceVersion) <= 0) return
    const object = this.#options.transform(raw)
    if (type === 'DELETED') this.#remove(object, false)
    else this.#upsert(object, false)
    this.#reached(version)
  }

  #reached(version: string): void {
    this.#version = version
    this.#options.store.resourceVersion = version
  }

  #upsert(object: T, initial: boolean): void {
    const { store, onChange } = this.#options
    const known = store.get(object.metadata)
    if (known !== undefined && known.metadata.resourceVersion === object.metadata.resourceVersion) return
    if (known !== undefined && uidOf(known) !== uidOf(object)) this.#remove(known, true)
    const previous = store.set(object)
    onChange(previous === undefined ? { type: 'added', object, initial } : { type: 'updated', object, previous, initial: false })
  }

  #remove(object: KubeObject, finalStateUnknown: boolean): void {
    const removed = this.#options.store.delete(object)
    if (removed === undefined) return
    // The event of a deletion carries the object as it was last; the one in the cache may be older.
    const last = !finalStateUnknown && keyOf(object.metadata) === keyOf(removed.metadata) ? (object as T) : removed
    this.#options.onChange({ type: 'deleted', object: last, finalStateUnknown, initial: false })
  }
}

/** The signal may have aborted since it was last looked at, which the type checker does not know. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted
}
