/**
 * The namespace is the wall: a Model and a pool serve other namespaces only if they say so, whatever a worker has in its cache; and
 * each wall is told apart in the status of the Job that stands before it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiVersion, queueResource, type WorkerPool, workerPoolResource } from '@mnemos/api'
import { type KubeObject, resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { createModel, jobs, models, ScriptedWorker, startBench } from './operator.fixture.ts'

const queues = resource(queueResource)
const pools = resource<WorkerPool>(workerPoolResource)
const bench = await startBench()
const { client, cluster } = bench
const done = new Set<string>()
await createModel(client, 'm')
const operator = await bench.startOperator()
// It holds the model of every Job here: what it has in its cache opens no wall.
const worker = await new ScriptedWorker('w').connect(operator.dispatch)
await eventually(async () => (await client.get(models, { namespace: 'default', name: 'm' }))?.status?.phase === 'Ready')
for (const team of ['red', 'blue']) {
  await cluster.kubectlRun(['create', 'namespace', team])
  await cluster.kubectlRun(['label', 'namespace', team, `colour=${team}`])
  await submit(team, 'job')
}

async function submit(namespace: string, name: string, more: object = {}): Promise<void> {
  const inference = { modelRef: { name: 'm', namespace: 'default' }, prompt: 'Say hello.' }
  const job: KubeObject & { spec: object } = { apiVersion, kind: 'Job', metadata: { namespace, name }, spec: { inference, ...more } }
  await client.create(jobs, job)
}

const statusOf = async (team: string, name = 'job') => (await client.get(jobs, { namespace: team, name }))?.status
const stands = (team: string, reason: string, message: RegExp, name = 'job') =>
  eventually(
    async () => {
      const status = await statusOf(team, name)
      const found = status?.conditions.find((each) => each.reason === reason)
      assert.match(found?.message ?? JSON.stringify(status), message)
      return true
    },
    { timeoutMs: 15_000, message: `the Job of ${team} says ${reason}` },
  )

test('a Model that says nothing serves its own namespace alone, and the Job says who can change that', async () => {
  for (const team of ['red', 'blue'])
    await stands(team, 'ModelNotAllowed', new RegExp(`does not allow namespace ${team}; its owner can add it to spec.allowedNamespaces`))
})

test('a Model that lets in one namespace by its labels lets in no other; a pool is a wall of its own', async () => {
  const allowedNamespaces = { from: 'Selector', selector: { matchLabels: { colour: 'red' } } }
  await client.patch(models, { namespace: 'default', name: 'm' }, { spec: { allowedNamespaces } })
  await submit('red', 'newcomer')
  await stands('red', 'NoWorker', /in a pool that this namespace may use; none of the 1 connected is one/, 'newcomer')
  await stands('blue', 'ModelNotAllowed', /does not allow namespace blue/)
})

test('both walls open: the Job runs, and the one of the other namespace stands where it stood', async () => {
  await client.patch(pools, { namespace: 'default', name: 'pool' }, { spec: { allowedNamespaces: { from: 'All' } } })
  // Two Jobs of red wait, and which is first is not the question here.
  while (done.size < 2) {
    const given = await eventually(() => worker.assigned.find(({ ref }) => ref.namespace === 'red' && !done.has(ref.name)), {
      timeoutMs: 40_000,
    })
    done.add(given.ref.name)
    worker.succeed(given.ref)
  }
  await eventually(async () => (await statusOf('red'))?.phase === 'Succeeded', { timeoutMs: 15_000 })
  assert.equal((await statusOf('blue'))?.phase, 'Pending')
  assert.ok(!worker.assigned.some(({ ref }) => ref.namespace === 'blue'))
})

test('a namespace that loses its label loses the Model for what comes next', async () => {
  await cluster.kubectlRun(['label', 'namespace', 'red', 'colour-'])
  await submit('red', 'late')
  await stands('red', 'ModelNotAllowed', /does not allow namespace red/, 'late')
})

test('a Queue that is for some namespaces takes no Jobs of others, until their labels say so', async () => {
  await client.patch(models, { namespace: 'default', name: 'm' }, { spec: { allowedNamespaces: { from: 'All', selector: null } } })
  const queue = { apiVersion, kind: 'Queue', metadata: { name: 'research' } }
  await client.create(queues, { ...queue, ...{ spec: { namespaceSelector: { matchLabels: { research: 'yes' } } } } })
  await submit('blue', 'study', { queue: 'research' })
  await stands('blue', 'QueueNotAllowed', /Queue research does not take Jobs of namespace blue; set spec\.queue to another/, 'study')
  await cluster.kubectlRun(['label', 'namespace', 'blue', 'research=yes'])
  const given = await eventually(() => worker.assigned.find(({ ref }) => ref.name === 'study'), { timeoutMs: 15_000 })
  worker.succeed(given.ref)
  await eventually(async () => (await statusOf('blue', 'study'))?.phase === 'Succeeded', { timeoutMs: 15_000 })
})
