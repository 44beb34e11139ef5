/** What the server sees of its stores: how long each operation takes, which errors it ends in, and whether a store answers. */
import { ArtifactError, type ArtifactStore } from '@mnemos/artifacts'
import { type StreamStore, StreamStoreError } from '@mnemos/stores'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

export interface StoreMetrics {
  readonly took: Histogram<'store' | 'operation'>
  readonly errors: Counter<'store' | 'operation' | 'code'>
  readonly up: Gauge<'store'>
}

export function storeMetrics(registry: Registry): StoreMetrics {
  return {
    took: new Histogram({
      name: 'mnemos_store_operation_duration_seconds',
      help: 'Time of operations on a store; of reading artifacts until their first byte may be read.',
      labelNames: ['store', 'operation'],
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers: [registry],
    }),
    errors: new Counter({
      name: 'mnemos_store_errors_total',
      help: 'Operations on a store that failed, by code.',
      labelNames: ['store', 'operation', 'code'],
      registers: [registry],
    }),
    up: new Gauge({
      name: 'mnemos_store_up',
      help: 'Whether the store answered when it was last asked (1) or not (0).',
      labelNames: ['store'],
      registers: [registry],
    }),
  }
}

/** The store, measured. */
export function measuredArtifacts(store: ArtifactStore, metrics: StoreMetrics): ArtifactStore {
  const measure = measuring('artifacts', metrics)
  return {
    put: (...given) => measure('put', () => store.put(...given)),
    get: (...given) => measure('get', () => store.get(...given)),
    head: (key) => measure('head', () => store.head(key)),
    delete: (key) => measure('delete', () => store.delete(key)),
    list: (prefix) => measure('list', () => store.list(prefix)),
    page: (...given) => measure('list', () => store.page(...given)),
    urlOf: (key) => store.urlOf(key),
    check: () => store.check(),
    sweep: (olderThanMs) => measure('sweep', () => store.sweep(olderThanMs)),
    close: () => store.close(),
  }
}

/** The store, measured; following a stream takes as long as the stream and is not. */
export function measuredStreams(store: StreamStore, metrics: StoreMetrics): StreamStore {
  const measure = measuring('streams', metrics)
  return {
    append: (stream, tokens) => measure('append', () => store.append(stream, tokens)),
    end: (stream, at) => measure('end', () => store.end(stream, at)),
    next: (stream) => measure('next', () => store.next(stream)),
    has: (stream) => measure('has', () => store.has(stream)),
    read: (stream, from, signal) => store.read(stream, from, signal),
    drop: (stream) => measure('drop', () => store.drop(stream)),
    check: () => store.check(),
    close: () => store.close(),
  }
}

function measuring(store: string, { took, errors }: StoreMetrics) {
  return async <T>(operation: string, run: () => Promise<T>): Promise<T> => {
    const done = took.startTimer({ store, operation })
    try {
      return await run()
    } catch (error) {
      const code = error instanceof ArtifactError || error instanceof StreamStoreError ? error.code : 'Other'
      errors.inc({ store, operation, code })
      throw error
    } finally {
      done()
    }
  }
}
