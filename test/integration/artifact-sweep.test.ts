/**
 * What is removed of the outputs: a real API server, with no more rights than the chart gives the server, and the store of one machine.
 * Time is told a week and a day late, so that everything is old.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { apiVersion, type Job, jobResource, modelResource, type PipelineRun, pipelineRunResource } from '@mnemos/api'
import { openDirectoryStore } from '@mnemos/artifacts'
import { createClient, type KubeObject, policyRules, resource } from '@mnemos/kube'
import { createArtifactSweeper, readLiveObjects, serverAccess } from '@mnemos/server'
import { startTestCluster } from '@mnemos/testkit'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { stringify } from 'yaml'

const [jobs, runs, models] = [resource<Job>(jobResource), resource<PipelineRun>(pipelineRunResource), resource<KubeObject>(modelResource)]
const cluster = await startTestCluster({ crds: true, users: [{ name: 'server', groups: ['people'] }] })
const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'server' } }
await cluster.kubectlRun(['apply', '-f', '-'], stringify({ ...role, rules: policyRules(serverAccess, 'cluster') }))
await cluster.kubectlRun(['create', 'clusterrolebinding', 'server', '--clusterrole=server', '--user=server'])
const admin = createClient({ credentials: cluster.credentials() })
const asServer = createClient({ credentials: cluster.credentials('server') })
const folder = await mkdtemp(join(tmpdir(), 'mnemos-sweep-'))
const store = await openDirectoryStore(folder)
after(async () => {
  await Promise.all([admin.close(), asServer.close()])
  await rm(folder, { recursive: true, force: true })
})
const never = new AbortController().signal
const week = 7 * 24 * 60 * 60_000
const sweeper = (client = asServer) =>
  createArtifactSweeper(
    {
      artifacts: store,
      readLive: (signal) => readLiveObjects(client, signal),
      logger: pino({ level: 'silent' }),
      registry: new Registry(),
      now: () => Date.now() + week + 60_000,
    },
    { retentionMs: week, everyMs: 0, pageSize: 2, batchSize: 3 },
  )

const aJob = (name: string, spec: object = { container: { image: 'busybox' } }): Promise<Job> =>
  admin.create<Job>(jobs, { apiVersion, kind: 'Job', metadata: { namespace: 'default', name }, ...{ spec } })
const setStatus = (job: Job, status: object): Promise<Job> => admin.patch<Job>(jobs, job.metadata, { status }, { subresource: 'status' })
const put = async (...keys: string[]): Promise<void> => {
  for (const key of keys) await store.put(key, Readable.from([Buffer.from('bytes')]))
}
const place = (uid: string | undefined, attempt: number): string => `outputs/default/${uid ?? ''}/a${attempt}`

test('what nobody names goes; what a Job, a run or a Model names stays, and the last attempt of what there is', async () => {
  const gone = '00000000-0000-4000-8000-00000000000'
  const [ended, works] = [await aJob('ended'), await aJob('works')]
  await setStatus(ended, { phase: 'Succeeded', attempt: 2 })
  await setStatus(works, { phase: 'Running', attempt: 2 })
  await aJob('reads', { container: { image: 'busybox', inputs: [{ path: '/in/a', from: `artifact://${place(`${gone}1`, 1)}/files/a` }] } })
  const run = { apiVersion, kind: 'PipelineRun', metadata: { namespace: 'default', name: 'run' }, spec: { pipelineRef: { name: 'p' } } }
  await admin.create(runs, run)
  const artifact = { name: 'step/data', uri: `artifact://${place(`${gone}2`, 1)}/files/data`, sha256: 'a'.repeat(64), sizeBytes: 5 }
  const outputs = [{ name: 'all', value: [{ uri: `artifact://${place(`${gone}3`, 1)}/files/data` }] }]
  await admin.patch(runs, run.metadata, { status: { artifacts: [artifact], outputs } }, { subresource: 'status' })
  const annotations = { 'example.com/made-of': `artifact://${place(`${gone}4`, 1)}/files/data` }
  const source = { uri: 'https://example.com/m.gguf', digest: `sha256:${'a'.repeat(64)}` }
  await admin.create(models, {
    apiVersion,
    kind: 'Model',
    metadata: { namespace: 'default', name: 'm', annotations },
    ...{ spec: { source } },
  })
  const stay = [
    `${place(ended.metadata.uid, 2)}/result.json`,
    `${place(works.metadata.uid, 1)}/files/data`,
    `${place(`${gone}1`, 1)}/files/a`,
    ...[2, 3, 4].map((at) => `${place(`${gone}${at}`, 1)}/files/data`),
    'files/default/mine',
    `models/sha256/${'a'.repeat(64)}`,
  ].sort()
  const go = [
    `${place(ended.metadata.uid, 1)}/files/data`,
    `${place(`${gone}1`, 1)}/files/b`,
    ...[5, 6, 7, 8].map((at) => `${place(`${gone}${at}`, 3)}/result.json`),
  ]
  await put(...stay, ...go)
  const { removed, removedBytes, looked } = await sweeper().sweep(never)
  assert.deepEqual(await store.list(''), stay)
  assert.deepEqual([looked, removed, removedBytes], [12, go.length, 5 * go.length])
})

test('what is young stays, and goes when the Job was deleted and a week has passed', async () => {
  const job = await aJob('short')
  const key = `${place(job.metadata.uid, 1)}/result.json`
  await put(key)
  await admin.delete(jobs, job.metadata)
  const inAWeek = new Date(Date.now() + 120_000)
  await utimes(join(folder, 'objects', key), inAWeek, inAWeek)
  await sweeper().sweep(never)
  assert.ok(await store.head(key))
  await utimes(join(folder, 'objects', key), new Date(), new Date())
  assert.equal((await sweeper().sweep(never)).removed, 1)
  assert.equal(await store.head(key), undefined)
})

test('who may not read all that could name an output removes nothing', async () => {
  await put('outputs/default/nobody/a1/result.json')
  await cluster.kubectlRun(['delete', 'clusterrolebinding', 'server'])
  await assert.rejects(sweeper().sweep(never), /forbidden/i)
  assert.ok(await store.head('outputs/default/nobody/a1/result.json'))
  assert.equal((await sweeper(admin).sweep(never)).removed, 1)
})
