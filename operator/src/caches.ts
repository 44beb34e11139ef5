/** What the operator watches, and the indexes by which it is found. Made anew for each term of leadership. */
import type { Job } from '@mnemos/api'
import { managedByLabel } from '@mnemos/domain'
import { type Client, createInformer, type Informer, type KubeMetrics, type KubeObject, type Logger } from '@mnemos/kube'
import {
  cachedJob,
  cachedPod,
  clusterPolicies,
  configMaps,
  deployments,
  jobIndexes,
  jobs,
  modelIndexes,
  models,
  namespaces,
  networkPolicies,
  pipelineRuns,
  pipelines,
  podIndexes,
  pods,
  policies,
  poolIndexes,
  pools,
  queues,
  revisionIndexes,
  revisions,
  runIndexes,
  schemas,
  serviceAccounts,
  withoutManagedFields,
  workerIndexes,
  workers,
} from './resources.ts'

const ourSelector = Object.entries(managedByLabel)
  .map(([key, value]) => `${key}=${value}`)
  .join(',')

/** Starts nothing: whoever runs the informers does. @param see is shown each Job as it comes, before its input is dropped */
export function cachesOf(client: Client, logger: Logger, metrics: KubeMetrics, see: (job: Job) => void) {
  const shared = { client, logger, metrics }
  const ours = { labelSelector: ourSelector }
  const seen = (job: Job): Job => {
    see(job)
    return cachedJob(job)
  }
  const own = {
    jobs: createInformer({ ...shared, resource: jobs, transform: seen, indexes: jobIndexes }),
    workers: createInformer({ ...shared, resource: workers, transform: withoutManagedFields, indexes: workerIndexes }),
    pools: createInformer({ ...shared, resource: pools, transform: withoutManagedFields, indexes: poolIndexes }),
    models: createInformer({ ...shared, resource: models, transform: withoutManagedFields, indexes: modelIndexes }),
    queues: createInformer({ ...shared, resource: queues, transform: withoutManagedFields }),
    schemas: createInformer({ ...shared, resource: schemas, transform: withoutManagedFields }),
    policies: createInformer({ ...shared, resource: policies, transform: withoutManagedFields }),
    clusterPolicies: createInformer({ ...shared, resource: clusterPolicies, transform: withoutManagedFields }),
    pipelines: createInformer({ ...shared, resource: pipelines, transform: withoutManagedFields }),
    pipelineRuns: createInformer({ ...shared, resource: pipelineRuns, transform: withoutManagedFields, indexes: runIndexes }),
    namespaces: createInformer({ ...shared, resource: namespaces, transform: withoutManagedFields }),
    // Of Kubernetes' own kinds only what we made: a cluster has many pods, and few are ours.
    pods: createInformer({ ...shared, ...ours, resource: pods, transform: cachedPod, indexes: podIndexes }),
    revisions: createInformer({ ...shared, ...ours, resource: revisions, transform: withoutManagedFields, indexes: revisionIndexes }),
    deployments: createInformer({ ...shared, ...ours, resource: deployments, transform: withoutManagedFields }),
    serviceAccounts: createInformer({ ...shared, ...ours, resource: serviceAccounts, transform: withoutManagedFields }),
    configMaps: createInformer({ ...shared, ...ours, resource: configMaps, transform: withoutManagedFields }),
    networkPolicies: createInformer({ ...shared, ...ours, resource: networkPolicies, transform: withoutManagedFields }),
  }
  // A runtime holds informers of many types; each is read back under the resource whose type it has.
  return { ...own, all: Object.values(own) as unknown as readonly Informer<KubeObject>[] }
}

export type Caches = ReturnType<typeof cachesOf>
