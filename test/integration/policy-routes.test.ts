/** Rules over HTTP: a real API server with a real webhook behind the server; every request as its caller. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { apiVersion } from '@mnemos/api'
import { eventually } from '@mnemos/testkit'
import { startServerBench } from './server.fixture.ts'
import { startWebhook } from './webhook.fixture.ts'

const bench = await startServerBench({ bodyBytes: 256 * 1024 })
const { cluster } = bench
const webhook = await startWebhook(cluster)
after(() => webhook.stop())
for (const [name, verbs, resources] of [
  ['policies', '*', 'mnemospolicies.mnemos.dev'],
  ['schemas', '*', 'mnemosschemas.mnemos.dev,mnemosclusterpolicies.mnemos.dev'],
] as const) {
  await cluster.kubectlRun(['create', 'clusterrole', name, `--verb=${verbs}`, `--resource=${resources}`])
}
await cluster.kubectlRun(['-n', 'alice', 'create', 'rolebinding', 'policies', '--clusterrole=policies', '--user=alice'])
await cluster.kubectlRun(['create', 'clusterrolebinding', 'schemas', '--clusterrole=schemas', '--user=alice'])

interface ValidationError {
  readonly document?: string
  readonly pointer: string
  readonly field: string
  readonly message: string
  readonly expected?: string
  readonly suggestion?: string
}

/** Whatever the routes answer with; each test reads what its route has. */
interface Body {
  readonly valid: boolean | number
  readonly invalid: number
  readonly errors: readonly ValidationError[]
  readonly results: readonly { readonly index: number; readonly valid: boolean; readonly problem?: string }[]
  readonly object: { readonly spec: { readonly queue: string } }
  readonly spec: { readonly mode: string; readonly inference: object }
  readonly error: { readonly message: string; readonly details: readonly { readonly field: string }[] }
  readonly passed: number
  readonly failed: number
  readonly compatible: boolean
  readonly mode: string
  readonly result: string
  readonly differences: readonly { readonly pointer: string; readonly counterExample: unknown }[]
  readonly items: readonly unknown[]
  readonly metadata: { readonly continue?: string }
}

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Body
}

async function call(user: string, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) }
  const answer = await bench.fetchAs(user, path, { ...init, headers: { 'content-type': 'application/json', ...headers } })
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, body: JSON.parse(text === '' ? '{}' : text) as Body }
}
const aJob = (spec: object = {}, metadata: object = { name: 'asked', namespace: 'alice' }): object => ({
  ...{ apiVersion, kind: 'Job', metadata },
  spec: { inference: { modelRef: { name: 'm' }, prompt: 'hi' }, ...spec },
})
const aPolicy = (maxPriority: string, name = 'calm'): object => ({
  ...{ apiVersion, kind: 'Policy', metadata: { name } },
  spec: { rules: [{ name: 'ceiling', limits: { maxPriority } }] },
})

test('validate tells every mistake at once, with pointer, what was expected and found, and what was meant', async () => {
  const wrong = aJob({
    priority: 'hihg',
    inference: { modelRef: { name: 'm' }, prompt: 'hi', parameters: { maxToken: 7, temperature: 9 } },
  })
  const { status, body } = await call('alice', 'POST', '/v1/validate', wrong)
  assert.equal(status, 200)
  assert.equal(body.valid, false)
  const by = Object.fromEntries(body.errors.map((error) => [error.pointer, error]))
  assert.deepEqual(Object.keys(by).sort(), [
    '/spec/inference/parameters/maxToken',
    '/spec/inference/parameters/temperature',
    '/spec/priority',
  ])
  assert.match(by['/spec/priority']?.suggestion ?? '', /high/)
  assert.equal(by['/spec/priority']?.field, 'spec.priority')
  assert.match(by['/spec/inference/parameters/maxToken']?.suggestion ?? '', /maxTokens/)
  assert.ok(by['/spec/inference/parameters/temperature']?.expected !== undefined)
})

test('validate stores nothing, shows what would be stored, and takes objects that exist', async () => {
  const { body } = await call('alice', 'POST', '/v1/validate', aJob())
  assert.equal(body.valid, true, JSON.stringify(body))
  assert.equal(body.object.spec.queue, 'default')
  assert.equal((await call('alice', 'GET', '/v1/jobs/asked?namespace=alice')).status, 404)
  const unnamed = await call('alice', 'POST', '/v1/validate?namespace=alice', aJob({}, { generateName: 'x-' }))
  assert.equal(unnamed.body.valid, true, JSON.stringify(unnamed.body))
  await call('alice', 'POST', '/v1/jobs?namespace=alice', aJob({}, { name: 'there' }))
  const stored = (await call('alice', 'GET', '/v1/jobs/there?namespace=alice')).body
  assert.equal((await call('alice', 'POST', '/v1/validate', stored)).body.valid, true)
  const frozen = { ...stored, spec: { ...stored.spec, inference: { ...stored.spec.inference, prompt: 'other' } } }
  assert.equal((await call('alice', 'POST', '/v1/validate', frozen)).body.valid, false, 'a frozen field')
})

