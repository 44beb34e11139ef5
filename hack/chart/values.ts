/**
 * The values of charts/mnemos: names, types, defaults and descriptions in one place. values.yaml, values.schema.json and the
 * table of the chart's README are generated from this file.
 */
import { z } from 'zod'

const quantity = z.union([z.string().regex(/^[0-9.]+(m|k|Ki|M|Mi|G|Gi|T|Ti)?$/), z.number()])
const text = z.string()
const port = z.int().min(1).max(65_535)
const labels = z.record(z.string(), z.string())
/** What Kubernetes itself judges, in its own words. */
const asInPods = z.looseObject({})
const list = z.array(asInPods)

const image = (repository: string, what: string, tag = '') =>
  z
    .strictObject({
      registry: text.default('').describe('Registry in front of the repository; global.imageRegistry when empty.'),
      repository: text.min(1).default(repository).describe('Repository.'),
      tag: text.default(tag).describe("Tag; the chart's appVersion when empty."),
      digest: z
        .string()
        .regex(/^(sha256:[a-f0-9]{64})?$/)
        .default('')
        .describe('Digest, sha256:<64 hex digits>; wins over the tag.'),
    })
    .prefault({})
    .describe(what)

const disk = 'ephemeral-storage'
const resources = (cpu: string, memory: string, limit: string, diskLimit: Readonly<Record<string, string>> = { [disk]: '512Mi' }) =>
  z
    .strictObject({
      requests: z
        .record(z.string(), quantity)
        .default({ cpu, memory, [disk]: '64Mi' })
        .describe('What the scheduler sets aside.'),
      limits: z
        .record(z.string(), quantity)
        .default({ memory: limit, ...diskLimit })
        .describe('What may not be passed.'),
    })
    .prefault({})
    .describe('Compute resources of the container.')

const placement = {
  nodeSelector: labels.default({}).describe('Nodes must have these labels.'),
  tolerations: list.default([]).describe('Taints that are tolerated.'),
  affinity: asInPods.default({}).describe('Affinity of the pods.'),
  priorityClassName: text.default('').describe('PriorityClass of the pods.'),
  podAnnotations: labels.default({}).describe('More annotations of the pods.'),
  podLabels: labels.default({}).describe('More labels of the pods.'),
  extraEnv: list.default([]).describe('More environment variables of the container.'),
}

const logLevel = z
  .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
  .default('info')
  .describe('Least level that is logged.')

const replicated = (replicas: number) => ({
  replicas: z.int().min(0).max(16).default(replicas).describe('Pods.'),
  podDisruptionBudget: z
    .strictObject({ enabled: z.boolean().default(true).describe('Keep one pod through voluntary disruptions (from two replicas on).') })
    .prefault({})
    .describe('PodDisruptionBudget.'),
})

const secretKeys = (keys: Record<string, z.ZodType>) => ({
  existingSecret: text.default('').describe('Secret of the namespace with the credentials.'),
  ...keys,
})

