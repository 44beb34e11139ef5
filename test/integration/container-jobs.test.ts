/** Jobs with `container` on a real API server with the real scheduler and garbage collector; this test is the kubelet. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiVersion, type Job, type JobInput } from '@mnemos/api'
import type { Pod } from '@mnemos/domain'
import { type KubeObject, resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { jobs, startBench, watchJobs } from './operator.fixture.ts'

interface FullPod extends Pod {
  readonly spec: { readonly nodeName?: string; readonly containers: readonly Readonly<Record<string, unknown>>[] }
}

const core = { group: '', version: 'v1' }
const pods = resource<FullPod>({ ...core, plural: 'pods', kind: 'Pod', namespaced: true })
const nodes = resource({ ...core, plural: 'nodes', kind: 'Node', namespaced: false })
const namespaces = resource({ ...core, plural: 'namespaces', kind: 'Namespace', namespaced: false })

const bench = await startBench({ controllers: true })
const { client, cluster } = bench
const inDefault = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name })
const container = { image: 'example.com/work:1', args: ['--fast'] }

await cluster.kubectlRun(['label', 'namespace', 'default', 'pod-security.kubernetes.io/enforce=restricted'])
await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node' } })
const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' }
const room = { cpu: '4', memory: '8Gi', pods: '110' }
await client.patchStatus(nodes, { metadata: { name: 'node' } } as KubeObject, { capacity: room, allocatable: room, conditions: [ready] })
await cluster.kubectlRun(['taint', 'node', 'node', 'node.kubernetes.io/not-ready-']).catch(() => undefined)

let operator = await bench.startOperator('first')
const watched = await watchJobs(client)

async function create(name: string, spec: Partial<JobInput['spec']> = {}, namespace = 'default'): Promise<Job> {
  const object = { apiVersion, kind: 'Job', metadata: { namespace, name }, spec: { container, ...spec } }
  return client.create(jobs, object)
}

async function podOf(name: string, attempt = 1): Promise<FullPod> {
  return eventually(async () => client.get(pods, inDefault(`${name}-a${attempt}`)), {
    timeoutMs: 15_000,
    message: `pod ${name}-a${attempt}`,
  })
}

/** Says what a kubelet would. */
async function tell(pod: FullPod, status: object): Promise<void> {
  await cluster.kubectlRun([
    ...['patch', 'pod', pod.metadata.name, '-n', 'default', '--subresource=status', '--type=merge', '-p'],
    JSON.stringify({ status }),
  ])
}

const image = container.image
const main = (state: object): object => ({ name: 'main', image, imageID: '', ready: false, restartCount: 0, state })
const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z')

const starts = async (pod: FullPod): Promise<void> =>
  tell(pod, { phase: 'Running', containerStatuses: [main({ running: { startedAt: now() } })] })

async function ends(pod: FullPod, exitCode: number, reason = exitCode === 0 ? 'Completed' : 'Error'): Promise<void> {
  const terminated = { exitCode, reason, startedAt: now(), finishedAt: now() }
  await tell(pod, { phase: exitCode === 0 ? 'Succeeded' : 'Failed', containerStatuses: [main({ terminated })] })
}

/** Lets a pod that is on its way out go, as a kubelet does once nothing runs any more. */
async function letGo(pod: FullPod): Promise<void> {
  await eventually(async () => (await client.get(pods, pod.metadata))?.metadata.deletionTimestamp !== undefined)
  await cluster.kubectlRun(['delete', 'pod', pod.metadata.name, '-n', 'default', '--force', '--grace-period=0'])
}

test('a Job becomes a pod under restricted Pod Security, and succeeds with it', async () => {
  const job = await create('good', {
    podMetadata: { labels: { 'example.com/team': 'sky', 'app.kubernetes.io/managed-by': 'other' } },
    resources: { limits: { memory: '64Mi' } },
  })
  const pod = await podOf('good')
  assert.deepEqual(pod.metadata.labels, {
    'app.kubernetes.io/managed-by': 'mnemos',
    'app.kubernetes.io/component': 'neuron',
    'example.com/team': 'sky',
    'mnemos.dev/job': 'good',
    'mnemos.dev/attempt': '1',
  })
  assert.deepEqual(pod.spec.containers[0]?.['args'], ['--fast'])
  const scheduled = await bench.job('good')
  assert.deepEqual(scheduled.status?.worker, { name: 'default/good-a1', instance: `${job.metadata.uid}-a1` })
  await starts(pod)
  assert.ok((await bench.until('good', 'Running')).status?.startedAt)
  await ends(pod, 0)
  const { status } = await bench.until('good', 'Succeeded')
  assert.equal(status?.conditions[0]?.message, 'Attempt 1 succeeded: pod default/good-a1 ended with exit code 0.')
  assert.equal(status.result, undefined)
  assert.ok(await client.get(pods, pod.metadata), 'the pod stays for its log')
})

