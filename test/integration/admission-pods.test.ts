/**
 * What people may say about the pods that are made for them, and what is made: rows A6 and R4 (ServiceAccounts) of
 * docs/security-cases.md. Each test is named by its row. The pods are judged by the real Pod Security admission, `restricted`.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { apiVersion } from '@mnemos/api'
import type { Deployment, Pod } from '@mnemos/domain'
import { type KubeObject, resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { startBench } from './operator.fixture.ts'
import { madeByProcesses } from './own-pods.fixture.ts'
import { type Answer, inference, pathTo, senderTo } from './security.fixture.ts'
import { startWebhook } from './webhook.fixture.ts'

type Body = KubeObject & { readonly spec: Readonly<Record<string, unknown>> }

const deployments = resource<Deployment>({ group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', namespaced: true })
const pods = resource<Pod>({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true })
const bench = await startBench({ settings: { MNEMOS_WORKER_IMAGE: 'mnemos-worker:test' } })
const { cluster, client } = bench
for (const account of ['default', 'mnemos-overridden', 'powerful', 'mnemos-cpu', 'mnemos-gpu'])
  await cluster.kubectlRun(['create', 'serviceaccount', account])
await cluster.kubectlRun(['label', 'namespace', 'default', 'pod-security.kubernetes.io/enforce=restricted'])
const webhook = await startWebhook(cluster)
after(() => webhook.stop())
const send = senderTo(client)
await bench.startOperator()

const root = { securityContext: { runAsUser: 0, runAsNonRoot: false, privileged: true } }
const hostPath = { name: 'host', hostPath: { path: '/' } }
const evil = { name: 'evil', image: 'evil.example/x', ...root, volumeMounts: [{ name: 'host', mountPath: '/host' }] }

/** Fields of a PodSpec, and of its containers, that would make a pod more than a pod of ours may be. */
const ofPods: Readonly<Record<string, unknown>> = {
  hostPID: true,
  hostIPC: true,
  hostNetwork: true,
  shareProcessNamespace: true,
  securityContext: root.securityContext,
  automountServiceAccountToken: true,
  volumes: [hostPath],
  containers: [evil],
  initContainers: [evil],
  ephemeralContainers: [evil],
  nodeName: 'control-plane',
  hostUsers: true,
}
const ofContainers: Readonly<Record<string, unknown>> = {
  privileged: true,
  securityContext: root.securityContext,
  envFrom: [{ secretRef: { name: 'keys' } }],
  ports: [{ containerPort: 80, hostPort: 80 }],
  volumeMounts: [{ name: 'host', mountPath: '/host' }],
  volumeDevices: [{ name: 'host', devicePath: '/dev/sda' }],
  lifecycle: { postStart: { exec: { command: ['sh'] } } },
  serviceAccountName: 'powerful',
}
const accounts = { serviceAccountName: 'powerful', serviceAccount: 'powerful' }
const work = { image: 'registry.example.com/work' }

interface Place {
  readonly plural: string
  /** The object with something laid over the place. */
  readonly object: (name: string, laid: Readonly<Record<string, unknown>>) => Body
  readonly tries: Readonly<Record<string, unknown>>
}

const job = (name: string, spec: Readonly<Record<string, unknown>>): Body => ({ apiVersion, kind: 'Job', metadata: { name }, spec })
const pool = (name: string, spec: Readonly<Record<string, unknown>>): Body => ({
  ...{ apiVersion, kind: 'WorkerPool', metadata: { name } },
  spec: { replicas: 1, ...spec },
})
const places: Readonly<Record<string, Place>> = {
  'WorkerPool.spec.podTemplate': {
    plural: 'mnemosworkerpools',
    object: (name, laid) => pool(name, { podTemplate: { labels: { team: 'a' }, ...laid } }),
    tries: { ...ofPods, serviceAccount: 'powerful', spec: ofPods },
  },
  'WorkerPool.spec': { plural: 'mnemosworkerpools', object: pool, tries: { ...ofPods, ...ofContainers } },
  'Job.spec': {
    plural: 'mnemosjobs',
    object: (name, laid) => job(name, { container: work, ...laid }),
    tries: { ...ofPods, ...accounts, podTemplate: { spec: ofPods }, podSpecPatch: '{"hostPID":true}' },
  },
  'Job.spec.container': {
    plural: 'mnemosjobs',
    object: (name, laid) => job(name, { container: { ...work, ...laid } }),
    tries: { ...ofContainers, ...ofPods },
  },
  'Job.spec.placement of an inference': {
    plural: 'mnemosjobs',
    object: (name, laid) => job(name, { inference, placement: { dedicated: true, ...laid } }),
    tries: { ...ofPods, ...accounts, schedulerName: 'mine' },
  },
}

