/** The artifact store loses the bytes of a Model: a real API server and our operator. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '@mnemos/testkit'
import { createModel, digest, imported, jobs, models, ScriptedWorker, startBench } from './operator.fixture.ts'

const bench = await startBench()
const { client } = bench
const operator = await bench.startOperator()
const worker = await new ScriptedWorker('w').connect(operator.dispatch)
const inDefault = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name })
const importJob = async (): Promise<{ readonly name: string; readonly uid: string | undefined }> => {
  const { items } = await client.list(jobs, { namespace: 'default' })
  const { name, uid } = items.find(({ spec }) => spec.maintenance !== undefined)?.metadata ?? assert.fail('no import')
  return { name, uid }
}

test('they are imported again, the Job that missed them runs then, and others wait without an attempt', async () => {
  await createModel(client, 'm')
  await bench.create('asks')
  const { ref } = await worker.given('asks')
  const before = await importJob()
  worker.onAssign = () => undefined
  worker.fail(ref, 'ModelUnavailable', 'The server has no object models/x.', 'ArtifactMissing')
  const again = await eventually(
    () => worker.assigned.find(({ work, ref: { jobUid } }) => work.type === 'maintenance' && jobUid !== before.uid),
    { timeoutMs: 30_000, message: 'the import comes again' },
  )
  assert.equal((await client.get(models, inDefault('m')))?.status?.artifact, undefined)
  await bench.create('waits')
  await eventually(async () => /waits for Model m/.test(JSON.stringify((await bench.job('waits')).status?.queue ?? {})))
  assert.equal((await bench.job('waits')).status?.attempt, 0)
  worker.succeed(again.ref, imported)
  for (const name of ['asks', 'waits']) worker.succeed((await worker.given(name, name === 'asks' ? 2 : 1)).ref)
  for (const name of ['asks', 'waits']) await bench.until(name, 'Succeeded')
  assert.equal((await client.get(models, inDefault('m')))?.status?.digest, digest)
  assert.notEqual((await importJob()).uid, before.uid)
})
