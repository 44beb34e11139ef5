/**
 * Who may do what: every kind, every verb, every role that the chart adds to, asked of a real API server by SelfSubjectAccessReview as
 * the person, and compared both ways: what is expected is granted, and nothing else is.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { group, kinds } from '@mnemos/api'
import { helmPrograms } from '@mnemos/cluster'
import { type Client, createClient, type KubeObject, resource } from '@mnemos/kube'
import { eventually, startTestCluster } from '@mnemos/testkit'
import { render } from './chart.fixture.ts'

/** In namespace `team`, by a RoleBinding to the role of Kubernetes or, for the platform, by a ClusterRoleBinding to ours. */
const people = ['stranger', 'viewer', 'editor', 'owner', 'platform'] as const
type Person = (typeof people)[number]
const read = ['get', 'list', 'watch']
const write = ['create', 'update', 'patch', 'delete', 'deletecollection']

/** Who reads and who writes in the namespace of the team. Everybody else may not; the platform may everywhere. */
const wanted: Readonly<Record<string, { readonly reads: readonly Person[]; readonly writes: readonly Person[] }>> = {
  // Of a team.
  Model: { reads: ['viewer', 'editor', 'owner', 'platform'], writes: ['editor', 'owner', 'platform'] },
  Pipeline: { reads: ['viewer', 'editor', 'owner', 'platform'], writes: ['editor', 'owner', 'platform'] },
  PipelineRun: { reads: ['viewer', 'editor', 'owner', 'platform'], writes: ['editor', 'owner', 'platform'] },
  Job: { reads: ['viewer', 'editor', 'owner', 'platform'], writes: ['editor', 'owner', 'platform'] },
  // Of those who answer for the namespace.
  Policy: { reads: ['viewer', 'editor', 'owner', 'platform'], writes: ['owner', 'platform'] },
  // Of the platform, seen by teams.
  WorkerPool: { reads: ['viewer', 'editor', 'owner', 'platform'], writes: ['platform'] },
  Worker: { reads: ['viewer', 'editor', 'owner', 'platform'], writes: ['platform'] },
  // Of the cluster: whoever submits work sees what it meets.
  Queue: { reads: [...people], writes: ['platform'] },
  ClusterPolicy: { reads: [...people], writes: ['platform'] },
  Schema: { reads: [...people], writes: ['platform'] },
}

interface Review extends KubeObject {
  readonly spec?: object
  readonly status?: { readonly allowed?: boolean }
}
const reviews = resource<Review>({
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'selfsubjectaccessreviews',
  kind: 'SelfSubjectAccessReview',
  namespaced: false,
})

const { v4 } = await helmPrograms()
const cluster = await startTestCluster({
  crds: true,
  controllers: true,
  users: people.map((name) => ({ name, groups: ['system:authenticated'] })),
})
const roles = await render(v4, [], ['--show-only', 'templates/people.yaml'])
await cluster.kubectlRun(['apply', '-f', '-'], roles)
for (const namespace of ['team', 'other']) await cluster.kubectlRun(['create', 'namespace', namespace])
for (const [person, role] of [
  ['viewer', 'view'],
  ['editor', 'edit'],
  ['owner', 'admin'],
] as const)
  await cluster.kubectlRun(['create', 'rolebinding', person, '-n', 'team', `--clusterrole=${role}`, `--user=${person}`])
await cluster.kubectlRun(['create', 'clusterrolebinding', 'platform', '--clusterrole=mnemos:platform', '--user=platform'])

const clients = new Map<Person, Client>(
  people.map((person) => [person, createClient({ credentials: cluster.credentials(person), userAgent: 'test' })]),
)

interface Asked {
  readonly resource: string
  readonly subresource?: string
  readonly verb: string
  readonly namespace: string
  readonly group?: string
}

async function may(person: Person, asked: Asked): Promise<boolean> {
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', metadata: { name: '' } }
  const answer = await clients.get(person)?.create(reviews, { ...review, ...{ spec: { resourceAttributes: { group, ...asked } } } })
  return answer?.status?.allowed === true
}

