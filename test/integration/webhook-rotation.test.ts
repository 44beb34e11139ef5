/**
 * Certificates and authorities are replaced while reviews go on, and somebody who breaks the registration is undone.
 * The lives are seconds here instead of days and months.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { connect } from 'node:tls'
import { createClient, type KubeObject, resource } from '@mnemos/kube'
import { eventually, startTestCluster } from '@mnemos/testkit'
import { apply, jobYaml, kubectl, startWebhook } from './webhook.fixture.ts'

const configurations = resource<KubeObject & { webhooks: readonly { clientConfig: { caBundle: string } }[] }>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  plural: 'validatingwebhookconfigurations',
  kind: 'ValidatingWebhookConfiguration',
  namespaced: false,
})
const secrets = resource({ group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true })
const jobs = resource({ group: 'mnemos.dev', version: 'v1alpha1', plural: 'mnemosjobs', kind: 'Job', namespaced: true })
const timing = { authorityLifeMs: 9000, leafLifeMs: 3000, overlapMs: 1500, refreshMs: 300 }
const configurationName = 'mnemos'

const cluster = await startTestCluster({ crds: true })
await cluster.kubectlRun(['create', 'namespace', 'mnemos-system'])
const webhook = await startWebhook(cluster, timing)
after(() => webhook.stop())

test('three generations of authorities and half a dozen certificates pass without a failed call', async (t) => {
  const client = createClient({ credentials: cluster.credentials() })
  t.after(() => client.close())
  const bundleNow = async (): Promise<string> =>
    (await client.get(configurations, { name: configurationName }))?.webhooks[0]?.clientConfig.caBundle ?? ''
  const bundles = new Set<string>()
  const certificates = new Set<string>()
  const failures: unknown[] = []
  let calls = 0
  const until = performance.now() + 20_000
  const repeat = async (work: (turn: number) => Promise<void>): Promise<void> => {
    for (let turn = 0; performance.now() < until; turn += 1) {
      await work(turn).catch((error: unknown) => failures.push(error))
      calls += 1
    }
  }
  // The API server keeps its connections, so a second kind of caller makes a handshake for each of its calls.
  const viaApiServer = (worker: number) => (turn: number) =>
    client.create(jobs, aJob(`load-${worker}-${turn}`), { dryRun: true }).then(() => undefined)
  const byHandshake = async (): Promise<void> => {
    const bundle = await bundleNow()
    bundles.add(bundle)
    certificates.add(await handshake(webhook.port, Buffer.from(bundle, 'base64').toString()))
  }
  await Promise.all([repeat(viaApiServer(1)), repeat(viaApiServer(2)), repeat(byHandshake), repeat(byHandshake)])
  assert.deepEqual(failures, [])
  t.diagnostic(`${calls} calls, ${bundles.size} bundles, ${certificates.size} certificates`)
  assert.ok(calls > 500 && bundles.size >= 4 && certificates.size >= 6)
})

function aJob(name: string): KubeObject & { spec: object } {
  const spec = { inference: { modelRef: { name: 'smollm' }, prompt: 'Say hello.' } }
  return { apiVersion: 'mnemos.dev/v1alpha1', kind: 'Job', metadata: { name, namespace: 'default' }, spec }
}

/** Trusts what is registered and nothing else, as an API server does, and returns the fingerprint of what was served. */
function handshake(port: number, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.end()
    })
    socket.on('error', reject)
  })
}

test('a registration that somebody breaks is ours again within seconds', async () => {
  const broken = [{ op: 'replace', path: '/webhooks/0/clientConfig/caBundle', value: Buffer.from('nonsense').toString('base64') }]
  await kubectl(cluster, ['patch', 'mutatingwebhookconfiguration', configurationName, '--type=json', '-p', JSON.stringify(broken)])
  await kubectl(cluster, [
    'patch',
    'validatingwebhookconfiguration',
    configurationName,
    '--type=json',
    '-p',
    '[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]',
  ])
  await eventually(
    async () =>
      (await kubectl(cluster, ['get', 'validatingwebhookconfiguration', configurationName, '-o', 'jsonpath={.webhooks[0].failurePolicy}']))
        .stdout === 'Fail',
    {
      message: 'the failure policy is Fail again',
    },
  )
  await eventually(async () => (await apply(cluster, jobYaml('after-repair'), ['--dry-run=server'])).code === 0, {
    message: 'reviews are trusted again',
  })
})

test('a deleted registration comes back', async () => {
  await kubectl(cluster, ['delete', 'mutatingwebhookconfiguration', configurationName])
  await eventually(async () => (await kubectl(cluster, ['get', 'mutatingwebhookconfiguration', configurationName])).code === 0)
})

test('a deleted authority is written back, so that what was registered stays true', async (t) => {
  const client = createClient({ credentials: cluster.credentials() })
  t.after(() => client.close())
  await client.delete(secrets, { namespace: 'mnemos-system', name: 'mnemos-webhook-ca' })
  await eventually(async () => (await client.get(secrets, { namespace: 'mnemos-system', name: 'mnemos-webhook-ca' })) !== undefined)
  assert.equal((await apply(cluster, jobYaml('after-delete'), ['--dry-run=server'])).code, 0)
})

test('replicas that start together agree on one authority', async () => {
  const others = await Promise.all([startWebhook(cluster, timing), startWebhook(cluster, timing)])
  assert.equal((await apply(cluster, jobYaml('three'), ['--dry-run=server'])).code, 0)
  await Promise.all(others.map((other) => other.stop()))
})
