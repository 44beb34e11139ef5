/**
 * One watch of a resource shared by all who want to know: a cache to read and changes to hear of.
 *
 * Guarantees: every handler hears every change once and in order; one that joins late first hears the objects that are
 * there; one that throws is logged and stops nobody.
 */
import { type Cache, type Indexers, ObjectStore } from './cache.ts'
import type { Client } from './client.ts'
import { type Clock, reasonOf, systemClock } from './clock.ts'
import { errorFields, type Logger, silentLogger } from './logger.ts'
import type { KubeMetrics } from './metrics.ts'
import { type Change, defaultTiming, Reflector, type ReflectorState, type ReflectorTiming } from './reflector.ts'
import type { KubeObject, Resource } from './types.ts'

export interface Informer<T extends KubeObject> {
  readonly resource: Resource<T>
  readonly cache: Cache<T>
  /** Lists and watches until the signal; never throws before it. */
  run(signal: AbortSignal): Promise<void>
  hasSynced(): boolean
  /** Resolves once the first list is in the cache. */
  synced(signal?: AbortSignal): Promise<void>
  /** Returns a function that ends the subscription. */
  onChange(handler: (change: Change<T>) => void): () => void
  state(): ReflectorState
  /** Milliseconds since the API server was last heard; Infinity before the first list. */
  silentForMs(): number
}

export interface InformerOptions<T extends KubeObject> {
  readonly client: Client
  readonly resource: Resource<T>
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Only `metadata` of each object is sent: for those who need no more, at a fraction of the bytes. */
  readonly metadataOnly?: boolean
  readonly indexes?: Indexers<T>
  /** Changes each object before it is kept, e.g. drops what nobody reads. Must keep metadata's name, namespace, uid and resourceVersion. */
  readonly transform?: (object: T) => T
  readonly clock?: Clock
  readonly random?: () => number
  readonly logger?: Logger
  readonly metrics?: KubeMetrics
  readonly timing?: Partial<ReflectorTiming>
}

export function createInformer<T extends KubeObject>(options: InformerOptions<T>): Informer<T> {
  const { client, resource, namespace, labelSelector, fieldSelector, metadataOnly } = options
  const { clock = systemClock, logger = silentLogger, metrics } = options
  const store = new ObjectStore<T>(options.indexes)
  const handlers = new Set<(change: Change<T>) => void>()
  const tell = (handler: (change: Change<T>) => void, change: Change<T>): void => {
    try {
      handler(change)
    } catch (error) {
      logger.error({ resource: resource.plural, ...errorFields(error) }, 'a change handler threw')
    }
  }
  const reflector = new Reflector<T>({
    client,
    resource,
    store,
    clock,
    logger,
    scope: {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      ...(metadataOnly === undefined ? {} : { metadataOnly }),
    },
    transform: options.transform ?? ((object) => object),
    random: options.random ?? Math.random,
    timing: { ...defaultTiming, ...options.timing },
    onChange: (change) => {
      for (const handler of handlers) tell(handler, change)
    },
    ...(metrics === undefined ? {} : { metrics }),
  })
  return {
    resource,
    cache: store,
    run: (signal) => reflector.run(signal),
    hasSynced: () => reflector.synced,
    synced: async (signal) => {
      while (!reflector.synced) {
        if (signal?.aborted === true) throw reasonOf(signal)
        await clock.sleep(10, signal)
      }
    },
    onChange: (handler) => {
      for (const object of store.list()) tell(handler, { type: 'added', object, initial: true })
      handlers.add(handler)
      return () => void handlers.delete(handler)
    },
    state: () => reflector.state,
    silentForMs: () => clock.monotonic() - reflector.heardAt,
  }
}