const stores = z
  .strictObject({
    s3: z
      .strictObject({
        endpoint: text.default('').describe('URL of an S3 server; empty with a bucket set: AWS itself.'),
        bucket: text.default('').describe('Bucket for models, inputs, outputs and logs. Empty: a folder of the single server pod.'),
        region: text.default('us-east-1').describe('Region.'),
        prefix: text.default('').describe('Put before every key, e.g. mnemos/, so that a bucket may be shared.'),
        presign: z.boolean().default(false).describe('Let workers fetch bytes from S3 itself, by URLs that expire in an hour.'),
        pathStyle: z.boolean().default(true).describe('Bucket in the path instead of the host name.'),
        ...secretKeys({
          accessKeyIdKey: text.default('accessKeyId').describe('Key of the access key ID in the Secret.'),
          secretAccessKeyKey: text.default('secretAccessKey').describe('Key of the secret access key in the Secret.'),
        }),
      })
      .prefault({})
      .describe('Where bytes are kept in production. Without credentials the SDK finds its own (a role of the pod).'),
    redis: z
      .strictObject({
        url: text
          .regex(/^(rediss?:\/\/[^@]*)?$/)
          .default('')
          .describe('redis://host:port/db or rediss://; without a password. Empty: memory of the single server pod, and of each webhook.'),
        username: text.default('').describe('User name, if the server has users.'),
        ...secretKeys({ passwordKey: text.default('password').describe('Key of the password in the Secret.') }),
      })
      .prefault({})
      .describe('Where token streams and rate limits are kept in production. maxmemory-policy must be noeviction.'),
    persistence: z
      .strictObject({
        enabled: z.boolean().default(false).describe('Keep the folder on a PersistentVolumeClaim; otherwise it goes with the pod.'),
        size: quantity.default('50Gi').describe('Size of the claim; without one, most that the folder may take of its node.'),
        storageClass: text.default('').describe("StorageClass; the cluster's default when empty."),
        existingClaim: text.default('').describe('Claim to use instead of making one.'),
      })
      .prefault({})
      .describe('The folder of the single server pod, used while stores.s3.bucket is empty.'),
    outputs: z
      .strictObject({
        retentionSeconds: z
          .int()
          .min(3600)
          .default(604_800)
          .describe('How long outputs of Jobs that are gone, and of attempts that another one came after, are kept.'),
        sweepSeconds: z
          .int()
          .min(0)
          .max(604_800)
          .default(21_600)
          .describe('From one removal of such outputs to the next; 0: they are kept for ever.'),
      })
      .prefault({})
      .describe('How long outputs are kept that nobody names any more.'),
  })
  .prefault({})
  .describe('Where bytes, streams and rate limits are kept. Only the server holds their credentials, and the webhook those of Redis.')

const tryOut = z
  .strictObject({
    redis: z
      .strictObject({
        enabled: z.boolean().default(false).describe('Bring a Redis of one replica.'),
        image: image('redis', 'Image of Redis 7 or newer.', '7.4-bookworm'),
      })
      .prefault({})
      .describe('A Redis for trying out.'),
    s3: z
      .strictObject({
        enabled: z.boolean().default(false).describe('Bring an S3 server (SeaweedFS) of one replica.'),
        image: image('chrislusf/seaweedfs', 'Image with weed.', '4.48'),
        size: quantity.default('20Gi').describe('Most bytes that it may keep on its node.'),
      })
      .prefault({})
      .describe('An S3 server for trying out.'),
    existingSecret: text
      .default('')
      .describe('Secret with accessKeyId, secretAccessKey and redisPassword; made by the operator when empty.'),
  })
  .prefault({})
  .describe('Single-replica stores on the disk of one node, for trying it out. Production names its own in stores.')