test('exit code 1 is tried again until the limit, and only the last pod is kept', async () => {
  await create('bad', { retry: { limit: 1 } })
  await ends(await podOf('bad'), 1)
  const second = await podOf('bad', 2)
  await eventually(async () => (await client.get(pods, inDefault('bad-a1'))) === undefined)
  await ends(second, 1)
  const { status } = await bench.until('bad', 'Failed')
  assert.deepEqual(
    status?.attempts.map(({ outcome, worker }) => [outcome, worker]),
    [
      ['ContainerFailed', 'default/bad-a1'],
      ['ContainerFailed', 'default/bad-a2'],
    ],
  )
  assert.equal(status.conditions.find(({ type }) => type === 'DeadLettered')?.reason, 'RetriesExhausted')
  assert.match(status.failure?.message ?? '', /exit code 1/)
  assert.ok(await client.get(pods, inDefault('bad-a2')))
})

test('a container that takes too much memory says so', async () => {
  await create('large', { retry: { limit: 0 } })
  await ends(await podOf('large'), 137, 'OOMKilled')
  const { status } = await bench.until('large', 'Failed')
  assert.deepEqual([status?.failure?.class, status?.failure?.reason], ['OutOfMemory', 'OOMKilled'])
})

test('a cancel ends the pod first, and the Job when nothing runs any more', async () => {
  await create('stopped')
  const pod = await podOf('stopped')
  await eventually(async () => (await client.get(pods, pod.metadata))?.spec.nodeName === 'node')
  await starts(pod)
  await bench.until('stopped', 'Running')
  await client.patch(jobs, inDefault('stopped'), { spec: { cancel: true } })
  await eventually(async () => (await client.get(pods, pod.metadata))?.metadata.deletionTimestamp !== undefined)
  assert.equal((await bench.job('stopped')).status?.phase, 'Running')
  await letGo(pod)
  assert.equal((await bench.until('stopped', 'Cancelled')).status?.attempts[0]?.outcome, 'Cancelled')
})

test('a pod that somebody deletes costs no retry', async () => {
  await create('moved', { retry: { limit: 0 } })
  const pod = await podOf('moved')
  await starts(pod)
  await bench.until('moved', 'Running')
  await cluster.kubectlRun(['delete', 'pod', 'moved-a1', '-n', 'default', '--force', '--grace-period=0'])
  await ends(await podOf('moved', 2), 0)
  const { status } = await bench.until('moved', 'Succeeded')
  assert.deepEqual([status?.failures, status?.attempts.map(({ outcome }) => outcome)], [0, ['NodeLost', 'Succeeded']])
})

test('a pod that admission refuses fails the Job at once, in its words', async () => {
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'full' } })
  await cluster.kubectlRun(['create', 'quota', 'none', '-n', 'full', '--hard=pods=0'])
  const name = { namespace: 'full', name: 'refused' }
  await create(name.name, {}, name.namespace)
  const { status } = await eventually(
    async () => {
      const found = await client.get(jobs, name)
      assert.equal(found?.status?.phase, 'Failed', JSON.stringify(found?.status))
      return found
    },
    { timeoutMs: 15_000 },
  )
  assert.equal(status?.failure?.reason, 'PodRefused')
  assert.match(status.failure.message, /pods "refused-a1" is forbidden: exceeded quota: none/)
  assert.equal(status.conditions.find(({ type }) => type === 'Succeeded')?.reason, 'PodRefused')
  assert.equal(status.attempt, 1)
})

