/** Every render of the chart in a matrix of values: accepted whole by a real API server, equal each time, fit for `restricted`. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { helmPrograms } from '@mnemos/cluster'
import { eventually, startTestCluster } from '@mnemos/testkit'
import { parseAllDocuments } from 'yaml'

const run = promisify(execFile)
const chart = join(import.meta.dirname, '../../charts/mnemos')
const helms = await helmPrograms()
const cluster = await startTestCluster({ controllers: true })
const system = 'mnemos-system'
await cluster.kubectlRun(['create', 'namespace', system])
await cluster.kubectlRun(['label', 'namespace', system, 'pod-security.kubernetes.io/enforce=restricted'])
await eventually(
  async () =>
    (await cluster.kubectlRun(['get', 'serviceaccount', 'default', '-n', system, '--ignore-not-found', '-o', 'name'])).stdout !== '',
)

const tryOut = ['tryOut.s3.enabled=true', 'tryOut.redis.enabled=true']
const matrix: Record<string, readonly string[]> = {
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
  'two recorders': ['recorder.replicas=2', 'networkPolicy.serverFrom[0].podSelector.matchLabels.app=portal'],
  'no recorder': ['recorder.enabled=false'],
  'the network of the node for the webhook': ['webhook.hostNetwork=true', 'webhook.port=10443'],
}

async function render(helm: string, values: readonly string[]): Promise<string> {
  const { stdout } = await run(helm, ['template', 'mnemos', chart, '--namespace', system, ...values.flatMap((value) => ['--set', value])], {
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout
}

for (const [sentence, values] of Object.entries(matrix)) {
  test(`the chart with ${sentence}`, async () => {
    const manifest = await render(helms.v4, values)
    assert.equal(await render(helms.v4, values), manifest, 'a second render is another one')
    // Unknown fields are errors here; the API server drops them elsewhere.
    await cluster.kubectlRun(['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'], manifest)
  })
}

test('Helm 3 and Helm 4 render the same objects', async () => {
  const [three, four] = await Promise.all([render(helms.v3, tryOut), render(helms.v4, tryOut)])
  assert.deepEqual(objectsOf(three), objectsOf(four))
})

test('a CRD stays when the release goes unless that is said', async () => {
  const policies = (manifest: string): unknown[] =>
    objectsOf(manifest)
      .filter(({ kind }) => kind === 'CustomResourceDefinition')
      .map(({ metadata }) => metadata.annotations?.['helm.sh/resource-policy'])
  assert.ok(policies(await render(helms.v4, [])).every((policy) => policy === 'keep'))
  assert.ok(policies(await render(helms.v4, ['crds.keep=false'])).every((policy) => policy === undefined))
})

test('every object carries the standard labels, and every container of ours requests and limits', async () => {
  for (const object of objectsOf(await render(helms.v4, tryOut))) {
    const about = `${object.kind} ${object.metadata.name}`
    for (const label of ['name', 'instance', 'version', 'managed-by', 'part-of'])
      assert.ok(object.metadata.labels?.[`app.kubernetes.io/${label}`] !== undefined, `${about} lacks ${label}`)
    for (const container of containersOf(object)) {
      assert.ok(container.resources?.requests !== undefined && container.resources.limits !== undefined, `${about}: ${container.name}`)
      assert.equal(container.securityContext?.readOnlyRootFilesystem, true, about)
    }
  }
})

test('no rule grants Secrets of other namespaces, and none grants everything', async () => {
  for (const { kind, metadata, rules = [] } of objectsOf(await render(helms.v4, tryOut))) {
    for (const { resources = [], verbs = [] } of rules) {
      assert.ok(!verbs.includes('*') && !resources.includes('*'), `${kind} ${metadata.name} grants everything`)
      if (kind === 'ClusterRole') assert.ok(!resources.includes('secrets'), `${metadata.name} grants Secrets everywhere`)
    }
  }
})

test('wrong values are refused with their path', async () => {
  await assert.rejects(render(helms.v4, ['operator.replicas=abc']), /operator\/replicas.*want integer/s)
  await assert.rejects(render(helms.v4, ['image.digest=latest']), /image\/digest/)
  await assert.rejects(render(helms.v4, ['no.such.value=1']), /'no' not allowed/)
  await assert.rejects(render(helms.v4, ['demo.enabled=true']), /demo\.modelUri: name where/)
  await assert.rejects(run(helms.v4, ['template', 'mnemos', chart, '--kube-version', '1.31.9']), /requires kubeVersion: >=1\.32/)
})

interface Rendered {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> }
  readonly rules?: readonly { readonly resources?: readonly string[]; readonly verbs?: readonly string[] }[]
  readonly spec?: { readonly template?: { readonly spec?: PodSpec } } & PodSpec
}
interface PodSpec {
  readonly containers?: readonly {
    readonly name: string
    readonly resources?: { readonly requests?: object; readonly limits?: object }
    readonly securityContext?: { readonly readOnlyRootFilesystem?: boolean }
  }[]
}

function objectsOf(manifest: string): Rendered[] {
  return parseAllDocuments(manifest)
    .map((document) => document.toJS() as Rendered | null) // made by our templates
    .filter((object) => object !== null)
}

function containersOf({ spec }: Rendered): NonNullable<PodSpec['containers']> {
  return spec?.template?.spec?.containers ?? spec?.containers ?? []
}
