/** Promotion and rollback by aliases, as Jobs see them: a real API server and our operator, and a worker that does as it is told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiVersion, type ClusterPolicy, clusterPolicyResource, type Model, type ModelInput } from '@mnemos/api'
import { importJobName, movedAlias, rollbackOfAlias } from '@mnemos/domain'
import { resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { createModel, type Given, jobs, models, ScriptedWorker, startBench, watchJobs } from './operator.fixture.ts'

const clusterPolicies = resource<ClusterPolicy>(clusterPolicyResource)
const bench = await startBench()
const { client } = bench
const operator = await bench.startOperator()
const worker = await new ScriptedWorker('w').connect(operator.dispatch)
const seen = await watchJobs(client)

const inDefault = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name })
const digestOf = (name: string): string => `sha256:${Buffer.from(name).toString('hex').padStart(64, '0')}`
const importedAs = (name: string): string =>
  JSON.stringify({ digest: digestOf(name), artifact: `models/sha256/${digestOf(name).slice(7)}`, sizeBytes: 1024 })
/** Each file has bytes of its own; inferences are held. */
worker.onAssign = ({ ref, work }) => {
  if (work.type === 'maintenance') worker.succeed(ref, importedAs(/(m-\d)/.exec(work.parameters.uri)?.[1] ?? 'other'))
}

async function model(name: string): Promise<Model> {
  return (await client.get(models, inDefault(name))) ?? assert.fail(`no Model ${name}`)
}

/** Waits until the Model says this of itself. */
async function says(name: string, reason: string): Promise<Model> {
  return eventually(
    async () => {
      const found = await model(name)
      const ready = found.status?.conditions.find(({ type }) => type === 'Ready')
      assert.equal(ready?.reason, reason, JSON.stringify(found.status))
      return found
    },
    { timeoutMs: 15_000, message: `Model ${name} says ${reason}` },
  )
}

async function move(said: ReturnType<typeof movedAlias>): Promise<void> {
  assert.ok(said !== undefined && 'patch' in said, JSON.stringify(said))
  await client.patch(models, inDefault('prod'), said.patch)
}

/** Asks the alias, and answers once the worker was given it. */
async function ask(name: string): Promise<Given> {
  await bench.create(name, { inference: { modelRef: { name: 'prod' }, prompt: 'Why?' } })
  const given = await worker.given(name)
  worker.succeed(given.ref)
  await bench.until(name, 'Succeeded')
  return given
}

const digestGiven = ({ work }: Given): string | undefined => (work.type === 'inference' ? work.model.digest : undefined)

test('an alias that comes before its target waits for it, and follows it once it is verified', async () => {
  await createModel(client, 'prod', { uri: 'model://m-1' })
  await says('prod', 'AliasTargetNotFound')
  await createModel(client, 'm-1')
  const { status } = await says('prod', 'AliasResolved')
  assert.deepEqual([status?.phase, status?.digest, status?.target], ['Ready', digestOf('m-1'), 'm-1'])
})

test('a Job runs on what the alias leads to, and its status says so from the write that issues the attempt', async () => {
  assert.equal(digestGiven(await ask('before')), digestOf('m-1'))
  const used = { name: 'prod', namespace: 'default', digest: digestOf('m-1'), target: 'm-1' }
  const issued = seen.versions('before').filter(({ status }) => (status?.attempt ?? 0) > 0)
  assert.ok(issued.length > 0 && issued.length <= 2, `${issued.length} writes`)
  for (const { status } of issued) assert.deepEqual(status?.model, used)
})

test('an alias that was moved leads the next Job to the new bytes, and a rollback back, and forward again', async () => {
  await createModel(client, 'm-2')
  await says('m-2', 'ArtifactVerified')
  await move(movedAlias(await model('prod'), 'm-2'))
  await eventually(async () => (await model('prod')).status?.target === 'm-2')
  assert.equal(digestGiven(await ask('after')), digestOf('m-2'))
  assert.equal((await bench.job('after')).status?.model?.target, 'm-2')
  assert.equal((await bench.job('before')).status?.model?.target, 'm-1', 'what was is not rewritten')

  await move(rollbackOfAlias(await model('prod')))
  await eventually(async () => (await model('prod')).status?.target === 'm-1')
  assert.equal(digestGiven(await ask('rolled-back')), digestOf('m-1'))

  await move(rollbackOfAlias(await model('prod')))
  await eventually(async () => (await model('prod')).status?.target === 'm-2')
  assert.equal(digestGiven(await ask('forward')), digestOf('m-2'))
})

