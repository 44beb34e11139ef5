/** What policies say about personal data reaches the worker with the work: a real API server and our operator. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClusterPolicy, clusterPolicyResource } from '@mnemos/api'
import { resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { createModel, ScriptedWorker, startBench } from './operator.fixture.ts'
import { apply } from './webhook.fixture.ts'

const clusterPolicies = resource<ClusterPolicy>(clusterPolicyResource)
const bench = await startBench()
const { cluster, client } = bench
const operator = await bench.startOperator()
const worker = await new ScriptedWorker('w').connect(operator.dispatch)
await createModel(client, 'm')

/** Applies a policy and waits until the operator has it, as its status shows. */
async function inForce(name: string, spec: string): Promise<void> {
  const { code, stderr } = await apply(
    cluster,
    `apiVersion: mnemos.dev/v1alpha1\nkind: ClusterPolicy\nmetadata: {name: ${name}}\nspec: ${spec}\n`,
  )
  assert.equal(code, 0, stderr)
  await eventually(async () => {
    const policy = await client.get(clusterPolicies, { name })
    return policy?.status?.observedGeneration === policy?.metadata.generation && policy?.status?.conditions[0]?.status === 'True'
  })
}

async function toldOf(name: string): Promise<unknown> {
  await bench.create(name)
  const { work } = await worker.given(name)
  return work.type === 'inference' ? work.personalData : assert.fail('it is an inference')
}

test('without a policy about it the worker is told nothing', async () => {
  assert.equal(await toldOf('free'), undefined)
})

test('the worker is told what policies say when the Job is handed over, not when it was created', async () => {
  worker.disconnect()
  await bench.create('older')
  await inForce('house', '{rules: [{name: pii, pii: {default: Allow, entities: {Email: Redact, SSN: Block, IP: Warn}}}]}')
  await worker.connect(operator.dispatch)
  const { work } = await worker.given('older')
  assert.deepEqual(work.type === 'inference' ? work.personalData : undefined, { Email: 'Redact', SSN: 'Block' })
})

test('of several policies the strictest counts, and those for others do not', async () => {
  await inForce('strict', '{rules: [{name: pii, pii: {default: Allow, entities: {Email: Block}}}]}')
  await inForce('others', '{namespaces: {include: [elsewhere]}, rules: [{name: pii, pii: {default: Block}}]}')
  assert.deepEqual(await toldOf('newer'), { Email: 'Block', SSN: 'Block' })
})
