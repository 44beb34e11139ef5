/** Simulated nodes on a real API server, with the real scheduler: pods that nobody runs end as a kubelet's would. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startSimulatedNodes } from '@mnemos/cluster'
import type { Pod } from '@mnemos/domain'
import { createClient, type KubeObject, resource } from '@mnemos/kube'
import { eventually, startTestCluster } from '@mnemos/testkit'

const pods = resource<Pod>({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true })
const batchJobs = resource<KubeObject & { readonly status?: { readonly succeeded?: number } }>({
  ...{ group: 'batch', version: 'v1', plural: 'jobs', kind: 'Job', namespaced: true },
})
const namespace = 'default'

const cluster = await startTestCluster({ controllers: true })
const simulated = await startSimulatedNodes(cluster, { nodes: 2 })
after(() => simulated.stop())
const client = createClient({ credentials: cluster.credentials() })
after(() => client.close())

const podSpec = (restartPolicy: string): object => ({ restartPolicy, containers: [{ name: 'main', image: 'example.com/work:1' }] })
const patience = { timeoutMs: 60_000 }

await eventually(async () => {
  await cluster.kubectlRun(['get', 'serviceaccount', 'default'])
  return true
}, patience)

test('a pod that is not restarted succeeds at once, with exit code 0', async () => {
  await client.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name: 'once' }, ...{ spec: podSpec('Never') } })
  const ended = await eventually(async () => {
    const pod = await client.get(pods, { namespace, name: 'once' })
    return pod?.status?.phase === 'Succeeded' ? pod : undefined
  }, patience)
  const state = ended.status?.containerStatuses?.[0]
  assert.equal(state?.name, 'main')
  assert.equal(state.state?.terminated?.exitCode, 0)
  assert.ok(state.state.terminated.startedAt)
})

test('a Job of Kubernetes itself completes', async () => {
  const spec = { template: { spec: podSpec('Never') } }
  await client.create(batchJobs, { apiVersion: 'batch/v1', kind: 'Job', metadata: { namespace, name: 'work' }, ...{ spec } })
  await eventually(async () => (await client.get(batchJobs, { namespace, name: 'work' }))?.status?.succeeded === 1, patience)
})

test('a pod that is always restarted goes on, and is gone when it is deleted', async () => {
  await client.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name: 'forever' }, ...{ spec: podSpec('Always') } })
  const isThere = async () => client.get(pods, { namespace, name: 'forever' })
  await eventually(async () => (await isThere())?.status?.phase === 'Running', patience)
  await client.delete(pods, { namespace, name: 'forever' })
  await eventually(async () => (await isThere()) === undefined, patience)
})
