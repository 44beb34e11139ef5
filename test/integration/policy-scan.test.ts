/** What a policy says of objects that exist already, as its status shows it: a real API server and our operator. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClusterPolicy, clusterPolicyResource, type Policy, policyResource } from '@mnemos/api'
import { resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { jobs, models, ScriptedWorker, startBench } from './operator.fixture.ts'
import { apply, jobYaml } from './webhook.fixture.ts'

const clusterPolicies = resource<ClusterPolicy>(clusterPolicyResource)
const policies = resource<Policy>(policyResource)
const bench = await startBench()
const { cluster, client } = bench
const operator = await bench.startOperator()
const importer = await new ScriptedWorker('importer').connect(operator.dispatch)
const readyOf = async (name: string): Promise<string | undefined> =>
  (await client.get(models, { namespace: 'default', name }))?.status?.conditions.find(({ type }) => type === 'Ready')?.reason

test('a policy counts what exists and lists what it would refuse', async () => {
  for (const [name, priority] of [
    ['a', 'critical'],
    ['b', 'low'],
    ['c', 'critical'],
  ] as const)
    assert.equal((await apply(cluster, jobYaml(name, `priority: ${priority}`, 'suspend: true'))).code, 0)
  await apply(
    cluster,
    `apiVersion: mnemos.dev/v1alpha1
kind: Policy
metadata: {name: calm, namespace: default}
spec:
  mode: Audit
  match: {kinds: [Job]}
  rules:
    - {name: ceiling, limits: {maxPriority: high}}
`,
  )
  const { status } = await eventually(async () => {
    const policy = await client.get(policies, { namespace: 'default', name: 'calm' })
    assert.equal(policy?.status?.violations, 2, JSON.stringify(policy?.status))
    return policy
  })
  assert.equal(status?.matched, 3)
  assert.deepEqual(
    status.violating?.map(({ name, field, rule }) => [name, field, rule]),
    [
      ['a', 'spec.priority', 'ceiling'],
      ['c', 'spec.priority', 'ceiling'],
    ],
  )
  const printed = await cluster.kubectlRun(['get', 'mnpol', 'calm'])
  assert.match(printed.stdout, /calm\s+Audit\s+True\s+InForce\s+3\s+2\s/)
})

test('a policy that was stored without admission and does not compile says where', async () => {
  // No webhook here: as when it was away.
  await apply(
    cluster,
    `apiVersion: mnemos.dev/v1alpha1
kind: ClusterPolicy
metadata: {name: slip}
spec:
  rules:
    - {name: r, expression: "objekt == 1"}
`,
  )
  const policy = await eventually(async () => {
    const found = await client.get(clusterPolicies, { name: 'slip' })
    assert.ok(found?.status?.conditions[0])
    return found
  })
  const [condition] = policy.status?.conditions ?? []
  assert.deepEqual([condition?.status, condition?.reason], ['False', 'DoesNotCompile'])
  assert.match(condition?.message ?? '', /spec\.rules\[0\]\.expression there is no variable "objekt"/)
})

test('a Model whose licence turns out to be forbidden is not used, until the policy changes its mind', async () => {
  await apply(
    cluster,
    `apiVersion: mnemos.dev/v1alpha1
kind: Model
metadata: {name: closed, namespace: default}
spec:
  license: CC-BY-NC-4.0
  source: {uri: "https://models.example.com/closed.gguf"}
`,
  )
  await eventually(async () => (await readyOf('closed')) === 'ArtifactVerified')
  importer.disconnect()
  const policy = (license: string): string => `apiVersion: mnemos.dev/v1alpha1
kind: ClusterPolicy
metadata: {name: open-only}
spec:
  rules:
    - {name: licence, license: {allow: [${license}]}}
`
  await apply(cluster, policy('MIT'))
  await eventually(async () => (await readyOf('closed')) === 'PolicyViolation')
  assert.equal((await apply(cluster, jobYaml('asks-closed').replace('smollm', 'closed'))).code, 0)
  await eventually(async () => {
    const job = await client.get(jobs, { namespace: 'default', name: 'asks-closed' })
    return /a policy does not allow it/.test(JSON.stringify(job?.status ?? {}))
  })
  await apply(cluster, policy('CC-BY-NC-4.0'))
  await eventually(async () => (await readyOf('closed')) === 'ArtifactVerified')
})
