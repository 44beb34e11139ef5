/**
 * The pod of one worker: what the pool asks for, laid under what makes a pod a worker. Fit for Pod Security `restricted`; holds
 * no credential but a token that says which pod it is, good for MNEMOS alone.
 */
import type { ContainerResources, WorkerPool, WorkerPoolSpec } from '@mnemos/api'
import { amountOf } from '../applied.ts'
import { present } from '../reading.ts'
import { poolChildName, poolLabels } from './pool-names.ts'

/** What the operator was told about the pods that it makes. */
export interface PodSettings {
  /** Image of CPU workers; undefined: the operator can make no pods. */
  readonly workerImage: string | undefined
  /** Image of workers that are given a device. */
  readonly gpuWorkerImage: string | undefined
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never'
  readonly imagePullSecrets: readonly string[]
  /** host:port on which workers find the operator that leads. */
  readonly dispatchAddress: string
  readonly systemNamespace: string
  /** Pods need an authority to trust: none are made before it is published. */
  readonly needsAuthority: boolean
  /** Folder in the image below which file:// sources are found; undefined: none are imported. */
  readonly fileRoot: string | undefined
}

/** Of the room for models and results, this much is for models. */
const modelShare = 0.9
const defaultCacheSize = '20Gi'
const defaultRequests = { cpu: '500m', memory: '1Gi' }
const healthPort = 9442
/** A worker hands back what it runs this long before the kubelet would end it. */
const handBackSeconds = 10
const user = 65_532

const paths = {
  state: '/var/lib/mnemos',
  cache: '/var/lib/mnemos/cache',
  token: '/var/run/secrets/mnemos',
  authority: '/etc/mnemos/ca',
} as const

/** Audience of the token by which a worker pod says which pod it is. */
export const podTokenAudience = 'mnemos'
/** ConfigMap with the authority that signed the operator's and the server's certificates, in every namespace that has our pods. */
export const authorityConfigMap = 'mnemos-ca'

export interface PodTemplateSpec {
  readonly metadata: { readonly labels: Readonly<Record<string, string>>; readonly annotations?: Readonly<Record<string, string>> }
  readonly spec: Readonly<Record<string, unknown>>
}

/** Whether a worker is given a device: an extended resource, or a claim. */
export function usesDevices({ resources, resourceClaims }: Partial<Pick<WorkerPoolSpec, 'resources' | 'resourceClaims'>>): boolean {
  const names = Object.keys({ ...resources?.requests, ...resources?.limits })
  return (resourceClaims ?? []).length > 0 || names.some(isDevice)
}

/** Extended resources are named after their maker. */
function isDevice(resource: string): boolean {
  return resource.includes('/') && !resource.startsWith('kubernetes.io/')
}

/** The image of the pool's workers, or undefined when nobody has named one. */
export function imageOf({ spec }: WorkerPool, { workerImage, gpuWorkerImage }: PodSettings): string | undefined {
  return spec.podTemplate?.image ?? (usesDevices(spec) ? (gpuWorkerImage ?? workerImage) : workerImage)
}

/** @param trustsAuthority whether the ConfigMap with the authority is there to be mounted */
export function workerPodTemplate(pool: WorkerPool, settings: PodSettings, image: string, trustsAuthority: boolean): PodTemplateSpec {
  const { spec, metadata } = pool
  const overlay = spec.podTemplate ?? {}
  const { affinity, nodeSelector, tolerations, topologySpreadConstraints, runtimeClassName, priorityClassName, schedulerName } = overlay
  const placing = { affinity, nodeSelector, tolerations, topologySpreadConstraints, runtimeClassName, priorityClassName, schedulerName }
  const annotations = { ...overlay.annotations, 'kubectl.kubernetes.io/default-container': 'worker' }
  const pullSecrets = [...new Set([...settings.imagePullSecrets, ...(overlay.imagePullSecrets ?? []).map(({ name }) => name)])]
  return {
    metadata: { labels: { ...overlay.labels, ...poolLabels(metadata.name) }, annotations },
    spec: {
      ...present(placing),
      serviceAccountName: overlay.serviceAccountName ?? poolChildName(metadata.name),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: user,
        runAsGroup: user,
        fsGroup: user,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
      ...(pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
      ...(spec.resourceClaims === undefined ? {} : { resourceClaims: spec.resourceClaims }),
      containers: [workerContainer(pool, settings, image, trustsAuthority)],
      volumes: volumesOf(spec, trustsAuthority),
    },
  }
}

function workerContainer(pool: WorkerPool, settings: PodSettings, image: string, trustsAuthority: boolean): object {
  return {
    name: 'worker',
    image,
    imagePullPolicy: settings.imagePullPolicy,
    args: ['worker'],
    env: environmentOf(pool, settings, trustsAuthority),
    ports: [{ name: 'health', containerPort: healthPort, protocol: 'TCP' }],
    resources: {
      ...containerResources(pool.spec.resources ?? { requests: defaultRequests }),
      ...claimsOf(pool.spec),
    },
    // A worker that has no stream takes no Jobs; it is alive all the same, and comes back when an operator leads again.
    startupProbe: { httpGet: { path: '/healthz', port: 'health' }, periodSeconds: 2, failureThreshold: 60 },
    readinessProbe: { httpGet: { path: '/readyz', port: 'health' }, periodSeconds: 5, failureThreshold: 3 },
    livenessProbe: { httpGet: { path: '/healthz', port: 'health' }, periodSeconds: 20, timeoutSeconds: 5, failureThreshold: 6 },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    volumeMounts: [
      { name: 'state', mountPath: paths.state },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'token', mountPath: paths.token, readOnly: true },
      ...(trustsAuthority ? [{ name: 'authority', mountPath: paths.authority, readOnly: true }] : []),
    ],
  }
}

