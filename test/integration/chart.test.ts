/** Every render of the chart in a matrix of values: accepted whole by a real API server, equal each time, fit for `restricted`. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { helmPrograms } from '@mnemos/cluster'
import { eventually, startTestCluster } from '@mnemos/testkit'
import { chart, containersOf, matrix, monitoringKinds, objectsOf, render, system, tryOut } from './chart.fixture.ts'

const run = promisify(execFile)
const helms = await helmPrograms()
const cluster = await startTestCluster({ controllers: true })
await cluster.kubectlRun(['create', 'namespace', system])
await cluster.kubectlRun(['label', 'namespace', system, 'pod-security.kubernetes.io/enforce=restricted'])
await eventually(
  async () =>
    (await cluster.kubectlRun(['get', 'serviceaccount', 'default', '-n', system, '--ignore-not-found', '-o', 'name'])).stdout !== '',
)

await cluster.kubectlRun(['apply', '--server-side', ...(await monitoringKinds()).flatMap((path) => ['-f', path])])

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

test('an image is named by registry, repository and digest, which wins over a tag', async () => {
  const digest = `sha256:${'a'.repeat(64)}`
  const values = [
    'global.imageRegistry=registry.example.com',
    `image.digest=${digest}`,
    'image.tag=unused',
    'workerImage.registry=other.example.com',
  ]
  const manifest = await render(helms.v4, values)
  assert.ok(manifest.includes(`image: registry.example.com/mnemos@${digest}\n`))
  assert.match(manifest, /value: other\.example\.com\/mnemos-worker:0\.1\.0/)
  assert.doesNotMatch(manifest, /unused/)
})

test('by default nothing is brought along but our own processes, and no render holds a credential', async () => {
  const kindsOf = async (values: readonly string[]): Promise<string[]> => objectsOf(await render(helms.v4, values)).map(({ kind }) => kind)
  assert.ok(!(await kindsOf([])).includes('StatefulSet'))
  for (const values of Object.values(matrix)) assert.ok(!(await kindsOf(values)).includes('Secret'))
  const given = await render(helms.v4, matrix['stores of production'] ?? [])
  for (const secret of ['s3', 'redis']) assert.match(given, new RegExp(`secretKeyRef:\\s+key: \\w+\\s+name: ${secret}\\n`))
})

test('no webhook and no certificate of one is part of a release: the process registers itself', async () => {
  const manifest = await render(helms.v4, [])
  assert.doesNotMatch(manifest, /caBundle/)
  assert.ok(!objectsOf(manifest).some(({ kind }) => kind.endsWith('WebhookConfiguration')))
})

// The operator cancels the Jobs of a cancelled run, of which else only that may change, and moves the alias that a step publishes.
test('no right lets a process change what people say of Jobs and Models, but the operator a field of them', async () => {
  for (const { kind, metadata, rules = [] } of objectsOf(await render(helms.v4, [])).filter(
    ({ metadata: { name } }) => !name.includes(':'),
  ))
    for (const { resources = [], verbs = [] } of rules)
      if (resources.includes('mnemosjobs') || resources.includes('mnemosmodels')) {
        assert.ok(!verbs.includes('update'), `${kind} ${metadata.name}`)
        assert.ok(!verbs.includes('patch') || metadata.name === 'mnemos-operator', `${kind} ${metadata.name}`)
      }
})

test('versions of cloud providers are let in', async () => {
  await run(helms.v4, ['template', 'mnemos', chart, '--kube-version', 'v1.32.4-gke.1'])
})

test('wrong values are refused with their path', async () => {
  await assert.rejects(render(helms.v4, ['operator.replicas=abc']), /operator\/replicas.*want integer/s)
  await assert.rejects(render(helms.v4, ['image.digest=latest']), /image\/digest/)
  await assert.rejects(render(helms.v4, ['no.such.value=1']), /'no' not allowed/)
  await assert.rejects(render(helms.v4, ['demo.enabled=true']), /demo\.modelUri: name where/)
  await assert.rejects(run(helms.v4, ['template', 'mnemos', chart, '--kube-version', '1.31.9']), /requires kubeVersion: >=1\.32/)
})

test('the webhook is given the Redis that the server has, and let through to it', async () => {
  for (const values of [tryOut, matrix['stores of production'] ?? []]) {
    const objects = objectsOf(await render(helms.v4, values))
    const [server, webhook] = ['mnemos-server', 'mnemos-webhook'].map((name) => {
      const found = objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === name)
      const env = found === undefined ? [] : (containersOf(found)[0]?.env ?? [])
      return env.filter((each) => each.name.startsWith('MNEMOS_REDIS_'))
    })
    assert.ok(server !== undefined && server.length >= 2)
    assert.deepEqual(webhook, server)
    const policy = objects.find(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'mnemos-genome')
    assert.match(JSON.stringify(policy?.spec), values === tryOut ? /"redis"/ : /6380/)
  }
  assert.doesNotMatch(await render(helms.v4, []), /MNEMOS_RATE_LIMIT_STORE|MNEMOS_REDIS/)
})