// The controller manager reads the whole discovery before its first controller starts.
const aggregated = { timeoutMs: 60_000, message: 'the controller of Kubernetes has aggregated the roles' }
await eventually(() => may('viewer', { resource: 'mnemosworkers', verb: 'watch', namespace: 'team' }), aggregated)
await eventually(() => may('owner', { resource: 'mnemospolicies', verb: 'create', namespace: 'team' }), aggregated)

/** Everything that the person may do, of what is asked, as `verb namespace`. */
async function grantedTo(person: Person, resource: string): Promise<readonly string[]> {
  const asked = ['team', 'other'].flatMap((namespace) => [...read, ...write].map((verb) => ({ resource, verb, namespace })))
  const answers = await Promise.all(asked.map(async (each) => ((await may(person, each)) ? [`${each.verb} ${each.namespace}`] : [])))
  return answers.flat().sort()
}

for (const { kind, plural, scope } of kinds) {
  test(`${kind}: each role may do what is wanted, and no more`, async () => {
    const { reads, writes } = wanted[kind] ?? { reads: [], writes: [] }
    for (const person of people) {
      // A RoleBinding ends at its namespace; what is of the whole cluster is asked for in none.
      const places = person === 'platform' || scope !== 'Namespaced' ? ['team', 'other'] : ['team']
      const verbs = [...(reads.includes(person) ? read : []), ...(writes.includes(person) ? write : [])]
      const want = places.flatMap((place) => verbs.map((verb) => `${verb} ${place}`)).sort()
      assert.deepEqual(await grantedTo(person, plural), want, `${person} and ${kind}`)
    }
  })
}

test('nobody but a process writes a status, and logs are stored by the recorder alone', async () => {
  for (const person of people)
    for (const { plural } of kinds)
      for (const subresource of ['status', 'logs'])
        for (const verb of write)
          assert.equal(await may(person, { resource: plural, subresource, verb, namespace: 'team' }), false, `${person} ${verb} ${plural}`)
})

test('files of a namespace are read by who sees its Jobs, and stored and removed by who writes them', async () => {
  const verbs = ['get', 'create', 'delete', 'update', 'list']
  const want: Readonly<Record<Person, readonly string[]>> = {
    ...{ stranger: [], viewer: ['get'] },
    ...{ editor: ['get', 'create', 'delete'], owner: ['get', 'create', 'delete'], platform: ['get', 'create', 'delete'] },
  }
  for (const person of people) {
    const asked = verbs.map((verb) => ({ resource: 'mnemosjobs', subresource: 'files', verb, namespace: 'team' }))
    const granted = await Promise.all(asked.map(async (each) => ((await may(person, each)) ? [each.verb] : [])))
    assert.deepEqual(granted.flat(), want[person], person)
    const elsewhere = await may(person, { resource: 'mnemosjobs', subresource: 'files', verb: 'get', namespace: 'other' })
    assert.equal(elsewhere, person === 'platform', `${person} in another namespace`)
  }
})

test('kubectl scale is for who may change the pool', async () => {
  for (const { plural, scale } of kinds)
    for (const person of people)
      assert.equal(
        await may(person, { resource: plural, subresource: 'scale', verb: 'patch', namespace: 'team' }),
        scale !== undefined && person === 'platform',
        `${person} and ${plural}/scale`,
      )
})

test('our roles give nothing that is not ours', async () => {
  const foreign = [
    { group: '', resource: 'secrets', verb: 'get' },
    { group: '', resource: 'pods', verb: 'create' },
    { group: 'rbac.authorization.k8s.io', resource: 'clusterroles', verb: 'escalate' },
    { group, resource: '*', verb: '*' },
  ]
  for (const asked of foreign)
    assert.equal(await may('platform', { ...asked, namespace: 'team' }), false, `${asked.verb} ${asked.resource}`)
})

test('without aggregation the roles of Kubernetes are as they were', async () => {
  const roles = await render(v4, ['rbac.aggregate=false'], ['--show-only', 'templates/people.yaml'])
  assert.doesNotMatch(roles, /aggregate-to/)
  await cluster.kubectlRun(['apply', '-f', '-'], roles)
  await eventually(async () => !(await may('owner', { resource: 'mnemosjobs', verb: 'get', namespace: 'team' })))
  assert.deepEqual(await grantedTo('editor', 'mnemosjobs'), [])
  assert.equal((await grantedTo('platform', 'mnemosjobs')).length, 16)
})