for (const [where, { plural, object, tries }] of Object.entries(places)) {
  test(`A6 nothing that makes a pod more than it may be fits into ${where}: it is refused, and dropped where nobody asks for strictness`, async () => {
    for (const [field, value] of Object.entries(tries)) {
      const body = object('overridden', { [field]: value })
      const strict = await send('POST', pathTo(plural), body, { query: { fieldValidation: 'Strict', dryRun: 'All' } })
      assert.equal(strict.code, 400, `${field}: ${strict.message}`)
      assert.match(strict.message, new RegExp(`unknown field "spec\\.([A-Za-z]+\\.)?${field}"`))
      const stored = await send('POST', pathTo(plural), body, { query: { fieldValidation: 'Ignore', dryRun: 'All' } })
      const plain = await send('POST', pathTo(plural), object('overridden', {}), { query: { dryRun: 'All' } })
      assert.deepEqual(stored.object.spec, plain.object.spec, field)
      assert.equal(stored.code, 200)
    }
  })
}

test('A6 root is refused by name', async () => {
  for (const runAsUser of [0, -1, 2 ** 31]) {
    const { code, message } = await send('POST', pathTo('mnemosjobs'), job('root', { container: { ...work, runAsUser } }))
    assert.equal(code, 422)
    assert.match(message, /spec\/container\/runAsUser/)
  }
})

/** What Pod Security says to the pod, without making it. */
async function judged(metadata: object, spec: object): Promise<Answer> {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: 'judged', namespace: 'default' }, spec }
  return send('POST', '/api/v1/namespaces/default/pods', pod, { query: { dryRun: 'All' } })
}

test('A6 what the operator makes of all that can be asked for is what Pod Security `restricted` admits', async () => {
  const { code, message } = await judged({}, { containers: [{ ...work, name: 'main' }] })
  assert.equal(code, 403, 'a plain pod is not admitted here')
  assert.match(message, /violates PodSecurity "restricted/)
  const made = madeByProcesses() as readonly { kind: string; spec?: { template?: { metadata: object; spec: object } } }[] // of our own making
  const specs = made.flatMap(({ kind, spec = {} }) => (kind === 'Pod' ? [{ metadata: {}, spec }] : (spec.template ?? [])))
  assert.equal(specs.length, 3)
  for (const { metadata, spec } of specs) assert.equal((await judged(metadata, { ...spec, serviceAccountName: 'default' })).message, '')
})

test('A6 what was tried for the sake of a pool or a Job is not in the pods that are made', async () => {
  const laid = { query: { fieldValidation: 'Ignore' } }
  const everything = { ...ofPods, ...ofContainers }
  await send('POST', pathTo('mnemosworkerpools'), pool('overridden', { podTemplate: { ...everything }, ...ofPods }), laid)
  await send('POST', pathTo('mnemosjobs'), job('overridden', { container: { ...work, ...everything }, ...ofPods, ...accounts }), laid)
  const deployment = await eventually(() => client.get(deployments, { namespace: 'default', name: 'mnemos-overridden' }), {
    timeoutMs: 15_000,
  })
  const { template } = deployment.spec as unknown as { template: { metadata: object; spec: object } } // as the API server has it
  assert.equal((await judged(template.metadata, template.spec)).message, '')
  const pod = await eventually(() => client.get(pods, { namespace: 'default', name: 'overridden-a1' }), {
    timeoutMs: 15_000,
    message: 'Pod Security admitted the pod of the Job',
  })
  for (const made of [template, pod])
    assert.doesNotMatch(JSON.stringify(made), /evil|hostP|hostI|hostN|privileged"|secretRef|control-plane/)
})

test('R4 a Job chooses no ServiceAccount, and the account that a pool names gives its pods no token', async () => {
  await send('POST', pathTo('mnemosworkerpools'), pool('accounted', { podTemplate: { serviceAccountName: 'powerful' } }))
  await send('POST', pathTo('mnemosjobs'), job('accounted', { container: work, ...accounts }), { query: { fieldValidation: 'Ignore' } })
  const deployment = await eventually(() => client.get(deployments, { namespace: 'default', name: 'mnemos-accounted' }), {
    timeoutMs: 15_000,
  })
  const pod = await eventually(() => client.get(pods, { namespace: 'default', name: 'accounted-a1' }), { timeoutMs: 15_000 })
  interface PodSpec {
    readonly serviceAccountName?: string
    readonly automountServiceAccountToken?: boolean
    readonly volumes?: readonly { readonly projected?: { readonly sources: readonly { serviceAccountToken?: { audience?: string } }[] } }[]
  }
  const ofPool = (deployment.spec as unknown as { template: { spec: PodSpec } }).template.spec // as the API server has it
  const ofJob = (pod as unknown as { spec: PodSpec }).spec // as above
  assert.deepEqual([ofPool.serviceAccountName, ofJob.serviceAccountName], ['powerful', 'default'])
  for (const spec of [ofPool, ofJob]) {
    assert.equal(spec.automountServiceAccountToken, false)
    const tokens = (spec.volumes ?? []).flatMap(
      ({ projected }) => projected?.sources.flatMap((each) => each.serviceAccountToken ?? []) ?? [],
    )
    // The API server takes no token that is for somebody else.
    assert.ok(
      tokens.every(({ audience }) => audience === 'mnemos'),
      JSON.stringify(tokens),
    )
  }
})
