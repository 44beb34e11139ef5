/**
 * What somebody who may write our kinds tries at admission, on a real API server: rows A1, A3 and A4 of
 * docs/security-cases.md. Each test is named by its row.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { apiVersion, group, kinds } from '@mnemos/api'
import { createClient } from '@mnemos/kube'
import { eventually, startTestCluster } from '@mnemos/testkit'
import { pino } from 'pino'
import { type Answer, aJobWith, inference, pathTo, senderTo, walls } from './security.fixture.ts'
import { startWebhook } from './webhook.fixture.ts'

const cluster = await startTestCluster({ crds: true, users: [{ name: 'mallory', groups: ['system:masters'] }] })
const clients = [undefined, 'mallory'].map((user) => createClient({ credentials: cluster.credentials(user) }))
after(() => Promise.all(clients.map((client) => client.close())))
const [send, sendAsMallory] = clients.map(senderTo)
assert.ok(send !== undefined && sendAsMallory !== undefined)
await cluster.kubectlRun(['create', 'namespace', 'mnemos-system'])
const logs: string[] = []
const webhook = await startWebhook(cluster, {}, { logger: pino({ level: 'info' }, { write: (line) => void logs.push(line) }) })
after(() => webhook.stop())
const jobs = pathTo('mnemosjobs')
const critical = { priority: 'critical' }
await send('POST', `/apis/${apiVersion}/mnemosclusterpolicies`, walls)
await eventually(async () => (await create('probe', critical)).code === 422, { message: 'the policy is in force' })

async function create(name: string, spec: object = {}, { path = jobs, metadata = {}, dryRun = false } = {}): Promise<Answer> {
  assert.ok(send)
  return send('POST', path, aJobWith(name, spec, metadata), dryRun ? { query: { dryRun: 'All' } } : {})
}

function refused({ code, message }: Answer, want: RegExp, what = ''): void {
  assert.equal(code, 422, `${what}: ${code} ${message}`)
  assert.match(message, want, what)
}

const ceiling = /\/spec\/priority: critical is above high \(ClusterPolicy "walls", rule "ceiling"\)/

test('A1 the registration leaves out the system namespace, by the label that the API server itself sets, and nothing else', async () => {
  for (const kind of ['mutating', 'validating']) {
    const { stdout } = await cluster.kubectlRun(['get', `${kind}webhookconfiguration`, 'mnemos', '-o', 'json'])
    // Written by ourselves; the shape is what is tested.
    const { webhooks } = JSON.parse(stdout) as { webhooks: readonly Readonly<Record<string, unknown>>[] }
    assert.equal(webhooks.length, 1)
    const [{ namespaceSelector, objectSelector, failurePolicy, timeoutSeconds, matchPolicy, sideEffects, rules } = {}] = webhooks
    assert.deepEqual(namespaceSelector, {
      matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['mnemos-system'] }],
    })
    assert.deepEqual([objectSelector, failurePolicy, matchPolicy, sideEffects], [{}, 'Fail', 'Equivalent', 'NoneOnDryRun'])
    assert.ok(Number(timeoutSeconds) <= 5)
    const plurals = kinds.map(({ plural }) => plural)
    assert.deepEqual(rules, [{ apiGroups: [group], apiVersions: ['*'], operations: ['CREATE', 'UPDATE'], resources: plurals, scope: '*' }])
  }
})

const leaving = {
  'control-plane': 'true',
  'admission.mnemos.dev/ignore': 'true',
  'app.kubernetes.io/managed-by': 'mnemos',
  'mnemos.dev/model': 'm',
}

test('A1 labels of a tenant, on objects or on namespaces, take nothing out of the webhook', async () => {
  refused(await create('labelled', critical, { metadata: { labels: leaving } }), ceiling)
  const labels = { ...leaving, 'kubernetes.io/metadata.name': 'mnemos-system' }
  await send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'sly', labels } })
  refused(await create('sly', critical, { path: pathTo('mnemosjobs', { namespace: 'sly' }) }), ceiling, 'labelled at birth')
  await send('PATCH', '/api/v1/namespaces/sly', { metadata: { labels } }, { contentType: 'application/merge-patch+json' })
  refused(await create('sly', critical, { path: pathTo('mnemosjobs', { namespace: 'sly' }) }), ceiling, 'labelled later')
})

test('A1 a namespace that was made a moment ago is under the same policies', async () => {
  const names = Array.from({ length: 10 }, (_, at) => `fresh-${at}`)
  const answers = await Promise.all(
    names.map(async (name) => {
      await send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
      return create('first', critical, { path: pathTo('mnemosjobs', { namespace: name }) })
    }),
  )
  for (const answer of answers) refused(answer, ceiling)
})

test('A3 a dry run gets the same verdict, takes nothing of a rate limit, and leaves no record', async () => {
  await send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'dry' } })
  const path = pathTo('mnemosjobs', { namespace: 'dry' })
  const rules = [
    { name: 'once', rateLimit: { requests: 1, windowSeconds: 3600, per: 'Policy' } },
    { name: 'known', expression: "object.metadata.name != 'known'" },
  ]
  await send('POST', pathTo('mnemospolicies', { namespace: 'dry' }), {
    apiVersion,
    kind: 'Policy',
    metadata: { name: 'one' },
    spec: { rules },
  })
  await eventually(async () => (await create('known', {}, { path, dryRun: true })).code === 422, { message: 'the policy is in force' })
  logs.length = 0
  const dry = { path, dryRun: true }
  for (let at = 0; at < 5; at++) assert.equal((await create(`dry-${at}`, {}, dry)).code, 200)
  const wrong = { priority: 'critical', retry: { limit: -1 } }
  const tried = await create('wrong', wrong, dry)
  assert.deepEqual(
    logs.filter((each) => each.includes('"log":"audit"')),
    [],
  )
  assert.equal((await create('counted', {}, { path })).code, 200, 'the dry runs took nothing')
  assert.equal((await create('second', {}, dry)).code, 429)
  const refusal = await create('wrong', wrong, { path })
  assert.deepEqual([refusal.code, refusal.message], [tried.code, tried.message])
  assert.ok(logs.some((each) => each.includes('"log":"audit"') && each.includes('"wrong"')))
})

interface Change {
  readonly path: string
  readonly spec: object
  readonly want: RegExp
}

const digest = `sha256:${'0'.repeat(64)}`
const source = { uri: 's3://models/x.gguf', digest }
const changes: Readonly<Record<string, Change>> = {
  'the image': {
    path: pathTo('mnemosjobs', { name: 'contained' }),
    spec: { container: { image: 'evil.example/x' } },
    want: /image evil\.example\/x is not allowed|container cannot change/,
  },
  'the address of a Model': {
    path: pathTo('mnemosmodels', { name: 'sourced' }),
    spec: { source: { uri: 'https://evil.example/x.gguf', digest } },
    want: /evil\.example\/x\.gguf is no source that is allowed/,
  },
  'the priority': { path: pathTo('mnemosjobs', { name: 'calm' }), spec: { inference, priority: 'critical' }, want: ceiling },
  'the prompt': {
    path: pathTo('mnemosjobs', { name: 'calm' }),
    spec: { inference: { ...inference, prompt: 'Another.' } },
    want: /inference cannot change after creation/,
  },
}

test('A4 what was benign when it was created is judged again however it is changed', async (t) => {
  await send('POST', jobs, {
    apiVersion,
    kind: 'Job',
    metadata: { name: 'contained' },
    spec: { container: { image: 'registry.example.com/a' } },
  })
  await send('POST', pathTo('mnemosmodels'), { apiVersion, kind: 'Model', metadata: { name: 'sourced' }, spec: { source } })
  assert.equal((await create('calm')).code, 200)
  for (const [what, { path, spec, want }] of Object.entries(changes)) {
    const before: Answer['object'] = (await send('GET', path)).object
    const { apiVersion: version, kind, metadata } = before
    const jsonPatch = Object.entries(spec).map(([field, value]: [string, unknown]) => ({ op: 'add', path: `/spec/${field}`, value }))
    const ways: Readonly<Record<string, () => Promise<Answer>>> = {
      PUT: () => send('PUT', path, { ...before, spec: { ...(before.spec as object), ...spec } }),
      'a merge patch': () => send('PATCH', path, { spec }, { contentType: 'application/merge-patch+json' }),
      'a JSON patch': () => send('PATCH', path, jsonPatch, { contentType: 'application/json-patch+json' }),
      'server-side apply': () =>
        send(...(['PATCH', path, { apiVersion: version, kind, metadata: { name: metadata.name }, spec }] as const), {
          contentType: 'application/apply-patch+yaml',
          query: { fieldManager: 'mallory', force: 'true' },
        }),
    }
    for (const [way, change] of Object.entries(ways)) await t.test(`${what} by ${way}`, async () => refused(await change(), want))
    assert.deepEqual((await send('GET', path)).object.spec, before.spec)
  }
})

test('A4 the requester stays who asked first, by every way to change it', async () => {
  const path = pathTo('mnemosjobs', { name: 'calm' })
  const before = (await send('GET', path)).object
  const requester = 'mnemos.dev/requester'
  const annotations = { [requester]: 'mallory' }
  const metadata = { name: 'calm', annotations }
  await sendAsMallory('PUT', path, { ...before, metadata: { ...before.metadata, annotations } })
  await sendAsMallory('PATCH', path, { metadata: { annotations } }, { contentType: 'application/merge-patch+json' })
  const apply = { contentType: 'application/apply-patch+yaml', query: { fieldManager: 'mallory', force: 'true' } }
  await sendAsMallory('PATCH', path, { apiVersion, kind: 'Job', metadata, spec: { inference } }, apply)
  for (const under of [path, `${path}/status`]) {
    const patch = [{ op: 'remove', path: '/metadata/annotations' }]
    await sendAsMallory('PATCH', under, patch, { contentType: 'application/json-patch+json' })
  }
  await sendAsMallory('PATCH', `${path}/status`, { metadata: { annotations } }, { contentType: 'application/merge-patch+json' })
  assert.equal((await send('GET', path)).object.metadata.annotations?.[requester], 'admin')
})