function environmentOf({ metadata, spec }: WorkerPool, settings: PodSettings, trustsAuthority: boolean): readonly object[] {
  const given = spec.podTemplate?.env ?? []
  const suggested = settings.fileRoot === undefined ? [] : [{ name: 'MNEMOS_WORKER_FILE_ROOT', value: settings.fileRoot }]
  const graceMs = (spec.terminationGracePeriodSeconds - handBackSeconds) * 1000
  const cacheBytes = Math.floor((amountOf(spec.cache?.sizeLimit ?? defaultCacheSize) ?? 0) * modelShare)
  const fixed: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[] = [
    { name: 'MNEMOS_WORKER_OPERATOR', value: settings.dispatchAddress },
    { name: 'MNEMOS_WORKER_POOL', value: `${metadata.namespace ?? 'default'}/${metadata.name}` },
    { name: 'MNEMOS_WORKER_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'MNEMOS_WORKER_POD_TOKEN_FILE', value: `${paths.token}/token` },
    ...(trustsAuthority ? [{ name: 'MNEMOS_WORKER_CA_FILE', value: `${paths.authority}/ca.crt` }] : []),
    { name: 'MNEMOS_WORKER_CACHE_DIR', value: paths.cache },
    { name: 'MNEMOS_WORKER_CACHE_BYTES', value: String(Math.max(1, cacheBytes)) },
    { name: 'MNEMOS_WORKER_SLOTS', value: String(spec.slots) },
    { name: 'MNEMOS_WORKER_GRACE_MS', value: String(graceMs) },
    { name: 'MNEMOS_WORKER_HEALTH_HOST', value: '0.0.0.0' },
    { name: 'MNEMOS_WORKER_HEALTH_PORT', value: String(healthPort) },
  ]
  const taken = new Set(fixed.map(({ name }) => name))
  const kept = given.filter(({ name }) => !taken.has(name))
  const named = new Set(kept.map(({ name }) => name))
  return [...fixed, ...suggested.filter(({ name }) => !named.has(name)), ...kept]
}

/** Devices are asked for in whole and never shared, so their limit is their request. */
export function containerResources(resources: ContainerResources): object {
  const requests = texts(resources.requests ?? {})
  const devices = Object.fromEntries(Object.entries(requests).filter(([name]) => isDevice(name)))
  const limits = { ...devices, ...texts(resources.limits ?? {}) }
  return {
    ...(Object.keys(requests).length === 0 ? {} : { requests }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  }
}

function claimsOf({ resourceClaims = [] }: WorkerPoolSpec): object {
  return resourceClaims.length === 0 ? {} : { claims: resourceClaims.map(({ name }) => ({ name })) }
}

function volumesOf({ cache }: WorkerPoolSpec, trustsAuthority: boolean): readonly object[] {
  const sizeLimit = String(cache?.sizeLimit ?? defaultCacheSize)
  const { volumeClaim } = cache ?? {}
  const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: sizeLimit } }, ...present({ ...volumeClaim }) }
  return [
    volumeClaim === undefined
      ? { name: 'state', emptyDir: { sizeLimit } }
      : { name: 'state', ephemeral: { volumeClaimTemplate: { spec: claim } } },
    { name: 'tmp', emptyDir: {} },
    {
      name: 'token',
      projected: { sources: [{ serviceAccountToken: { audience: podTokenAudience, expirationSeconds: 3600, path: 'token' } }] },
    },
    ...(trustsAuthority ? [{ name: 'authority', configMap: { name: authorityConfigMap } }] : []),
  ]
}

function texts(amounts: Readonly<Record<string, number | string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, String(amount)]))
}
