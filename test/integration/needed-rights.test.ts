/** MNEMOS uses a Secret, makes Jobs and moves Models only for those who may do that: whoever asks for it is asked about, at a real API server with real RBAC. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { eventually, startTcpProxy, startTestCluster } from '@mnemos/testkit'
import { pino } from 'pino'
import { apply, kubectl, type Printed, startWebhook } from './webhook.fixture.ts'

const operator = 'system:serviceaccount:mnemos-system:mnemos-operator'
const cluster = await startTestCluster({
  crds: true,
  users: ['alice', 'carol', 'mallory', operator].map((name) => ({ name, groups: ['people'] })),
})
const run = async (command: string): Promise<unknown> => cluster.kubectlRun(command.split(' '))
await run('create namespace mnemos-system')
await run('create clusterrole writer --verb=* --resource=mnemosmodels.mnemos.dev,mnemosworkerpools.mnemos.dev')
await run('create clusterrole composer --verb=* --resource=mnemospipelines.mnemos.dev,mnemospipelineruns.mnemos.dev')
await run('create clusterrolebinding composers --clusterrole=composer --group=people')
await run('create clusterrole runner --verb=create --resource=mnemosjobs.mnemos.dev')
await run('create rolebinding runners --clusterrole=runner --user=alice')
await run('create clusterrolebinding writers --clusterrole=writer --group=people')
await run('create role reader --verb=get --resource=secrets --resource-name=keys')
await run('create rolebinding readers --role=reader --user=alice --user=carol')
const logs: string[] = []
const { server, ...rest } = cluster.credentials()
// The webhook reaches the API server through a proxy; the API server reaches the webhook as ever.
const proxy = await startTcpProxy(Number(new URL(server).port))
const proxied = { ...cluster, credentials: () => ({ ...rest, server: `https://127.0.0.1:${proxy.port}` }) }
const webhook = await startWebhook(proxied, {}, { logger: pino({ level: 'info' }, { write: (line) => void logs.push(line) }) })
after(() => webhook.stop())

const model = (name: string, secret: string | undefined, uri = 's3://models/x.gguf'): string =>
  `apiVersion: mnemos.dev/v1alpha1
kind: Model
metadata: {name: ${name}, namespace: default}
spec: {source: {uri: "${uri}"${secret === undefined ? '' : `, secretRef: {name: ${secret}}`}}}
`
const pool = (name: string, ...secrets: readonly string[]): string =>
  `apiVersion: mnemos.dev/v1alpha1
kind: WorkerPool
metadata: {name: ${name}, namespace: default}
spec: {podTemplate: {imagePullSecrets: [${secrets.map((secret) => `{name: ${secret}}`).join(', ')}]}}
`
const as = (user: string, yaml: string, ...flags: readonly string[]): Promise<Printed> =>
  apply(cluster, yaml, ['--server-side', `--token=${cluster.tokenFor(user)}`, ...flags])
const refused = ({ code, stderr }: Printed, field: string, secret: string): void => {
  assert.equal(code, 1)
  assert.ok(stderr.includes(`${field}: you may not get Secret "${secret}" of namespace default`), stderr)
}

test('a Model that names a Secret is stored for who may read it and refused for who may not, a dry run too', async () => {
  refused(await as('mallory', model('stolen', 'keys')), 'spec.source.secretRef.name', 'keys')
  refused(await as('mallory', model('stolen', 'keys'), '--dry-run=server'), 'spec.source.secretRef.name', 'keys')
  refused(await as('alice', model('other', 'others')), 'spec.source.secretRef.name', 'others')
  assert.equal((await as('alice', model('own', 'keys'))).code, 0)
})

test('a stored Model keeps its Secret under other hands, but its address is not theirs to change', async () => {
  assert.equal((await as('alice', model('shared', 'keys'))).code, 0)
  const labelled = await kubectl(cluster, ['label', 'mnmodel', 'shared', 'team=a', `--token=${cluster.tokenFor('mallory')}`])
  assert.equal(labelled.code, 0, labelled.stderr)
  const patch = (change: object): Promise<Printed> =>
    kubectl(cluster, [
      ...['patch', 'mnmodel', 'shared', '--type=merge', `--patch=${JSON.stringify(change)}`],
      `--token=${cluster.tokenFor('mallory')}`,
    ])
  refused(await patch({ spec: { source: { uri: 'https://evil.example/x.gguf' } } }), 'spec.source.secretRef.name', 'keys')
  assert.equal((await as('mallory', model('plain', undefined))).code, 0)
  refused(await as('mallory', model('plain', 'keys')), 'spec.source.secretRef.name', 'keys')
})

test('a Secret for pulling images is asked about when it is added', async () => {
  refused(await as('mallory', pool('p', 'keys')), 'spec.podTemplate.imagePullSecrets[0].name', 'keys')
  assert.equal((await as('alice', pool('p', 'keys'))).code, 0)
})

test('a Pipeline does only what its author may do, and a run changes a step only for who may make Jobs', async () => {
  const pipeline = (step: string): string =>
    `apiVersion: mnemos.dev/v1alpha1
kind: Pipeline
metadata: {name: work, namespace: default}
spec: {steps: [{name: a, ${step}}]}
`
  const container = pipeline('container: {image: "example/a:1"}')
  const runOf = (more: string): string =>
    `apiVersion: mnemos.dev/v1alpha1
kind: PipelineRun
metadata: {name: once, namespace: default}
spec: {pipelineRef: {name: work}${more}}
`
  const denied = (printed: Printed, said: string): void => {
    assert.equal(printed.code, 1)
    assert.ok(printed.stderr.includes(said), printed.stderr)
  }
  denied(await as('mallory', container), 'spec.steps[0].container: you may not create mnemosjobs in namespace default')
  assert.equal((await as('alice', container)).code, 0)
  const override = ', overrides: [{step: a, image: "example/evil:1"}]'
  denied(await as('mallory', runOf(override)), 'spec.overrides: you may not create mnemosjobs in namespace default')
  assert.equal((await as('mallory', runOf(''))).code, 0, 'what its author may do, a run does for whoever may run it')
  const published = await as('carol', pipeline('publish: {alias: chat, uri: "file:///m.gguf"}'))
  assert.equal(published.code, 0, published.stderr)
})

test('what the operator makes is not asked about', async () => {
  assert.equal((await as(operator, model('child', 'keys'))).code, 0)
})

test('who tried is on record, with the field and without the Secret', () => {
  const refusals = logs.filter((line) => line.includes('"log":"audit"') && line.includes('mallory') && line.includes('secretRef'))
  assert.ok(refusals.length > 0)
  assert.doesNotMatch(refusals.join('\n'), /"keys"/)
})

// Carol has not been asked about yet: an answer would count for a while.
test('while nobody says what the user may do, nothing is stored', async () => {
  proxy.set({ kind: 'refuse' })
  const { code, stderr } = await as('carol', model('unknown', 'keys'))
  assert.equal(code, 1)
  assert.match(stderr, /cannot be judged now: the API server did not say whether you may do what it does for you; try again/)
  assert.equal((await as('carol', model('unasked', undefined))).code, 0, 'what names no Secret is judged without the API server')
  assert.ok(proxy.fired > 0)
  proxy.set(undefined)
  await eventually(async () => (await as('carol', model('unknown', 'keys'))).code === 0, { message: 'judged again' })
})
