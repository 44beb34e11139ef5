/** Counts the Workers of a WorkerPool and keeps its pods. Decides nothing itself: see domain/workers/worker-pool.ts. */
import type { WorkerPool } from '@mnemos/api'
import { authorityConfigMap, decideWorkerPool, type PodSettings, type PoolMaking, poolChildName } from '@mnemos/domain'
import { controller, controllerOf, type KubeObject, keyOf, onChange, type Reader } from '@mnemos/kube'
import type { Sessions } from '../dispatch/sessions.ts'
import type { Pace } from '../pace.ts'
import type { PlacementLoop } from '../placement-loop.ts'
import {
  configMaps,
  deployments,
  networkPolicies,
  podIndexes,
  pods,
  poolIndexes,
  pools,
  serviceAccounts,
  workerIndexes,
  workers,
} from '../resources.ts'

export interface WorkerPoolSources {
  readonly settings: PodSettings
  readonly sessions: Sessions
  readonly placement: PlacementLoop
  readonly pace: Pace
}

export const workerPoolController = (sources: WorkerPoolSources) => {
  const refusals = new Map<string, string>()
  const remember = ({ metadata: { uid = '' } }: WorkerPool, refusal: Error | undefined): void => {
    if (refusal === undefined) refusals.delete(uid)
    else refusals.set(uid, refusal.message)
  }
  return controller(pools, {
    owns: [deployments, serviceAccounts, networkPolicies],
    wakes: [
      onChange(workers, ({ object }) => workerIndexes.pool(object)),
      onChange(pods, ({ object }, reader) => podIndexes.pool(object).flatMap((label) => keysOf(reader.byIndex(pools, 'label', label)))),
      onChange(configMaps, ({ object: { metadata } }, reader) => {
        if (metadata.name !== authorityConfigMap) return []
        const isSource = metadata.namespace === sources.settings.systemNamespace
        return keysOf(isSource ? reader.list(pools) : reader.byIndex(pools, 'namespace', metadata.namespace ?? ''))
      }),
    ],
    observe: (reader, pool) => ({
      pool,
      workers: reader.byIndex(workers, 'pool', keyOf(pool.metadata)),
      dueInMs: sources.pace.dueInMs(pool.metadata.uid),
      making: { ...observeMaking(sources, reader, pool), refusal: refusals.get(pool.metadata.uid ?? '') },
    }),
    decide: decideWorkerPool,
    perform: (written) => sources.pace.written(written),
    carriedOut: remember,
  })
}

function observeMaking(
  { settings, sessions, placement }: WorkerPoolSources,
  reader: Reader,
  pool: WorkerPool,
): Omit<PoolMaking, 'refusal'> {
  const { namespace = '', name, uid } = pool.metadata
  const child = { namespace, name: poolChildName(name) }
  const own = <T extends KubeObject>(object: T | undefined): T | undefined =>
    object !== undefined && controllerOf(object)?.uid === uid ? object : undefined
  const named = pool.spec.external ? [] : reader.byIndex(workers, 'pool', keyOf(pool.metadata)).map(({ metadata }) => metadata.name)
  const ofWorkers = named.map((worker) => ({ worker, key: keyOf({ namespace, name: worker }) }))
  return {
    settings,
    authority: reader.get(configMaps, { namespace: settings.systemNamespace, name: authorityConfigMap })?.data?.['ca.crt'],
    deployment: own(reader.get(deployments, child)),
    serviceAccount: own(reader.get(serviceAccounts, child)),
    networkPolicy: own(reader.get(networkPolicies, child)),
    configMap: reader.get(configMaps, { namespace, name: authorityConfigMap }),
    pods: poolIndexes.label(pool).flatMap((label) => reader.byIndex(pods, 'pool', label)),
    running: new Map(ofWorkers.map(({ worker, key }) => [worker, placement.holders(key).size])),
    connected: new Set(ofWorkers.filter(({ key }) => sessions.of(key)?.send !== undefined).map(({ worker }) => worker)),
  }
}

function keysOf(objects: readonly KubeObject[]): string[] {
  return objects.map(({ metadata }) => keyOf(metadata))
}
