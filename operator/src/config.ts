/** The operator's settings: read from the environment once, checked as a whole, printed by `--help` from the descriptions here. */
import type { DemoSettings, PodSettings, SidecarSettings } from '@mnemos/domain'
import { type Credentials, inClusterCredentials } from '@mnemos/kube'
import { z } from 'zod'

const port = z.coerce.number().int().min(0).max(65_535)
const image = z.string().min(1).max(512).optional()
const durationMs = z.coerce.number().int().min(1)
const minute = 60_000
const day = 24 * 60 * minute
const isTrue = z.enum(['true', 'false']).transform((text) => text === 'true')
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== ''),
)

export const operatorSettings = z.object({
  MNEMOS_SYSTEM_NAMESPACE: z
    .string()
    .min(1)
    .default('mnemos-system')
    .describe('Namespace of MNEMOS itself: the Lease and the signing key are there.'),
  MNEMOS_LEASE_NAME: z.string().min(1).default('mnemos-operator').describe('Name of the Lease that decides who leads.'),
  MNEMOS_IDENTITY: z.string().optional().describe('Name of this process in the Lease; made up when absent.'),
  MNEMOS_DISPATCH_HOST: z.string().min(1).default('127.0.0.1').describe('Address on which workers connect; 0.0.0.0 in a cluster.'),
  MNEMOS_DISPATCH_PORT: port.default(9090).describe('Port on which workers connect (gRPC); 0 picks a free one.'),
  MNEMOS_HEALTH_PORT: port.default(9441).describe('Port for /healthz, /readyz and /metrics (HTTP); 0 picks a free one.'),
  MNEMOS_SERVER_URL: z.string().min(1).default('http://127.0.0.1:8080').describe('URL of the server that workers are told to use.'),
  MNEMOS_LEASE_MS: durationMs.default(15_000).describe('How long leadership holds without renewal.'),
  MNEMOS_LEASE_RENEW_MS: durationMs.default(10_000).describe('A leader that could not renew for this long gives up.'),
  MNEMOS_LEASE_RETRY_MS: durationMs.default(2000).describe('How often the Lease is tried.'),
  MNEMOS_LEASE_FENCE_MS: durationMs.default(6000).describe('No write goes out with less than this left of the Lease.'),
  MNEMOS_HEARTBEAT_MS: durationMs.default(10_000).describe('How often a worker is to be heard.'),
  MNEMOS_SUSPECT_MS: durationMs.default(30_000).describe('Silence after which a worker gets no new work.'),
  MNEMOS_OFFLINE_MS: durationMs.default(60_000).describe("Silence after which a worker's attempts are given to others."),
  MNEMOS_PROBE_MS: durationMs
    .default(2000)
    .describe('How long a worker has to answer before another process of its name takes its place; at most half of the time of suspicion.'),
  MNEMOS_DERIVED_STATUS_MS: durationMs.default(5000).describe('Least time between two writes of counts to one object.'),
  MNEMOS_DISPATCH_ADDRESS: z
    .string()
    .regex(/^[^\s:]+:\d+$/)
    .optional()
    .describe('host:port on which worker pods find the leading operator. Default: Service mnemos-dispatch of the system namespace.'),
  MNEMOS_WORKER_IMAGE: image.describe('Image of the workers that WorkerPools start; without it a pool must name its own.'),
  MNEMOS_GPU_WORKER_IMAGE: image.describe('Image of workers that are given a device. Default: that of the others.'),
  MNEMOS_SIDECAR_IMAGE: image.describe('Image that brings the inputs and takes the outputs of container Jobs: that of the control plane.'),
  MNEMOS_SIDECAR_UPLOAD_SECONDS: z.coerce
    .number()
    .int()
    .min(30)
    .max(86_400)
    .default(600)
    .describe('How long the outputs of a container may take to be stored once it has ended.'),
  MNEMOS_SIDECAR_MAX_OUTPUT_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    .default(10 * 1024 ** 3)
    .describe('Largest output of a container, in bytes.'),
  MNEMOS_IMAGE_PULL_POLICY: z
    .enum(['Always', 'IfNotPresent', 'Never'])
    .default('IfNotPresent')
    .describe('When the images of pods that the operator makes are pulled.'),
  MNEMOS_IMAGE_PULL_SECRETS: list
    .default([])
    .describe("Secrets for pulling those images, separated by commas; they must exist in the pods' namespaces."),
  MNEMOS_WORKER_FILE_ROOT: z
    .string()
    .regex(/^\//)
    .optional()
    .describe('Folder in the workers that file:// sources are found below; for demos and tests. None are imported without it.'),
  MNEMOS_POD_IP: z
    .union([z.ipv4(), z.ipv6()])
    .optional()
    .describe('Address of this pod: while it leads, the Service mnemos-dispatch points there. Absent outside a cluster.'),
  MNEMOS_POD_NAME: z.string().min(1).optional().describe('Name of this pod, shown in the EndpointSlice of dispatch.'),
  MNEMOS_INTERNAL_TLS: isTrue
    .default(false)
    .describe('Serve dispatch over TLS, and keep the authority and the certificates of dispatch and server; true in a cluster.'),
  MNEMOS_INTERNAL_AUTHORITY_LIFE_MS: durationMs.default(365 * day).describe('Life of the internal authority; replaced after two thirds.'),
  MNEMOS_INTERNAL_LEAF_LIFE_MS: durationMs.default(7 * day).describe('Life of the certificates that it signs; replaced after two thirds.'),
  MNEMOS_INTERNAL_OVERLAP_MS: durationMs
    .default(60 * minute)
    .describe('How long a new authority is trusted before it signs, and an old one after; longer than any volume takes to be refreshed.'),
  MNEMOS_INTERNAL_REFRESH_MS: durationMs.default(minute).describe('How often the certificates are looked at.'),
  MNEMOS_DISPATCH_TLS_HOSTS: list
    .default([])
    .describe('More names and addresses by which workers dial dispatch, separated by commas: of a load balancer, for external pools.'),
  MNEMOS_SERVER_TLS_HOSTS: list
    .default(['localhost', '127.0.0.1'])
    .describe('More names and addresses by which the server is dialled, separated by commas. Default: those of a port-forward.'),
  MNEMOS_DEMO_NAMESPACE: z
    .string()
    .min(1)
    .max(63)
    .optional()
    .describe('Namespace to make the quickstart in, once; none is made without it.'),
  MNEMOS_DEMO_MODEL_URI: z
    .string()
    .min(1)
    .max(2048)
    .optional()
    .describe('Where the model of the quickstart comes from; needed with MNEMOS_DEMO_NAMESPACE.'),
  MNEMOS_DEMO_MODEL_DIGEST: z
    .string()
    .regex(/^sha256:[a-f0-9]{64}$/)
    .optional()
    .describe('SHA-256 that its bytes must have. Absent: whatever is found is pinned.'),
  MNEMOS_POD_LOGS: z
    .enum(['kept', 'recorded'])
    .default('kept')
    .describe(
      'recorded: a recorder stores the logs of container Jobs, and ended pods go when it has. kept: the last pod of a Job stays with it.',
    ),
  MNEMOS_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least level that is logged.'),
})

export interface TlsConfig {
  readonly authorityLifeMs: number
  readonly leafLifeMs: number
  readonly overlapMs: number
  readonly refreshMs: number
  readonly dispatchHosts: readonly string[]
  readonly serverHosts: readonly string[]
}

/** What programs of ours in the pods of Jobs are made from. */
export type SidecarConfig = Omit<SidecarSettings, 'authority'> & {
  /** The server is reached over TLS: no sidecar starts before the authority is published. */
  readonly needsAuthority: boolean
}

export interface OperatorConfig {
  readonly systemNamespace: string
  readonly leaseName: string
  readonly identity: string
  readonly dispatchHost: string
  readonly dispatchPort: number
  readonly healthPort: number
  readonly serverUrl: string
  readonly lease: { readonly leaseMs: number; readonly renewMs: number; readonly retryMs: number; readonly fenceMs: number }
  readonly heartbeatMs: number
  readonly suspectMs: number
  readonly offlineMs: number
  readonly probeMs: number
  readonly derivedStatusMs: number
  /** Absent outside a cluster: nobody is pointed here. */
  readonly pod?: { readonly ip: string; readonly name: string | undefined }
  /** Absent: dispatch is in the clear, for one machine. */
  readonly tls?: TlsConfig
  readonly logLevel: string
  /** The quickstart, if it is to be made. */
  readonly demo?: DemoSettings
  /** What the pods are made from that WorkerPools ask for. */
  readonly pods: PodSettings
  readonly sidecar: SidecarConfig
  /** A recorder stores the logs of container Jobs. */
  readonly recordsLogs: boolean
}

/** @throws z.ZodError that names every setting that is wrong, or Error when they contradict one another */
export function parseOperatorConfig(
  env: Readonly<Record<string, string | undefined>>,
  overrides: Partial<OperatorConfig> = {},
): OperatorConfig {
  const settings = operatorSettings.parse(env)
  const config: OperatorConfig = {
    systemNamespace: settings.MNEMOS_SYSTEM_NAMESPACE,
    leaseName: settings.MNEMOS_LEASE_NAME,
    identity: settings.MNEMOS_IDENTITY ?? `operator-${crypto.randomUUID()}`,
    dispatchHost: settings.MNEMOS_DISPATCH_HOST,
    dispatchPort: settings.MNEMOS_DISPATCH_PORT,
    healthPort: settings.MNEMOS_HEALTH_PORT,
    serverUrl: settings.MNEMOS_SERVER_URL,
    lease: {
      leaseMs: settings.MNEMOS_LEASE_MS,
      renewMs: settings.MNEMOS_LEASE_RENEW_MS,
      retryMs: settings.MNEMOS_LEASE_RETRY_MS,
      fenceMs: settings.MNEMOS_LEASE_FENCE_MS,
    },
    heartbeatMs: settings.MNEMOS_HEARTBEAT_MS,
    suspectMs: settings.MNEMOS_SUSPECT_MS,
    offlineMs: settings.MNEMOS_OFFLINE_MS,
    probeMs: Math.min(settings.MNEMOS_PROBE_MS, settings.MNEMOS_SUSPECT_MS / 2),
    derivedStatusMs: settings.MNEMOS_DERIVED_STATUS_MS,
    ...(settings.MNEMOS_POD_IP === undefined ? {} : { pod: { ip: settings.MNEMOS_POD_IP, name: settings.MNEMOS_POD_NAME } }),
    ...(settings.MNEMOS_INTERNAL_TLS ? { tls: tlsOf(settings) } : {}),
    logLevel: settings.MNEMOS_LOG_LEVEL,
    ...(settings.MNEMOS_DEMO_NAMESPACE === undefined ? {} : { demo: demoOf(settings.MNEMOS_DEMO_NAMESPACE, settings) }),
    sidecar: {
      image: settings.MNEMOS_SIDECAR_IMAGE,
      workerImage: settings.MNEMOS_WORKER_IMAGE,
      gpuWorkerImage: settings.MNEMOS_GPU_WORKER_IMAGE,
      imagePullSecrets: settings.MNEMOS_IMAGE_PULL_SECRETS,
      imagePullPolicy: settings.MNEMOS_IMAGE_PULL_POLICY,
      serverUrl: settings.MNEMOS_SERVER_URL,
      needsAuthority: settings.MNEMOS_INTERNAL_TLS,
      uploadSeconds: settings.MNEMOS_SIDECAR_UPLOAD_SECONDS,
      maxOutputBytes: settings.MNEMOS_SIDECAR_MAX_OUTPUT_BYTES,
    },
    recordsLogs: settings.MNEMOS_POD_LOGS === 'recorded',
    pods: {
      needsAuthority: settings.MNEMOS_INTERNAL_TLS,
      workerImage: settings.MNEMOS_WORKER_IMAGE,
      gpuWorkerImage: settings.MNEMOS_GPU_WORKER_IMAGE,
      imagePullPolicy: settings.MNEMOS_IMAGE_PULL_POLICY,
      imagePullSecrets: settings.MNEMOS_IMAGE_PULL_SECRETS,
      dispatchAddress: settings.MNEMOS_DISPATCH_ADDRESS ?? `mnemos-dispatch.${settings.MNEMOS_SYSTEM_NAMESPACE}.svc:9090`,
      systemNamespace: settings.MNEMOS_SYSTEM_NAMESPACE,
      fileRoot: settings.MNEMOS_WORKER_FILE_ROOT,
    },
    ...overrides,
  }
  const { leaseMs, renewMs, retryMs, fenceMs } = config.lease
  if (!(retryMs < renewMs && renewMs < leaseMs && fenceMs < leaseMs))
    throw new Error('lease times must be retry < renew < lease, and fence < lease')
  if (!(config.heartbeatMs < config.suspectMs && config.suspectMs < config.offlineMs))
    throw new Error('worker times must be heartbeat < suspect < offline')
  if (config.tls !== undefined && config.tls.refreshMs > config.tls.overlapMs)
    throw new Error('MNEMOS_INTERNAL_REFRESH_MS must not exceed MNEMOS_INTERNAL_OVERLAP_MS: a new authority could sign unknown')
  return config
}

function tlsOf(settings: z.output<typeof operatorSettings>): TlsConfig {
  return {
    authorityLifeMs: settings.MNEMOS_INTERNAL_AUTHORITY_LIFE_MS,
    leafLifeMs: settings.MNEMOS_INTERNAL_LEAF_LIFE_MS,
    overlapMs: settings.MNEMOS_INTERNAL_OVERLAP_MS,
    refreshMs: settings.MNEMOS_INTERNAL_REFRESH_MS,
    dispatchHosts: settings.MNEMOS_DISPATCH_TLS_HOSTS,
    serverHosts: settings.MNEMOS_SERVER_TLS_HOSTS,
  }
}

/** What the process finds around it in a pod. @throws when this is no pod, or a setting is wrong */
export function operatorSurroundings(): { readonly config: OperatorConfig; readonly credentials: Credentials } {
  return { config: parseOperatorConfig(process.env), credentials: inClusterCredentials(process.env) }
}

function demoOf(namespace: string, settings: z.output<typeof operatorSettings>): DemoSettings {
  const { MNEMOS_DEMO_MODEL_URI: modelUri, MNEMOS_DEMO_MODEL_DIGEST: modelDigest } = settings
  if (modelUri === undefined)
    throw new Error('MNEMOS_DEMO_NAMESPACE asks for the demo; say with MNEMOS_DEMO_MODEL_URI where its model comes from')
  return { namespace, modelUri, modelDigest }
}