test('a pod that no node can take says so in the words of the scheduler', async () => {
  await create('huge', { resources: { requests: { cpu: 64 } } })
  const { status } = await eventually(
    async () => {
      const found = await bench.job('huge')
      assert.equal(found.status?.conditions[0]?.reason, 'PodUnschedulable', JSON.stringify(found.status))
      return found
    },
    { timeoutMs: 20_000 },
  )
  assert.match(status?.queue?.reasons[0] ?? '', /0\/1 nodes are available: 1 Insufficient cpu/)
  assert.equal(status?.phase, 'Scheduled')
  await client.patch(jobs, inDefault('huge'), { spec: { cancel: true } })
  await bench.until('huge', 'Cancelled')
  assert.equal(await client.get(pods, inDefault('huge-a1')), undefined)
})

test('what waits for a node longer than queueSeconds fails', async () => {
  await create('late', { resources: { requests: { cpu: 64 } }, deadlines: { queueSeconds: 4 } })
  const { status } = await bench.until('late', 'Failed')
  assert.deepEqual([status?.failure?.class, status?.failure?.reason], ['DeadlineExceeded', 'QueueDeadline'])
  assert.equal(await client.get(pods, inDefault('late-a1')), undefined)
})

test('a pod that ends while nobody leads is heard of by the next leader, which makes no second one', async () => {
  await create('kept')
  const pod = await podOf('kept')
  await operator.stop()
  await ends(pod, 0)
  operator = await bench.startOperator('second')
  const { status } = await bench.until('kept', 'Succeeded')
  assert.equal(status?.attempt, 1)
  assert.equal(await client.get(pods, inDefault('kept-a2')), undefined)
})

test('an attempt that was issued before its leader went gets its pod from the next', async () => {
  await operator.stop()
  const job = await create('issued')
  const worker = { name: 'default/issued-a1', instance: `${job.metadata.uid}-a1` }
  await client.patchStatus(jobs, job, { ...job.status, phase: 'Scheduled', attempt: 1, worker, scheduledAt: now() })
  operator = await bench.startOperator('third')
  await ends(await podOf('issued'), 0)
  assert.equal((await bench.until('issued', 'Succeeded')).status?.attempt, 1)
})

test('a Job that is deleted takes its pod along, and one of the same name starts anew', async () => {
  await create('brief')
  const pod = await podOf('brief')
  await client.delete(jobs, inDefault('brief'))
  await create('brief')
  await letGo(pod)
  const next = await eventually(
    async () => {
      const found = await client.get(pods, inDefault('brief-a1'))
      return found?.metadata.uid === pod.metadata.uid ? undefined : found
    },
    { timeoutMs: 15_000 },
  )
  await ends(next, 0)
  assert.equal((await bench.until('brief', 'Succeeded')).status?.failures, 0)
})

test('a Job that comes along with its namespace waits for what that still lacks', async () => {
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fresh' } })
  const name = { namespace: 'fresh', name: 'early' }
  await create(name.name, {}, name.namespace)
  await eventually(async () => client.get(pods, { namespace: 'fresh', name: 'early-a1' }), { timeoutMs: 15_000 })
  assert.equal((await client.get(jobs, name))?.status?.phase, 'Scheduled')
})

test('a name that somebody else holds is waited for', async () => {
  await cluster.kubectlRun(
    ['create', '-f', '-'],
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'taken-a1', namespace: 'fresh' },
      spec: { containers: [{ name: 'c', image }] },
    }),
  )
  const name = { namespace: 'fresh', name: 'taken' }
  await create(name.name, {}, name.namespace)
  await eventually(
    async () => {
      const reason = (await client.get(jobs, name))?.status?.queue?.reasons[0] ?? ''
      return reason.includes('Pod taken-a1 exists already and belongs to somebody else')
    },
    { timeoutMs: 15_000 },
  )
  await cluster.kubectlRun(['delete', 'pod', 'taken-a1', '-n', 'fresh', '--force', '--grace-period=0'])
  await eventually(
    async () => (await client.get(pods, { namespace: 'fresh', name: 'taken-a1' }))?.metadata.labels?.['mnemos.dev/job'] === 'taken',
    {
      timeoutMs: 40_000,
    },
  )
})

test('a Job that ends within a second costs two writes', async () => {
  await create('short')
  await ends(await podOf('short'), 0)
  await eventually(() => watched.phases('short').includes('Succeeded'), { message: 'the watch has seen the end' })
  assert.deepEqual(watched.phases('short'), ['Pending', 'Scheduled', 'Succeeded'])
})
