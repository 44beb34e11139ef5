/** Metrics under the names that controller-runtime and client-go use, so that existing dashboards and alerts fit. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

export interface KubeMetrics {
  request(method: string, code: string, durationMs: number): void
  reconciled(controller: string, result: 'success' | 'error' | 'requeue' | 'requeue_after', durationMs: number): void
  panicked(controller: string): void
  queueDepth(name: string, depth: number): void
  queueAdded(name: string): void
  queueWaited(name: string, durationMs: number): void
  queueRetried(name: string): void
  leading(name: string, isLeader: boolean): void
  watchRestarted(resource: string, why: string): void
}

const seconds = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Registers the metrics; call it once for a registry. */
export function kubeMetrics(registry: Registry): KubeMetrics {
  const registers = [registry]
  const requests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server.',
    labelNames: ['method', 'code'],
    registers,
  })
  const requestTime = new Histogram({
    name: 'rest_client_request_duration_seconds',
    help: 'Time of requests to the API server.',
    labelNames: ['verb'],
    buckets: seconds,
    registers,
  })
  const total = new Counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Reconciliations.',
    labelNames: ['controller', 'result'],
    registers,
  })
  const errors = new Counter({
    name: 'controller_runtime_reconcile_errors_total',
    help: 'Reconciliations that failed.',
    labelNames: ['controller'],
    registers,
  })
  const panics = new Counter({
    name: 'controller_runtime_reconcile_panics_total',
    help: 'Reconciliations that threw what no API answer explains.',
    labelNames: ['controller'],
    registers,
  })
  const time = new Histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'Time of one reconciliation.',
    labelNames: ['controller'],
    buckets: seconds,
    registers,
  })
  const depth = new Gauge({ name: 'workqueue_depth', help: 'Keys that wait.', labelNames: ['name'], registers })
  const adds = new Counter({ name: 'workqueue_adds_total', help: 'Keys added.', labelNames: ['name'], registers })
  const waited = new Histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'Time a key waited.',
    labelNames: ['name'],
    buckets: seconds,
    registers,
  })
  const retries = new Counter({
    name: 'workqueue_retries_total',
    help: 'Keys added again after a failure.',
    labelNames: ['name'],
    registers,
  })
  const leader = new Gauge({ name: 'leader_election_master_status', help: '1 while this process leads.', labelNames: ['name'], registers })
  const restarts = new Counter({
    name: 'reflector_watch_restarts_total',
    help: 'Watches that ended, by why.',
    labelNames: ['resource', 'why'],
    registers,
  })
  return {
    request: (method, code, durationMs) => {
      requests.inc({ method, code })
      requestTime.observe({ verb: method }, durationMs / 1000)
    },
    reconciled: (controller, result, durationMs) => {
      total.inc({ controller, result })
      time.observe({ controller }, durationMs / 1000)
      if (result === 'error') errors.inc({ controller })
    },
    panicked: (controller) => panics.inc({ controller }),
    queueDepth: (name, value) => depth.set({ name }, value),
    queueAdded: (name) => adds.inc({ name }),
    queueWaited: (name, durationMs) => waited.observe({ name }, durationMs / 1000),
    queueRetried: (name) => retries.inc({ name }),
    leading: (name, isLeader) => leader.set({ name }, isLeader ? 1 : 0),
    watchRestarted: (name, why) => restarts.inc({ resource: name, why }),
  }
}
