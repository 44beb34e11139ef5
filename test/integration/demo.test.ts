/** The quickstart that an operator makes: once its namespace and the API server take it, and never again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type WorkerPool, workerPoolResource } from '@mnemos/api'
import type { ConfigMap } from '@mnemos/domain'
import { resource } from '@mnemos/kube'
import { eventually, startFaultProxy } from '@mnemos/testkit'
import { jobs, models, startBench } from './operator.fixture.ts'

const pools = resource<WorkerPool>(workerPoolResource)
const configMaps = resource<ConfigMap>({ group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true })
const namespaces = resource({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false })
const namespace = 'try'
const settings = { MNEMOS_DEMO_NAMESPACE: namespace, MNEMOS_DEMO_MODEL_URI: 'file:///SmolLM2-135M-Instruct.Q4_1.gguf' }

const bench = await startBench({ settings })
const { client } = bench

test('the quickstart waits for its namespace, is made once, and what was deleted stays deleted', async () => {
  const first = await bench.startOperator()
  await eventually(() => client.get(configMaps, { namespace: 'mnemos-system', name: 'mnemos-demo' }))
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  const job = await eventually(() => client.get(jobs, { namespace, name: 'hello' }))
  assert.equal(job.spec.inference?.modelRef.name, 'smollm2')
  assert.equal((await client.get(models, { namespace, name: 'smollm2' }))?.spec.source.uri, settings.MNEMOS_DEMO_MODEL_URI)
  await client.delete(jobs, { namespace, name: 'hello' })
  await client.delete(pools, { namespace, name: 'demo' })
  await first.stop()

  const proxy = await startFaultProxy({ upstream: bench.cluster.credentials() })
  const second = await bench.startOperator('second', proxy.credentials)
  await eventually(() => proxy.requests().some(({ path, status }) => path.includes('/configmaps/mnemos-demo') && status === 200))
  // What it would write, it would have written before it writes this.
  await client.patch(models, { namespace, name: 'smollm2' }, { spec: { version: '2' } })
  await eventually(async () => (await client.get(models, { namespace, name: 'smollm2' }))?.status?.observedGeneration === 2)
  assert.ok(!proxy.writes().some(({ method, path }) => method === 'POST' && /mnemosworkerpools|mnemosjobs/.test(path)))
  assert.equal(await client.get(jobs, { namespace, name: 'hello' }), undefined)
  assert.equal(await client.get(pools, { namespace, name: 'demo' }), undefined)
  await second.stop()
  await proxy.stop()
})
