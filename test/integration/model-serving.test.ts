/** A Model that is served, on a real API server with the real Deployment controller: its own pool, its first token, its end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiVersion, type Model, type WorkerPool, workerPoolResource } from '@mnemos/api'
import type { Pod } from '@mnemos/domain'
import { resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { models, ScriptedWorker, startBench, workerInPod } from './operator.fixture.ts'

const pools = resource<WorkerPool>(workerPoolResource)
const pods = resource<Pod>({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true })

const bench = await startBench({ controllers: true, settings: { MNEMOS_WORKER_IMAGE: 'mnemos-worker:test' } })
const { client, cluster } = bench
const operator = await bench.startOperator()
const name = { namespace: 'default', name: 'served' }
const pool = { namespace: 'default', name: 'served-serving' }

async function until(check: () => Promise<void>): Promise<void> {
  await eventually(async () => check().then(() => true), { timeoutMs: 15_000 })
}

async function model(): Promise<Model> {
  const found = await client.get(models, name)
  assert.ok(found)
  return found
}

async function says(type: string, status: string, reason: string): Promise<void> {
  await until(async () => {
    const found = (await model()).status?.conditions.find((each) => each.type === type)
    assert.deepEqual([found?.status, found?.reason], [status, reason], JSON.stringify((await model()).status?.conditions))
  })
}

// One test: workers that a test connects leave with it.
test('a Model is ready when a token came out of its own pool, sleeps when that is scaled to zero, and gives it back in the end', async () => {
  const elsewhere = await new ScriptedWorker('elsewhere').connect(operator.dispatch)
  const serving = { resources: { requests: { cpu: '0.5' } }, minReplicas: 0, maxReplicas: 2 }
  const object = { apiVersion, kind: 'Model', metadata: name, spec: { source: { uri: 'file:///served.gguf' }, serving } }
  await client.create(models, object)
  await says('Ready', 'False', 'WaitingForPool')
  assert.equal((await model()).status?.phase, 'Starting')
  const made = await client.get(pools, pool)
  assert.equal(made?.metadata.ownerReferences?.[0]?.uid, (await model()).metadata.uid)

  const pod = await eventually(
    async () => (await client.list(pods, { namespace: 'default', labelSelector: 'mnemos.dev/pool=served-serving' })).items[0],
  )
  const worker = await workerInPod(client, operator, pod, 'served-serving')
  await eventually(() => worker.preloads.at(-1)?.join() === 'default/served')
  const asked = await eventually(() => worker.assigned[0])
  await says('FirstToken', 'False', 'WarmingUp')
  worker.succeed(asked.ref)
  await says('FirstToken', 'True', 'FirstTokenCame')
  await says('Ready', 'True', 'Serving')
  const { endpoint, firstToken, digest } = (await model()).status ?? {}
  assert.deepEqual([endpoint, firstToken?.digest], [{ url: 'http://127.0.0.1:8080/v1/jobs', model: 'served' }, digest])
  assert.equal(elsewhere.assigned.filter(({ work }) => work.type === 'inference').length, 0, 'the warm-up proves nothing elsewhere')

  await bench.create('question', { inference: { modelRef: { name: 'served' }, prompt: 'Why?' } })
  assert.ok(await worker.given('question'), 'who asks goes to the pool that serves')

  await cluster.kubectlRun(['scale', 'mnemosworkerpool/served-serving', '--replicas=0'])
  await says('Ready', 'True', 'Asleep')
  await client.patch(models, name, { spec: { allowedNamespaces: { from: 'All' } } })
  await says('FirstToken', 'False', 'Asleep')
  assert.equal((await client.list(pods, { namespace: 'default', labelSelector: 'mnemos.dev/pool=served-serving' })).items.length, 0)

  await client.patch(models, name, { spec: { serving: null } })
  await says('Ready', 'True', 'ArtifactVerified')
  await until(async () => assert.equal(await client.get(pools, pool), undefined))
  assert.equal((await model()).status?.endpoint, undefined)
})
