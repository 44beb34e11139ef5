/** What a WorkerPool that makes pods owns: a Deployment, who its pods are, and what they may reach. */
import type { WorkerPool } from '@mnemos/api'
import type { KubeObject, OwnerReference } from '@mnemos/kube'
import type { ConfigMap } from './cluster-objects.ts'
import { managedByLabel, poolChildName, poolLabels, poolSelector } from './pool-names.ts'
import { authorityConfigMap, type PodSettings, usesDevices, workerPodTemplate } from './worker-pod.ts'

interface Owned extends KubeObject {
  readonly [field: string]: unknown
}

function metadataOf(pool: WorkerPool): KubeObject['metadata'] {
  const { name, namespace = 'default' } = pool.metadata
  const ownerReferences = [{ ...ownerOf(pool), controller: true }]
  return { name: poolChildName(name), namespace, labels: poolLabels(name), ownerReferences }
}

function ownerOf({ apiVersion, kind, metadata: { name, uid = '' } }: WorkerPool): OwnerReference {
  return { apiVersion, kind, name, uid, blockOwnerDeletion: false }
}

export interface DeploymentWishes {
  readonly image: string
  readonly replicas: number
  readonly trustsAuthority: boolean
}

/** The Deployment. Devices are seldom to spare, so a rollout takes one worker away before it brings the next. */
export function poolDeployment(pool: WorkerPool, settings: PodSettings, { image, replicas, trustsAuthority }: DeploymentWishes): Owned {
  const rollingUpdate = usesDevices(pool.spec) ? { maxSurge: 0, maxUnavailable: 1 } : { maxSurge: '25%', maxUnavailable: 0 }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadataOf(pool),
    spec: {
      replicas,
      revisionHistoryLimit: 2,
      selector: { matchLabels: poolSelector(pool.metadata.name) },
      strategy: { type: 'RollingUpdate', rollingUpdate },
      template: workerPodTemplate(pool, settings, image, trustsAuthority),
    },
  }
}

/** Who the pods are. Nobody gives it any right. */
export function poolServiceAccount(pool: WorkerPool): Owned {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadataOf(pool), automountServiceAccountToken: false }
}

/** Address ranges that are nobody's on the Internet. */
const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', '127.0.0.0/8']

/** Nothing in, and out only to where a worker has business. Undefined when the pool asks for none. */
export function poolNetworkPolicy(pool: WorkerPool, { systemNamespace }: PodSettings): Owned | undefined {
  if (pool.spec.network === 'Open') return undefined
  // Where names are resolved differs from cluster to cluster: in pods, on the node, or outside.
  const names = { ports: [port('UDP', 53), port('TCP', 53)] }
  const mnemos = { to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': systemNamespace } } }] }
  const internet = { to: [{ ipBlock: { cidr: '0.0.0.0/0', except: privateRanges } }], ports: [port('TCP', 443)] }
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadataOf(pool),
    spec: {
      podSelector: { matchLabels: poolSelector(pool.metadata.name) },
      policyTypes: ['Ingress', 'Egress'],
      egress: [names, mnemos, ...(pool.spec.network === 'Sources' ? [internet] : [])],
    },
  }
}

function port(protocol: 'UDP' | 'TCP', number: number): object {
  return { protocol, port: number }
}

/**
 * The authority by which pods of a namespace know the operator and the server.
 *
 * @param bundle PEM
 * @param owners who needs it; with the last of them it goes
 */
export function caConfigMap(namespace: string, bundle: string, owners: readonly OwnerReference[] = []): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: authorityConfigMap,
      namespace,
      labels: managedByLabel,
      ...(owners.length === 0 ? {} : { ownerReferences: owners }),
    },
    data: { 'ca.crt': bundle },
  }
}

/** That ConfigMap with this pool among its owners, whoever else owns the one that is there. */
export function poolAuthority(pool: WorkerPool, bundle: string, found: ConfigMap | undefined): ConfigMap {
  const own = ownerOf(pool)
  const others = (found?.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== own.uid)
  const owners = [...others, own].sort((a, b) => (a.uid < b.uid ? -1 : 1))
  return caConfigMap(pool.metadata.namespace ?? 'default', bundle, owners)
}
