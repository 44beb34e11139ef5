/** The chart in a matrix of values, rendered by Helm. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { goModule } from './go-tools.fixture.ts'

const run = promisify(execFile)
export const chart = join(import.meta.dirname, '../../charts/mnemos')
export const system = 'mnemos-system'

/** Files of the kinds of the Prometheus operator that the chart may make. */
export async function monitoringKinds(): Promise<readonly string[]> {
  const folder = join(await goModule('github.com/prometheus-operator/prometheus-operator@v0.85.0'), 'example/prometheus-operator-crd')
  return ['podmonitors', 'prometheusrules'].map((plural) => join(folder, `monitoring.coreos.com_${plural}.yaml`))
}

/** The stores for trying out. */
export const tryOut = ['tryOut.s3.enabled=true', 'tryOut.redis.enabled=true']
/** Values that a render must hold for, each with a sentence. */
export const matrix: Readonly<Record<string, readonly string[]>> = {
  'its defaults': [],
  'stores for trying out': tryOut,
  'stores of production': [
    'stores.s3.bucket=b,stores.s3.endpoint=https://s3.example.com:9000,stores.s3.existingSecret=s3',
    'stores.redis.url=rediss://redis.example.com:6380/1,stores.redis.existingSecret=redis,stores.redis.username=mnemos',
  ],
  'a volume for the embedded store': ['stores.persistence.enabled=true', 'stores.persistence.storageClass=fast'],
  'one replica of everything': ['operator.replicas=1', 'webhook.replicas=1', 'server.replicas=1', ...tryOut],
  'images by digest from a registry, with a Secret': [
    'global.imageRegistry=registry.example.com',
    'global.imagePullSecrets[0].name=pull',
    `image.digest=sha256:${'a'.repeat(64)}`,
  ],
  'everything that can be placed': [
    'operator.nodeSelector.zone=a',
    'webhook.tolerations[0].key=dedicated,webhook.tolerations[0].operator=Exists',
    'server.priorityClassName=system-cluster-critical',
    'operator.podAnnotations.a=b,server.podLabels.c=d',
  ],
  'external pools, a demo, a CIDR of the API server': [
    'externalPools={default/local,team/lab}',
    'demo.enabled=true,demo.modelUri=https://example.com/model.gguf',
    'networkPolicy.apiServerCidrs={10.0.0.1/32}',
  ],
  'no CRDs, no policies, no aggregation': ['crds.enabled=false', 'networkPolicy.enabled=false', 'rbac.aggregate=false'],
  'monitoring by the Prometheus operator': [
    'monitoring.tracing.endpoint=http://collector.observability:4318,monitoring.tracing.samplePercent=10,monitoring.podMonitor.enabled=true,monitoring.podMonitor.labels.release=prometheus',
    'monitoring.rules.enabled=true,monitoring.dashboards.enabled=true',
  ],
  'two recorders': ['recorder.replicas=2', 'networkPolicy.serverFrom[0].podSelector.matchLabels.app=portal'],
  'no recorder': ['recorder.enabled=false'],
  'the network of the node for the webhook': ['webhook.hostNetwork=true', 'webhook.port=10443'],
}

/** @param values each goes to --set */
export async function render(helm: string, values: readonly string[], flags: readonly string[] = []): Promise<string> {
  const args = ['template', 'mnemos', chart, '--namespace', system, ...values.flatMap((value) => ['--set', value]), ...flags]
  return (await run(helm, args, { maxBuffer: 64 * 1024 * 1024 })).stdout
}

export interface Rendered {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> }
  readonly rules?: readonly { readonly resources?: readonly string[]; readonly verbs?: readonly string[] }[]
  readonly spec?: { readonly template?: { readonly spec?: PodSpec } } & PodSpec
}
export interface PodSpec {
  readonly containers?: readonly {
    readonly name: string
    readonly env?: readonly { readonly name: string }[]
    readonly resources?: { readonly requests?: object; readonly limits?: object }
    readonly securityContext?: { readonly readOnlyRootFilesystem?: boolean }
  }[]
}

export function objectsOf(manifest: string): Rendered[] {
  return parseAllDocuments(manifest)
    .map((document) => document.toJS() as Rendered | null) // made by our templates
    .filter((object) => object !== null)
}

export function containersOf({ spec }: Rendered): NonNullable<PodSpec['containers']> {
  return spec?.template?.spec?.containers ?? spec?.containers ?? []
}