export const values = z.strictObject({
  global: z
    .strictObject({
      imageRegistry: text.default('').describe('Registry in front of every image that names none.'),
      imagePullSecrets: z
        .array(z.strictObject({ name: text.min(1) }))
        .default([])
        .describe('Secrets to pull images with.'),
    })
    .prefault({})
    .describe('What holds for every image.'),
  image: image('mnemos', 'Image of the control plane.'),
  workerImage: image('mnemos-worker', 'Image of workers.'),
  gpuWorkerImage: image('mnemos-worker-gpu', 'Image of workers of pools that ask for GPUs.'),
  imagePullPolicy: z
    .enum(['Always', 'IfNotPresent', 'Never'])
    .default('IfNotPresent')
    .describe('When images are pulled, for our pods and those that we make.'),
  crds: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Install and upgrade the CustomResourceDefinitions with this release.'),
      // Helm adds it for the chart within.
      global: asInPods.optional(),
      keep: z.boolean().default(true).describe('Keep them, and with them every object, when the release is uninstalled.'),
    })
    .prefault({})
    .describe('CustomResourceDefinitions; charts/mnemos/charts/crds is a chart of nothing else.'),
  operator: z
    .strictObject({ ...replicated(2), logLevel, resources: resources('50m', '128Mi', '512Mi'), ...placement })
    .prefault({})
    .describe('Reconciles and dispatches; one pod leads, the others wait.'),
  webhook: z
    .strictObject({
      ...replicated(2),
      logLevel,
      port: port.default(9443).describe('Port of the pods.'),
      hostNetwork: z
        .boolean()
        .default(false)
        .describe('For clusters whose API server cannot reach pods (some network plugins): use the network of the node.'),
      certificateSecret: z
        .string()
        .default('')
        .describe(
          'Secret with tls.crt, tls.key and ca.crt that somebody else keeps, e.g. a Certificate of cert-manager. Empty: an authority of our own.',
        ),
      resources: resources('50m', '96Mi', '384Mi'),
      ...placement,
    })
    .prefault({})
    .describe('Reviews every change of our objects.'),
  server: z
    .strictObject({
      ...replicated(2),
      logLevel,
      maxBodyBytes: z.int().min(1024).default(1_048_576).describe('Largest body of a request by a person.'),
      maxFileBytes: z.int().min(1).default(5_368_709_120).describe('Largest file that a person may put beside their Jobs (/v1/files).'),
      requestsPerMinute: z.int().min(0).max(100_000).default(600).describe('Most requests of one person in any minute; 0: no limit.'),
      resources: resources('50m', '192Mi', '1Gi', {}),
      serviceType: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']).default('ClusterIP').describe('Type of the Service.'),
      serviceAnnotations: labels.default({}).describe('Annotations of the Service.'),
      ...placement,
    })
    .prefault({})
    .describe('HTTP, token streams, bytes. One pod while a store is embedded, whatever replicas says.'),
  recorder: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe('Keep the logs of container Jobs beyond their pods. Without it the pod of the last attempt stays as long as its Job.'),
      ...replicated(1),
      logLevel,
      resources: resources('20m', '96Mi', '512Mi'),
      ...placement,
    })
    .prefault({})
    .describe('Stores the logs of pods. One pod is enough: what it misses while it is away it reads afterwards.'),
  stores,
  tryOut,
  externalPools: z
    .array(z.string().regex(/^[a-z0-9-]+\/[a-z0-9.-]+$/))
    .default([])
    .describe('WorkerPools (namespace/name) whose workers join from outside with a token; the operator may read their Secrets.'),
  networkPolicy: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Let our pods speak only with whom they must, in both directions.'),
      apiServerCidrs: z.array(text).default([]).describe('Addresses of the API server; any address on apiServerPorts when empty.'),
      apiServerPorts: z.array(port).default([443, 6443]).describe('Ports of the API server, as pods see it.'),
      serverFrom: list.default([]).describe('Peers that may reach the server beside workers; everyone in the cluster when empty.'),
    })
    .prefault({})
    .describe('NetworkPolicies.'),
  rbac: z
    .strictObject({ aggregate: z.boolean().default(true).describe('Add our rights to the ClusterRoles admin, edit and view.') })
    .prefault({})
    .describe('Rights of people.'),
  monitoring: z
    .strictObject({
      podMonitor: z
        .strictObject({
          enabled: z.boolean().default(false).describe('Make PodMonitors (the operator has no Service that selects all its pods).'),
          labels: labels.default({}).describe('Labels that your Prometheus selects.'),
        })
        .prefault({})
        .describe('For the Prometheus operator.'),
      rules: z
        .strictObject({
          enabled: z.boolean().default(false).describe('Make a PrometheusRule.'),
          labels: labels.default({}).describe('Labels that your Prometheus selects.'),
        })
        .prefault({})
        .describe('Alerts.'),
      dashboards: z
        .strictObject({
          enabled: z.boolean().default(false).describe('Make a ConfigMap with the dashboard.'),
          labels: labels.default({ grafana_dashboard: '1' }).describe("Labels that Grafana's sidecar selects."),
        })
        .prefault({})
        .describe('For Grafana.'),
      tracing: z
        .strictObject({
          endpoint: text
            .regex(/^(https?:\/\/[^@]*)?$/)
            .default('')
            .describe(
              'Base URL of an OpenTelemetry collector (OTLP over HTTP) that reviews are traced to, e.g. http://collector.observability:4318. Empty: none are.',
            ),
          samplePercent: z
            .int()
            .min(0)
            .max(100)
            .default(100)
            .describe('How many reviews of a hundred are traced where the API server has not decided.'),
        })
        .prefault({})
        .describe('For OpenTelemetry.'),
    })
    .prefault({})
    .describe('Monitoring.'),
  demo: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .describe('Let the operator create the quickstart (a pool, a Model, a Job) once the webhook serves.'),
      namespace: text.min(1).default('default').describe('Namespace of the quickstart.'),
      modelUri: text.default('').describe('Where its model comes from.'),
      modelDigest: text.default('').describe('sha256:… that the model must have.'),
    })
    .prefault({})
    .describe('The quickstart.'),
})

export type Values = z.output<typeof values>
