/** A simulated cluster around one WorkerPool: what a plan applies is there the next time. */
import type { Worker, WorkerPool } from '@mnemos/api'
import type { KubeObject } from '@mnemos/kube'
import type { Deployment, Pod } from './cluster-objects.ts'
import type { PodSettings } from './worker-pod.ts'
import type { PoolMaking, WorkerPoolPlan, WorkerPoolWorld } from './worker-pool.ts'

export const podSettings: PodSettings = {
  workerImage: 'mnemos-worker:1',
  gpuWorkerImage: 'mnemos-worker-gpu:1',
  imagePullPolicy: 'IfNotPresent',
  imagePullSecrets: [],
  dispatchAddress: 'mnemos-dispatch.mnemos-system.svc:9090',
  systemNamespace: 'mnemos-system',
  needsAuthority: false,
  fileRoot: undefined,
}

/** Nothing was made yet. */
export function nothingMade(of: Partial<PoolMaking> = {}): PoolMaking {
  return {
    settings: podSettings,
    authority: undefined,
    refusal: undefined,
    deployment: undefined,
    serviceAccount: undefined,
    networkPolicy: undefined,
    configMap: undefined,
    pods: [],
    running: new Map(),
    connected: new Set(),
    ...of,
  }
}

export function poolWorld(pool: WorkerPool, of: Partial<PoolMaking> = {}, workers: readonly Worker[] = []): WorkerPoolWorld {
  return { pool, workers, dueInMs: 0, making: nothingMade(of) }
}

/** The child of a kind that a plan applies. */
export function applied(plan: WorkerPoolPlan, kind: string): (KubeObject & Readonly<Record<string, unknown>>) | undefined {
  return plan.apply.find((each) => each.kind === kind) as (KubeObject & Readonly<Record<string, unknown>>) | undefined
}

/** The world after a plan was carried out and Kubernetes did its part: every pod is there and available. */
export function settled(world: WorkerPoolWorld, plan: WorkerPoolPlan): WorkerPoolWorld {
  const { making, pool } = world
  const deployment = (applied(plan, 'Deployment') as Deployment | undefined) ?? making.deployment
  const count = deployment?.spec?.replicas ?? 0
  const generation = deployment?.metadata.generation ?? 1
  const counts = { observedGeneration: generation, replicas: count, updatedReplicas: count, availableReplicas: count }
  const conditions = (plan.conditions ?? []).map((fact) => ({ ...fact, observedGeneration: 1, lastTransitionTime: '2026-01-01T00:00:00Z' }))
  return {
    ...world,
    pool: { ...pool, ...(plan.status === undefined ? {} : { status: { ...plan.status, conditions, observedGeneration: 1 } }) },
    making: {
      ...making,
      deployment:
        deployment === undefined ? undefined : { ...deployment, metadata: { ...deployment.metadata, generation }, status: counts },
      serviceAccount: applied(plan, 'ServiceAccount') ?? making.serviceAccount,
      networkPolicy: applied(plan, 'NetworkPolicy') ?? making.networkPolicy,
      configMap: applied(plan, 'ConfigMap') ?? making.configMap,
      pods: Array.from({ length: count }, (_each, index) => aPod(`mnemos-${pool.metadata.name}-${index}`)),
    },
  }
}

/** A pod of a pool. */
export function aPod(name: string, status: Pod['status'] = {}, annotations: Readonly<Record<string, string>> = {}): Pod {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', uid: `uid-${name}`, annotations }, status }
}
