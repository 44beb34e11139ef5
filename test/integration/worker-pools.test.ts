/** A WorkerPool that makes pods, on a real API server with the real Deployment, ReplicaSet and garbage controllers; no kubelet. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { apiVersion, type Worker, type WorkerPool, workerPoolResource, workerResource } from '@mnemos/api'
import type { Deployment, Pod } from '@mnemos/domain'
import { type KubeObject, resource } from '@mnemos/kube'
import { eventually, startFaultProxy } from '@mnemos/testkit'
import { parseWorkerConfig } from '@mnemos/worker'
import { createModel, models, startBench, workerInPod } from './operator.fixture.ts'

const core = { group: '', version: 'v1', namespaced: true }
const pools = resource<WorkerPool>(workerPoolResource)
const workers = resource<Worker>(workerResource)
const deployments = resource<Deployment>({ group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', namespaced: true })
const pods = resource<Pod>({ ...core, plural: 'pods', kind: 'Pod' })
const serviceAccounts = resource({ ...core, plural: 'serviceaccounts', kind: 'ServiceAccount' })
const policies = resource({ group: 'networking.k8s.io', version: 'v1', plural: 'networkpolicies', kind: 'NetworkPolicy', namespaced: true })

const image = 'mnemos-worker:test'
const bench = await startBench({ controllers: true, settings: { MNEMOS_WORKER_IMAGE: image } })
const { client, cluster } = bench
const inDefault = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name })

async function createPool(name: string, spec: object = {}): Promise<void> {
  await client.create(pools, { apiVersion, kind: 'WorkerPool', metadata: inDefault(name), spec } as KubeObject)
}

async function podsOf(pool: string): Promise<readonly Pod[]> {
  return (await client.list(pods, { namespace: 'default', labelSelector: `mnemos.dev/pool=${pool}` })).items
}

async function condition(pool: string, type: string): Promise<{ status: string; reason: string; message: string } | undefined> {
  return (await client.get(pools, inDefault(pool)))?.status?.conditions.find((each) => each.type === type)
}

const proxy = await startFaultProxy({ upstream: cluster.credentials() })
after(() => proxy.stop())
let operator = await bench.startOperator('first', proxy.credentials)

/** Waits until nothing in `check` throws any more. */
async function until(check: () => Promise<void>, timeoutMs = 15_000): Promise<void> {
  await eventually(async () => check().then(() => true), { timeoutMs })
}

test('a pool becomes a Deployment whose pods the real controllers make, under restricted Pod Security', async () => {
  await cluster.kubectlRun(['label', 'namespace', 'default', 'pod-security.kubernetes.io/enforce=restricted'])
  await createPool('plain', { replicas: 2 })
  const made = await eventually(async () => {
    const found = await podsOf('plain')
    assert.equal(found.length, 2, JSON.stringify((await client.get(deployments, inDefault('mnemos-plain')))?.status))
    return found
  })
  assert.ok(made.every(({ metadata }) => metadata.name.startsWith('mnemos-plain-') && metadata.name.length <= 63))
  assert.ok(await client.get(serviceAccounts, inDefault('mnemos-plain')))
  assert.ok(await client.get(policies, inDefault('mnemos-plain')))
  const reconciling = await eventually(async () => {
    const found = await condition('plain', 'Reconciling')
    assert.ok(found !== undefined)
    return found
  })
  assert.match(reconciling.message, /0 of 2 workers of WorkerPool plain are ready/)
  assert.equal((await condition('plain', 'Ready'))?.status, 'False')
})

test('what a pod is told is what a worker understands', async () => {
  const [pod] = await podsOf('plain')
  type Variable = { readonly name: string; readonly value?: string }
  const { spec } = pod as unknown as { readonly spec: { readonly containers: [{ readonly env: readonly Variable[] }] } }
  const env = Object.fromEntries(spec.containers[0].env.map(({ name, value }) => [name, value ?? pod?.metadata.name]))
  const config = parseWorkerConfig(env)
  const { operator: addresses, pool, name, podTokenFile, cacheDir, graceMs, healthHost } = config
  assert.deepEqual([addresses, pool, name], [['mnemos-dispatch.mnemos-system.svc:9090'], 'default/plain', pod?.metadata.name])
  assert.deepEqual([podTokenFile, cacheDir], ['/var/run/secrets/mnemos/token', '/var/lib/mnemos/cache'])
  assert.deepEqual([graceMs, healthHost, config.healthPort], [590_000, '0.0.0.0', 9442])
})

test('a pool that is as wanted is looked at without a write', async () => {
  await until(async () => {
    assert.equal((await client.get(pools, inDefault('plain')))?.status?.replicas, 2)
    assert.equal((await client.get(deployments, inDefault('mnemos-plain')))?.status?.updatedReplicas, 2)
  })
  const first = operator
  await first.stop()
  const before = proxy.writes().length
  // A new leader looks at everything anew.
  operator = await bench.startOperator('second', proxy.credentials)
  await until(async () => {
    const metrics = await (await fetch(`${operator.health}/metrics`)).text()
    assert.match(metrics, /controller_runtime_reconcile_total\{controller="mnemosworkerpools",result="[a-z_]+"\} [1-9]/)
  })
  const written = proxy
    .writes()
    .slice(before)
    .map(({ method, path }) => `${method} ${path}`)
  assert.deepEqual(
    written.filter((each) => !each.includes('/leases')),
    [],
  )
})

