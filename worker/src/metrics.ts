/** What a worker measures, in a registry of its own: several workers may live in one process. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'

export interface WorkerMetrics {
  readonly registry: Registry
  /** Attempts that ended, by outcome. */
  readonly attempts: Counter<'outcome'>
  readonly tokens: Counter
}

export interface Gauges {
  readonly running: () => number
  readonly isConnected: () => boolean
  readonly cacheBytes: () => number
  readonly cachedModels: () => number
}

/** @param isProcess also the process's own figures (memory, event loop); once per process */
export function createMetrics(isProcess: boolean): WorkerMetrics {
  const registry = new Registry()
  if (isProcess) collectDefaultMetrics({ register: registry })
  const registers = [registry]
  return {
    registry,
    attempts: new Counter({ name: 'mnemos_worker_attempts_total', help: 'Attempts that ended.', labelNames: ['outcome'], registers }),
    tokens: new Counter({ name: 'mnemos_worker_tokens_total', help: 'Tokens generated in successful attempts.', registers }),
  }
}

/** Registers figures that are read when they are asked for. */
export function addGauges({ registry }: WorkerMetrics, gauges: Gauges): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  }
  gauge('mnemos_worker_running_attempts', 'Attempts that run now.', gauges.running)
  gauge('mnemos_worker_connected', 'Whether the stream to the operator is up.', () => (gauges.isConnected() ? 1 : 0))
  gauge('mnemos_worker_cache_bytes', 'Bytes of verified models in the cache.', gauges.cacheBytes)
  gauge('mnemos_worker_cached_models', 'Verified models in the cache.', gauges.cachedModels)
}
