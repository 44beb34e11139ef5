/**
 * What objects may claim about themselves and about each other, with the webhook and the operator at work on a real API server: rows
 * A5, A7, R3 and R5 of docs/security-cases.md. Each test is named by its row.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { apiVersion, type Job } from '@mnemos/api'
import { importJobName, type Pod } from '@mnemos/domain'
import { resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { createModel, jobs, models, ScriptedWorker, startBench, watchJobs } from './operator.fixture.ts'
import { type Answer, aJobWith, inference, pathTo, senderTo, walls } from './security.fixture.ts'
import { apply, startWebhook } from './webhook.fixture.ts'

const merge = { contentType: 'application/merge-patch+json' }
const pods = resource<Pod>({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true })
const bench = await startBench()
const { cluster, client } = bench
// No controller makes it here, and no pod is made without it.
await cluster.kubectlRun(['create', 'serviceaccount', 'default'])
const webhook = await startWebhook(cluster)
after(() => webhook.stop())
const send = senderTo(client)
const inDefault = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name })
const create = (name: string, spec: object = {}, metadata: object = {}): Promise<Answer> =>
  send('POST', pathTo('mnemosjobs'), aJobWith(name, spec, metadata))
await send('POST', `/apis/${apiVersion}/mnemosclusterpolicies`, walls)
await eventually(async () => (await create('probe', { priority: 'critical' })).code === 422, { message: 'the policy is in force' })
let operator = await bench.startOperator()
const watched = await watchJobs(client)
const container = { inference: undefined, container: { image: 'registry.example.com/work' } }

test('A5 a spec through status, and a status through the object, change nothing', async () => {
  await create('split', { suspend: true })
  const path = pathTo('mnemosjobs', { name: 'split' })
  const before = (await send('GET', path)).object
  const status = { phase: 'Succeeded', attempt: 7 }
  assert.equal((await send('PATCH', `${path}/status`, { spec: { priority: 'critical', suspend: false } }, merge)).code, 200)
  await send('PUT', `${path}/status`, { ...(await send('GET', path)).object, spec: { inference, priority: 'critical' } })
  assert.equal((await send('PATCH', path, { status }, merge)).code, 200)
  await send('PUT', path, { ...(await send('GET', path)).object, status })
  const born = await send('POST', pathTo('mnemosjobs'), { ...aJobWith('born', { suspend: true }), status })
  const stored = (await send('GET', path)).object as Job // a Job was asked for
  assert.deepEqual(stored.spec, before.spec)
  for (const job of [stored, born.object as Job]) assert.deepEqual([job.status?.phase, job.status?.attempt], ['Pending', 0])
})

test('A5 the scale of a pool changes its replicas and nothing else, within what the schema allows', async () => {
  const path = pathTo('mnemosworkerpools', { name: 'scaled' })
  await send('POST', pathTo('mnemosworkerpools'), { apiVersion, kind: 'WorkerPool', metadata: { name: 'scaled' }, spec: { replicas: 1 } })
  const scale = (replicas: number) =>
    send('PATCH', `${path}/scale`, { spec: { replicas, podTemplate: { image: 'evil' }, network: 'Open' } }, merge)
  assert.equal((await scale(0)).code, 200)
  for (const replicas of [-1, 10_001]) assert.equal((await scale(replicas)).code, 422, String(replicas))
  const { spec } = (await send('GET', path)).object as { spec: Readonly<Record<string, unknown>> }
  assert.deepEqual([spec['replicas'], spec['podTemplate'], spec['network']], [0, undefined, 'Closed'])
  await client.delete(
    resource({ group: 'mnemos.dev', version: 'v1alpha1', plural: 'mnemosworkerpools', kind: 'WorkerPool', namespaced: true }),
    inDefault('scaled'),
  )
})

test('A5 a finalizer of somebody else keeps a deleted Job, and not its work', async () => {
  assert.equal((await create('kept', container, { finalizers: ['mallory.example/kept'] })).code, 200)
  await eventually(() => client.get(pods, inDefault('kept-a1')), { timeoutMs: 15_000, message: 'its pod is made' })
  await client.delete(jobs, inDefault('kept'))
  assert.notEqual((await bench.job('kept')).metadata.deletionTimestamp, undefined)
  await eventually(async () => (await client.get(pods, inDefault('kept-a1'))) === undefined, {
    timeoutMs: 15_000,
    message: 'its pod is gone',
  })
  await bench.until('kept', 'Cancelled')
  assert.equal((await send('PATCH', pathTo('mnemosjobs', { name: 'kept' }), { metadata: { finalizers: null } }, merge)).code, 200)
  assert.equal(await client.get(jobs, inDefault('kept')), undefined)
})

test('A5 a Job that says it blocks the deletion of a Model of somebody else does not', async () => {
  await createModel(client, 'blocked', { uri: 's3://models/blocked.gguf' })
  const model = await client.get(models, inDefault('blocked'))
  const owner = { apiVersion, kind: 'Model', name: 'blocked', uid: model?.metadata.uid ?? '', controller: true, blockOwnerDeletion: true }
  const metadata = { ownerReferences: [owner], finalizers: ['mallory.example/kept'] }
  assert.equal((await create('blocking', { suspend: true }, metadata)).code, 200)
  await client.delete(models, inDefault('blocked'))
  assert.equal(await client.get(models, inDefault('blocked')), undefined)
})

test('A7 the same object by another served version meets the same verdict, and the same stamp', async () => {
  const crd = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/mnemosjobs.mnemos.dev'
  const { spec } = (await send('GET', crd)).object as { spec: { versions: readonly object[] } }
  const versions = [...spec.versions, { ...spec.versions[0], name: 'v1alpha2', storage: false }]
  assert.equal((await send('PATCH', crd, { spec: { versions } }, merge)).code, 200)
  const path = pathTo('mnemosjobs', { version: 'v1alpha2' })
  const createNewer = (name: string, more: object = {}): Promise<Answer> =>
    send('POST', path, { ...aJobWith(name, more), apiVersion: 'mnemos.dev/v1alpha2' })
  await eventually(async () => (await createNewer('probe', { priority: 'critical' })).code !== 404, { message: 'v1alpha2 is served' })
  const wrong: readonly object[] = [
    { priority: 'critical' },
    { priority: 'hihg', retry: { limit: -1 } },
    { dependsOn: ['same'] },
    { inference: undefined, container: { image: 'evil.example/x' } },
    { inference: { ...inference, prompt: 'x'.repeat(20_000) } },
  ]
  for (const more of wrong) {
    const [older, newer] = [await create('same', more), await createNewer('same', more)]
    assert.deepEqual([newer.code, newer.message], [older.code, older.message])
    assert.equal(newer.code, 422)
  }
  const { code, object } = await createNewer('newer', { suspend: true })
  assert.equal(code, 200)
  assert.equal(object.metadata.annotations?.['mnemos.dev/requester'], 'admin')
  const patched = await send('PATCH', `${path}/newer`, { spec: { priority: 'critical' } }, merge)
  assert.equal(patched.code, 422, 'a change by it is judged, too')
})

test('R3 a reference to another namespace without a grant is answered as though nothing were there', async () => {
  for (const namespace of ['vault', 'tenant']) await cluster.kubectlRun(['create', 'namespace', namespace])
  const known = { apiVersion, kind: 'Model', metadata: { name: 'secret-one' }, spec: { source: { uri: 's3://models/x.gguf' } } }
  await send('POST', pathTo('mnemosmodels', { namespace: 'vault' }), known)
  const pool = { apiVersion, kind: 'WorkerPool', metadata: { name: 'secret-one' }, spec: { external: true } }
  await send('POST', pathTo('mnemosworkerpools', { namespace: 'vault' }), pool)
  // Objects come to the webhook in order: whoever knows this one knows the others.
  const allowedNamespaces = { from: 'All' }
  for (const [plural, object] of [
    ['mnemosmodels', known],
    ['mnemosworkerpools', pool],
  ] as const)
    await send('POST', pathTo(plural, { namespace: 'vault' }), {
      ...object,
      metadata: { name: 'open' },
      spec: { ...object.spec, allowedNamespaces },
    })
  const reference = (name: string): string => `{name: ${name}, namespace: vault}`
  const kinds: Readonly<Record<string, (to: string) => string>> = {
    Job: (to) => `spec: {inference: {modelRef: ${to}, prompt: hi}}`,
    WorkerPool: (to) => `spec: {external: true, models: [${to}]}`,
    Model: (to) => `spec: {source: {uri: "s3://models/y.gguf"}, serving: {poolRef: ${to}}}`,
  }
  for (const [kind, spec] of Object.entries(kinds)) {
    const said = async (name: string): Promise<string> => {
      const yaml = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: r3, namespace: tenant}\n${spec(reference(name))}\n`
      const { stderr } = await apply(cluster, yaml, ['--dry-run=server'])
      return stderr.replaceAll(name, 'NAME')
    }
    await eventually(async () => !(await said('open')).includes('may use'), { message: 'the webhook knows what is open' })
    const absent = await said('secret-two')
    assert.equal(await said('secret-one'), absent, kind)
    assert.match(absent, /no (Model|WorkerPool) `NAME` in namespace `vault` that namespace `tenant` may use/)
    assert.doesNotMatch(absent, /secret/)
  }
})

test('R3 a Policy of another namespace has no say here, and one of this namespace none elsewhere', async () => {
  const rules = [{ name: 'never', expression: 'false' }]
  await send('POST', pathTo('mnemospolicies', { namespace: 'vault' }), {
    apiVersion,
    kind: 'Policy',
    metadata: { name: 'p' },
    spec: { rules },
  })
  const createIn = (namespace: string) => send('POST', pathTo('mnemosjobs', { namespace }), aJobWith('ruled', { suspend: true }))
  await eventually(async () => (await createIn('vault')).code === 422)
  assert.equal((await createIn('tenant')).code, 200)
})

const containerEnded = { name: 'main', image: 'x', imageID: '', ready: false, restartCount: 0, state: { terminated: { exitCode: 0 } } }

test('R5 a pod with the labels and owner of an attempt, by another UID or another name, ends no Job', async () => {
  const victim = (await create('victim', { ...container, suspend: true })).object
  const labels = { 'app.kubernetes.io/managed-by': 'mnemos', 'mnemos.dev/job': 'victim', 'mnemos.dev/attempt': '1' }
  const forge = async (name: string, uid: string): Promise<void> => {
    const ownerReferences = [{ apiVersion, kind: 'Job', name: 'victim', uid, controller: true }]
    const spec = { containers: [{ name: 'main', image: 'x' }] }
    await client.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...inDefault(name), labels, ownerReferences },
      ...{ spec },
    })
    const status = { phase: 'Succeeded', containerStatuses: [containerEnded] }
    await send('PATCH', `/api/v1/namespaces/default/pods/${name}/status`, { status }, merge)
  }
  await forge('victim-a1', '00000000-0000-0000-0000-000000000000')
  await forge('victim-a9', victim.metadata.uid ?? '')
  await send('PATCH', pathTo('mnemosjobs', { name: 'victim' }), { spec: { suspend: false } }, merge)
  await bench.until('victim', 'Scheduled')
  await eventually(async () => (await client.get(pods, inDefault('victim-a9'))) === undefined, { message: 'the stray is removed' })
  await client.delete(pods, inDefault('victim-a1'), { graceSeconds: 0 })
  const own = await eventually(() => client.get(pods, inDefault('victim-a1')), { timeoutMs: 15_000, message: 'its own pod is made' })
  assert.equal(own.metadata.ownerReferences?.[0]?.uid, victim.metadata.uid)
  assert.deepEqual(
    watched.phases('victim').filter((phase) => phase !== 'Pending' && phase !== 'Scheduled'),
    [],
  )
  await client.delete(jobs, inDefault('victim'))
})

test('R5 a Job with the name and owner of an import that imports something else verifies no Model', async () => {
  await createModel(client, 'prey', { uri: 's3://models/prey.gguf' })
  const model = await client.get(models, inDefault('prey'))
  assert.ok(model)
  const name = importJobName(model)
  await eventually(() => client.get(jobs, inDefault(name)), { message: 'the import is made' })
  await operator.stop()
  await client.delete(jobs, inDefault(name))
  const ownerReferences = [{ apiVersion, kind: 'Model', name: 'prey', uid: model.metadata.uid, controller: true }]
  const maintenance = { task: 'ImportModel', parameters: { uri: 's3://models/another.gguf' } }
  assert.equal((await create(name, { inference: undefined, maintenance }, { ownerReferences })).code, 200)
  operator = await bench.startOperator()
  const worker = await new ScriptedWorker('importer').connect(operator.dispatch)
  await bench.until(name, 'Succeeded')
  const status = await eventually(async () => {
    const found = (await client.get(models, inDefault('prey')))?.status
    assert.ok(
      found?.conditions.some(({ type }) => type === 'Stalled'),
      JSON.stringify(found),
    )
    return found
  })
  assert.deepEqual([status.phase, status.digest, status.artifact], ['Failed', undefined, undefined])
  await client.delete(jobs, inDefault(name))
  await eventually(async () => (await client.get(models, inDefault('prey')))?.status?.phase === 'Ready', { timeoutMs: 15_000 })
  worker.disconnect()
})