test('bytes that a Job missed through the alias are imported again by their own Model', async () => {
  await bench.create('misses', { inference: { modelRef: { name: 'prod' }, prompt: 'Why?' } })
  const imports = (): number => worker.assigned.filter(({ work }) => work.type === 'maintenance').length
  const before = imports()
  worker.fail((await worker.given('misses')).ref, 'ModelUnavailable', 'The server has no object models/x.', 'ArtifactMissing')
  await eventually(() => imports() === before + 1, { timeoutMs: 15_000, message: 'the import comes again' })
  worker.succeed((await worker.given('misses', 2)).ref)
  await bench.until('misses', 'Succeeded')
  assert.equal((await model('m-1')).status?.phase, 'Ready')
  assert.equal(imports(), before + 1, 'and no other Model')
})

test('the import of an output of a Job may read that object, and nothing else', async () => {
  const container = { image: 'trainer', outputs: [{ name: 'model', path: '/out/model.gguf' }] }
  const { metadata } = await bench.create('train', { container, suspend: true })
  const status = { phase: 'Succeeded', attempt: 1 }
  await client.patch(jobs, inDefault('train'), { status }, { subresource: 'status' })
  await createModel(client, 'tuned', { uri: 'job://train/model' })
  await says('tuned', 'ArtifactVerified')
  const key = `outputs/default/${metadata.uid ?? ''}/a1/files/model`
  const { work, token } =
    worker.assigned.find(({ work: of }) => of.type === 'maintenance' && of.parameters.key !== undefined) ?? assert.fail()
  assert.deepEqual(work.type === 'maintenance' && work.parameters, { uri: 'job://train/model', key })
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { reads: unknown }
  assert.deepEqual(claims.reads, [key])
})

test('a policy about licences holds through the alias', async () => {
  const modelOf = (name: string, spec: ModelInput['spec']) => ({ apiVersion, kind: 'Model', metadata: inDefault(name), ...{ spec } })
  await client.create(models, modelOf('m-3', { source: { uri: 'file:///m-3.gguf' }, license: 'GPL-3.0-only' }))
  await says('m-3', 'ArtifactVerified')
  await client.create(models, modelOf('free', { source: { uri: 'model://m-3' }, license: 'Apache-2.0' }))
  await says('free', 'AliasResolved')
  await client.create(clusterPolicies, {
    ...{ apiVersion, kind: 'ClusterPolicy', metadata: { name: 'licences' } },
    ...{ spec: { mode: 'Enforce', match: { kinds: ['Model'] }, rules: [{ name: 'open', license: { deny: ['GPL-3.0-only'] } }] } },
  })
  await eventually(async () => {
    const { conditions = [] } = (await model('free')).status ?? {}
    const ready = conditions.find(({ type }) => type === 'Ready')
    assert.equal(ready?.status, 'False', JSON.stringify(ready))
    assert.match(ready.message, /GPL-3\.0-only is denied/)
    return true
  })
  await client.delete(clusterPolicies, { name: 'licences' })
  await says('free', 'AliasResolved')
})

test('an alias whose target is deleted says so, and Jobs wait without an attempt until it is there again', async () => {
  // There is no garbage collector here: its import would stay.
  const importJob = importJobName(await model('m-2'))
  await client.delete(models, inDefault('m-2'))
  await client.delete(jobs, inDefault(importJob))
  const { status } = await says('prod', 'AliasTargetNotFound')
  assert.deepEqual([status?.digest, status?.artifact, status?.target], [undefined, undefined, undefined])
  await bench.create('waits', { inference: { modelRef: { name: 'prod' }, prompt: 'Why?' } })
  await eventually(async () =>
    /waits for Model prod: it is an alias/.test(JSON.stringify((await client.get(jobs, inDefault('waits')))?.status?.queue ?? {})),
  )
  assert.equal((await bench.job('waits')).status?.attempt, 0)
  await createModel(client, 'm-2')
  worker.succeed((await worker.given('waits')).ref)
  await bench.until('waits', 'Succeeded')
})

test('a cycle is told with its path, and ends when one of them is corrected', async () => {
  await createModel(client, 'ping', { uri: 'model://pong' })
  await createModel(client, 'pong', { uri: 'model://ping' })
  const { status } = await says('ping', 'AliasCycle')
  assert.match(status?.conditions.find(({ type }) => type === 'Ready')?.message ?? '', /ping → pong → ping/)
  await says('pong', 'AliasCycle')
  await client.patch(models, inDefault('pong'), { spec: { source: { uri: 'model://m-1' } } })
  for (const name of ['ping', 'pong']) assert.equal((await says(name, 'AliasResolved')).status?.target, 'm-1')
})