test('validate asks as the caller: who may not create is told which right is missing', async () => {
  const { status, body } = await call('bob', 'POST', '/v1/validate', aJob())
  assert.equal(status, 403)
  assert.match(body.error.message, /mnemosjobs/)
  assert.equal((await call('alice', 'POST', '/v1/validate', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } })).status, 400)
  assert.equal(
    (await fetch(`${bench.url}/v1/validate`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })).status,
    401,
  )
})

test('a policy is created, read with its ETag, changed only by who saw it, and deleted', async () => {
  const path = '/v1/policies?namespace=alice'
  const one = '/v1/policies/calm?namespace=alice'
  const made = await call('alice', 'POST', path, aPolicy('high'))
  assert.equal(made.status, 201, JSON.stringify(made.body))
  const read = await call('alice', 'GET', one)
  const tag = read.headers.get('etag') ?? ''
  assert.match(tag, /^"\d+"$/)
  assert.equal((await call('alice', 'GET', one, undefined, { 'if-none-match': tag })).status, 304)
  assert.equal((await call('alice', 'PUT', one, aPolicy('normal'))).status, 428)
  const old = await call('alice', 'PUT', one, aPolicy('normal'), { 'if-match': '"1"' })
  assert.equal(old.status, 412, JSON.stringify(old.body))
  const current = (await call('alice', 'GET', one)).headers.get('etag') ?? ''
  const put = await call('alice', 'PUT', one, aPolicy('normal'), { 'if-match': current })
  assert.equal(put.status, 200, JSON.stringify(put.body))
  assert.notEqual(put.headers.get('etag'), current)
  const patched = await call(
    'alice',
    'PATCH',
    one,
    { spec: { mode: 'Audit' } },
    {
      'if-match': (await call('alice', 'GET', one)).headers.get('etag') ?? '',
      'content-type': 'application/merge-patch+json',
    },
  )
  assert.equal(patched.body.spec.mode, 'Audit')
  assert.equal((await call('bob', 'GET', one)).status, 403)
  assert.equal((await call('alice', 'DELETE', one, undefined, { 'if-match': '"1"' })).status, 412)
  assert.equal((await call('alice', 'DELETE', `${one}&dryRun=true`)).status, 200)
  assert.equal((await call('alice', 'GET', one)).status, 200)
  assert.equal((await call('alice', 'DELETE', one)).status, 200)
  assert.equal((await call('alice', 'GET', one)).status, 404)
})

test('a policy that does not compile is refused with the place, and a dry run says whom it would hit', async () => {
  const broken = { ...aPolicy('high'), spec: { rules: [{ name: 'slip', expression: '1 +' }] } }
  const { status, body } = await call('alice', 'POST', '/v1/policies?namespace=alice', broken)
  assert.equal(status, 422)
  assert.equal(body.error.details[0]?.field, 'spec.rules[0].expression')
  const dry = await call('alice', 'POST', '/v1/policies?namespace=alice&dryRun=true', aPolicy('low'))
  assert.equal(dry.status, 201)
  assert.match(dry.headers.get('warning') ?? '', /would refuse 1 of the 1 objects/)
})

test('policies in force are part of the verdict, in one and in many', async () => {
  await call('alice', 'POST', '/v1/policies?namespace=alice', aPolicy('normal', 'strict'))
  const high = aJob({ priority: 'high' })
  await eventually(async () => !(await call('alice', 'POST', '/v1/validate', high)).body.valid, { message: 'the policy is in force' })
  const { body } = await call('alice', 'POST', '/v1/validate', high)
  assert.deepEqual([body.errors.length, body.errors[0]?.pointer, body.errors[0]?.field], [1, '/spec/priority', 'spec.priority'])
  assert.match(body.errors[0]?.message ?? '', /high is above normal \(Policy "alice\/strict", rule "ceiling"\)/)
  const objects = [aJob(), high, 7, aJob({ priority: 'hihg' }), aJob({}, { name: 'last', namespace: 'alice' })]
  const many = await call('alice', 'POST', '/v1/validate/batch', { objects })
  assert.deepEqual([many.body.valid, many.body.invalid], [2, 3])
  assert.deepEqual(
    many.body.results.map(({ index, valid }) => [index, valid]),
    [
      [0, true],
      [1, false],
      [2, false],
      [3, false],
      [4, true],
    ],
  )
  const foreign = await call('alice', 'POST', '/v1/validate/batch', { objects: [aJob({}, { name: 'x', namespace: 'bob' }), aJob()] })
  assert.deepEqual([foreign.body.valid, foreign.body.invalid], [1, 1], 'one that alice may not create hides no other')
  assert.equal((await call('alice', 'POST', '/v1/validate/batch', { objects: Array.from({ length: 101 }, () => 1) })).status, 400)
})