test('kubectl scale sets the number of pods, within the bounds of scaling', async () => {
  await client.patch(pools, inDefault('plain'), { spec: { scaling: { minReplicas: 1, maxReplicas: 3 } } })
  await cluster.kubectlRun(['scale', 'mnemosworkerpool/plain', '--replicas=5'])
  await until(async () => assert.equal((await podsOf('plain')).length, 3))
  await until(async () => {
    const { scaling, replicas, selector } = (await client.get(pools, inDefault('plain')))?.status ?? {}
    assert.deepEqual(scaling, { desired: 3, reason: 'spec.replicas is 5; scaling.maxReplicas allows 3.' })
    assert.equal(replicas, 3)
    assert.match(selector ?? '', /mnemos\.dev\/pool=plain/)
  })
})

test('what somebody else changes in the Deployment is taken back', async () => {
  await cluster.kubectlRun(['scale', 'deployment/mnemos-plain', '--replicas=0'])
  await until(async () => assert.equal((await client.get(deployments, inDefault('mnemos-plain')))?.spec?.replicas, 3))
})

test('deleting the pool takes everything that it made along', async () => {
  await client.delete(pools, inDefault('plain'))
  await until(async () => {
    assert.equal(await client.get(deployments, inDefault('mnemos-plain')), undefined)
    assert.equal(await client.get(serviceAccounts, inDefault('mnemos-plain')), undefined)
    assert.equal(await client.get(policies, inDefault('mnemos-plain')), undefined)
    assert.deepEqual(await podsOf('plain'), [])
  }, 30_000)
})

test('a pool whose Deployment is refused says so in the words of the API server, and goes on when it is mended', async () => {
  await createPool('odd', { podTemplate: { tolerations: [{ operator: 'Exists', value: 'x' }] } })
  await until(async () => assert.equal((await condition('odd', 'Stalled'))?.reason, 'PodRefused'))
  assert.match((await condition('odd', 'Ready'))?.message ?? '', /tolerations\[0\]\.operator: Invalid value/)
  await client.patch(pools, inDefault('odd'), { spec: { podTemplate: null } })
  await until(async () => assert.equal((await podsOf('odd')).length, 1))
  await until(async () => assert.equal(await condition('odd', 'Stalled'), undefined))
  await client.delete(pools, inDefault('odd'))
})

test('what belongs to somebody else is not taken over', async () => {
  await cluster.kubectlRun(['create', 'deployment', 'mnemos-taken', '--image=theirs'])
  await createPool('taken')
  await until(async () =>
    assert.match((await condition('taken', 'Ready'))?.message ?? '', /Deployment mnemos-taken exists already and belongs to somebody else/),
  )
  assert.equal((await client.get(deployments, inDefault('mnemos-taken')))?.metadata.ownerReferences, undefined)
  await client.delete(pools, inDefault('taken'))
})

test('a Job that waits for a pool says what the scheduler says of its pods', async () => {
  await createPool('starved', { resources: { limits: { 'nvidia.com/gpu': 1 } } })
  await until(async () => assert.equal((await condition('starved', 'Ready'))?.reason, 'PodUnschedulable'))
  const { message = '' } = (await condition('starved', 'Ready')) ?? {}
  assert.match(message, /^WorkerPool starved has no ready worker: .*nodes/)
  await bench.create('waits', { inference: undefined, maintenance: { task: 'ImportModel', parameters: { uri: 'file:///x.gguf' } } })
  await until(async () => assert.deepEqual((await bench.job('waits')).status?.queue?.reasons, [message.slice(0, 256)]))
  await bench.clear()
  await client.delete(pools, inDefault('starved'))
})

// One test: workers that a test connects leave with it.
test('idle workers go first, one that is ending gets nothing new, one that is gone gives its attempt back at once', async () => {
  await createPool('shrinks', { replicas: 3 })
  const made = await eventually(async () => {
    const found = await podsOf('shrinks')
    return found.length === 3 ? found : undefined
  })
  const connected = await Promise.all(made.map((pod) => workerInPod(client, operator, pod, 'shrinks')))
  await until(async () => assert.equal((await client.get(pools, inDefault('shrinks')))?.status?.ready, 3))
  await createModel(client, 'm')
  await until(async () => assert.equal((await client.get(models, inDefault('m')))?.status?.phase, 'Ready'))
  await bench.create('long')
  const job = await bench.until('long', 'Scheduled', 'Running')
  const busy = job.status?.worker?.name.split('/')[1] ?? ''
  await cluster.kubectlRun(['scale', 'mnemosworkerpool/shrinks', '--replicas=1'])
  await until(async () =>
    assert.deepEqual(
      (await podsOf('shrinks')).map(({ metadata }) => metadata.name),
      [busy],
    ),
  )
  const [left] = await podsOf('shrinks')
  assert.equal(left?.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'], '100')
  for (const worker of connected) if (worker.name !== busy) worker.disconnect()
  await until(async () => {
    const { items } = await client.list(workers, { namespace: 'default' })
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      [busy],
    )
  })

  const name = inDefault(busy)
  await client.patch(pods, name, { metadata: { finalizers: ['example.dev/keep'] } })
  await client.delete(pods, name)
  await until(async () => assert.equal((await client.get(workers, name))?.status?.state, 'Draining'))
  const next = await eventually(async () => (await podsOf('shrinks')).find(({ metadata }) => metadata.name !== name.name))
  const heir = await workerInPod(client, operator, next, 'shrinks')
  await bench.create('short')
  assert.ok(await heir.given('short'), 'the worker that is leaving did not get it')
  assert.equal((await bench.job('long')).status?.attempt, 1, 'what runs there may end')
  const since = performance.now()
  await client.patch(pods, name, { metadata: { finalizers: null } })
  await heir.given('long', 2)
  assert.ok(performance.now() - since < 2000, 'without waiting for silence')
  assert.deepEqual(
    (await bench.job('long')).status?.attempts.map(({ outcome }) => outcome),
    ['NodeLost'],
  )
})