test('a stored policy is tried on cases', async () => {
  const cases = [
    { name: 'above', object: aJob({ priority: 'high' }), expect: 'Refused', rule: 'ceiling' },
    { name: 'wrong', object: aJob(), expect: 'Refused' },
  ]
  const { body } = await call('alice', 'POST', '/v1/policies/strict/test?namespace=alice', { cases })
  assert.deepEqual([body.passed, body.failed], [1, 1])
  assert.match(body.results[1]?.problem ?? '', /it is Allowed and should be Refused/)
  assert.equal((await call('bob', 'POST', '/v1/policies/strict/test?namespace=alice', { cases })).status, 403)
  assert.equal((await call('alice', 'POST', '/v1/policies/nothing/test?namespace=alice', { cases })).status, 404)
})

test('compatibility names each difference with a document that shows it, of two documents and of a stored Schema', async () => {
  const older = { type: 'object', properties: { count: { type: 'integer', maximum: 10 } } }
  const newer = { type: 'object', properties: { count: { type: 'integer', maximum: 5 } } }
  const { body } = await call('alice', 'POST', '/v1/compatibility', { older, newer })
  assert.deepEqual([body.compatible, body.mode, body.differences[0]?.pointer], [false, 'BACKWARD', '/count'])
  assert.ok(body.differences.every(({ counterExample }) => counterExample !== undefined))
  assert.equal((await call('alice', 'POST', '/v1/compatibility', { older, newer, mode: 'FORWARD' })).body.compatible, true)
  const unreadable = await call('alice', 'POST', '/v1/compatibility', { older, newer: { type: 'strnig' } })
  assert.deepEqual([unreadable.body.result, unreadable.body.errors[0]?.document], ['unreadable', 'newer'])
  const schema = {
    apiVersion,
    kind: 'Schema',
    metadata: { name: 'counts' },
    spec: { document: older, compatibility: 'FULL', appliesTo: [{ kind: 'Job' }], mode: 'Off' },
  }
  const made = await call('alice', 'POST', '/v1/schemas', schema)
  assert.equal(made.status, 201, JSON.stringify(made.body))
  const stored = await call('alice', 'POST', '/v1/compatibility', { schema: 'counts', document: newer })
  assert.deepEqual([stored.body.compatible, stored.body.mode], [false, 'FULL'])
  assert.equal((await call('carol', 'POST', '/v1/compatibility', { schema: 'counts', document: newer })).status, 403)
})

test('lists come in pages', async () => {
  for (const name of ['a', 'b', 'c']) await call('alice', 'POST', '/v1/policies?namespace=alice', aPolicy('high', name))
  const first = (await call('alice', 'GET', '/v1/policies?namespace=alice&limit=2')).body
  assert.equal(first.items.length, 2)
  const rest = (await call('alice', 'GET', `/v1/policies?namespace=alice&continue=${first.metadata.continue ?? ''}`)).body
  assert.equal(rest.items.length, 2)
  assert.equal((await call('alice', 'GET', '/v1/policies?limit=0')).status, 400)
})

test('answers are compressed for who asks, and one user who asks too often is told when to come back', async () => {
  const answer = await bench.fetchAs('alice', '/v1/policies?namespace=alice', { headers: { 'accept-encoding': 'gzip' } })
  assert.equal(answer.headers.get('content-encoding'), 'gzip')
  const hasty = await Promise.all(Array.from({ length: 700 }, () => bench.fetchAs('bob', '/v1/jobs?namespace=bob&limit=1')))
  const refused = hasty.filter(({ status }) => status === 429)
  // Some of the minute's 600 were taken by the tests above.
  assert.ok(refused.length >= 100 && refused.length < 120, `${refused.length} refused`)
  assert.match(refused[0]?.headers.get('retry-after') ?? '', /^\d+$/)
  assert.equal((await call('alice', 'GET', '/v1/policies?namespace=alice')).status, 200)
})
