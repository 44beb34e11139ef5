/**
 * The webhook dead, silent, or attacked at its own port: rows A2 and A8 of docs/security-cases.md. Each test is named by its row.
 */
import assert from 'node:assert/strict'
import { request } from 'node:https'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { apiVersion, group, type Job, jobResource } from '@mnemos/api'
import { freePort } from '@mnemos/cluster'
import { createClient, resource } from '@mnemos/kube'
import { eventually, startTcpProxy, startTestCluster } from '@mnemos/testkit'
import { aJobWith, inference, pathTo, senderTo, walls } from './security.fixture.ts'
import { startWebhook } from './webhook.fixture.ts'

const jobs = resource<Job>(jobResource)
const cluster = await startTestCluster({ crds: true })
const client = createClient({ credentials: cluster.credentials() })
const send = senderTo(client)
await cluster.kubectlRun(['create', 'namespace', 'mnemos-system'])
/** The API server reaches the webhook through it, so that the webhook can fall silent. */
const port = await freePort()
const proxy = await startTcpProxy(port)
const webhook = await startWebhook(cluster, { port, url: `https://127.0.0.1:${proxy.port}` })
after(async () => {
  await webhook.stop()
  await client.close()
})
const create = (name: string, spec: object = {}) => send('POST', pathTo('mnemosjobs'), aJobWith(name, spec))
await send('POST', `/apis/${apiVersion}/mnemosclusterpolicies`, walls)
await eventually(async () => (await create('probe', { priority: 'critical' })).code === 422, { message: 'the policy is in force' })

interface Reply {
  readonly status: number
  readonly body: string
  readonly ms: number
}

/** A body of so many bytes in pieces: what a sender holds is not to be counted against the webhook, which is the same process. */
interface Large {
  readonly bytes: number
}
const piece = Buffer.alloc(50_000, 0x20)

function* piecesOf({ bytes }: Large): Iterable<Buffer> {
  for (let sent = 0; sent < bytes; sent += piece.length) yield piece
}

/** Straight to the port of the webhook, as nobody but an API server should. */
function post(body: string | Buffer | Large, { path = '/validate', announced = true } = {}): Promise<Reply> {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    const isLarge = typeof body === 'object' && 'bytes' in body
    const length = announced ? { 'Content-Length': isLarge ? body.bytes : Buffer.byteLength(body) } : {}
    const headers = { 'Content-Type': 'application/json', Connection: 'close', ...length }
    const outgoing = request({ host: '127.0.0.1', port, path, method: 'POST', headers, rejectUnauthorized: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text, ms: performance.now() - began }))
      // Hung up on while it still sends: the answer is there.
      response.on('error', reject)
    })
    outgoing.on('error', reject)
    if (isLarge) Readable.from(piecesOf(body)).pipe(outgoing)
    else outgoing.end(body)
  })
}

function aReview(object: object, change: object = {}): string {
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      ...{ uid: 'u1', kind: { group, version: 'v1alpha1', kind: 'Job' }, operation: 'CREATE', namespace: 'default' },
      ...{ userInfo: { username: 'mallory' }, object, oldObject: null, dryRun: true },
      ...change,
    },
  })
}

const good = aReview(aJobWith('good'))
const megabyte = 1024 * 1024
/** A letter and a letter again: what ruins a pattern that goes back. */
const long = (part: string): string => part.repeat(megabyte / part.length)
const texts = ['a', 'a@', '1 ', '-', '://', '\u0000', '1.1.1.', ' 4111', '\u200b', '\n'].map(long)
const nested = (opening: string, closing: string): string => `${opening.repeat(10_000)}1${closing.repeat(10_000)}`

const bodies: Readonly<Record<string, { body: string | Buffer | Large; want: number; announced?: boolean }>> = {
  '100 MB': { body: { bytes: 100_000_000 }, want: 413 },
  '100 MB that were not announced': { body: { bytes: 100_000_000 }, want: 413, announced: false },
  'objects nested 10,000 deep': { body: nested('{"a":', '}'), want: 400 },
  'lists nested 10,000 deep': { body: nested('[', ']'), want: 400 },
  'a spec nested 10,000 deep': { body: good.replace('"spec":{', `"spec":{"x":${nested('[', ']')},`), want: 400 },
  'a brace opened three million times': { body: '['.repeat(3_000_000), want: 400 },
  'a member twice': { body: good.replace('"spec":{', '"spec":{},"spec":{'), want: 400 },
  'a member twice, once in disguise': { body: good.replace('"spec":{', '"sp\\u0065c":{},"spec":{'), want: 400 },
  'a NUL between tokens': { body: good.replace('"spec":', '\u0000"spec":'), want: 400 },
  'a NUL in a text': { body: good.replace('Say hello.', 'Say\u0000hello.'), want: 400 },
  'half a review': { body: good.slice(0, good.length / 2), want: 400 },
  'bytes that are no UTF-8': { body: Buffer.concat([Buffer.from(good.slice(0, -1)), Buffer.from([0xc3, 0x28])]), want: 400 },
}

for (const [what, { body, want, announced }] of Object.entries(bodies)) {
  test(`A8 ${what}: ${want} at once, memory stays bounded, and the next review is answered`, async (t) => {
    const before = process.memoryUsage().rss
    const { status, ms, body: said } = await post(body, announced === undefined ? {} : { announced })
    t.diagnostic(
      `${status} after ${ms.toFixed(1)} ms, resident memory +${((process.memoryUsage().rss - before) / megabyte).toFixed(1)} MiB`,
    )
    assert.equal(status, want)
    assert.ok(ms < 2000, `${ms} ms`)
    assert.ok(process.memoryUsage().rss - before < 50 * megabyte, 'memory stays bounded')
    assert.ok(said.length < 500 && !said.includes('Say'), 'nothing of the body is repeated')
    assert.equal((await post(good)).status, 200)
  })
}

test('A8 texts of 1 MB wherever a pattern or a policy looks get a verdict in time', async (t) => {
  let longest = 0
  for (const text of texts) {
    const objects = [
      aJobWith('a', { inference: { ...inference, prompt: text } }),
      aJobWith('a', { inference: { ...inference, modelRef: { name: text } }, queue: text }),
      { ...aJobWith('a'), spec: { container: { image: text } } },
      aJobWith('a', {}, { labels: { [text]: text }, annotations: { 'mnemos.dev/requester': text } }),
    ]
    for (const object of objects) {
      const { status, ms, body } = await post(aReview(object))
      // Some of them have six bytes for each unit, and are too large as they are.
      assert.ok(status === 200 || status === 413, String(status))
      assert.ok(body.length < 20_000, 'the text is not repeated')
      assert.ok(ms < 2000, `${ms} ms`)
      longest = Math.max(longest, ms)
    }
  }
  t.diagnostic(`${texts.length * 4} texts of 1 MB, the longest took ${longest.toFixed(1)} ms`)
})

test('A8 many at once leave the API server its answers', async () => {
  const hostile = Array.from({ length: 20 }, () => post(aReview(aJobWith('a', { inference: { ...inference, prompt: long('1 ') } }))))
  assert.equal((await create('meanwhile')).code, 200)
  for (const { status } of await Promise.all(hostile)) assert.ok(status === 200 || status === 408, String(status))
})

for (const [state, fault] of [
  ['silent', { kind: 'halfOpen' }],
  ['dead', { kind: 'refuse' }],
] as const) {
  test(`A2 while the webhook is ${state}, what is forbidden and what is allowed is refused alike, within five seconds`, async (t) => {
    proxy.set(fault)
    for (const spec of [{}, { priority: 'critical' }]) {
      const began = performance.now()
      const { code, message } = await create(`while-${state}`, spec)
      const ms = performance.now() - began
      t.diagnostic(`refused with ${code} after ${ms.toFixed(0)} ms`)
      assert.equal(code, 500)
      assert.match(message, /failed calling webhook "mutate\.mnemos\.dev"/)
      assert.ok(ms <= 5000, `${ms} ms`)
    }
    assert.ok(proxy.fired > 0)
    proxy.set(undefined)
    proxy.cutAll()
    await eventually(async () => (await create(`after-${state}`)).code === 200, { timeoutMs: 30_000, message: 'admission is back' })
    assert.equal((await client.get(jobs, { namespace: 'default', name: `while-${state}` }))?.kind, undefined)
  })
}

test('A2 with the registration removed altogether, the CRDs still hold the hard invariants', async () => {
  await webhook.stop()
  for (const kind of ['mutating', 'validating']) await cluster.kubectlRun(['delete', `${kind}webhookconfiguration`, 'mnemos'])
  await eventually(async () => (await create('bare')).code === 200, { message: 'nobody is asked any more' })
  const path = pathTo('mnemosjobs', { name: 'bare' })
  const change = (patch: object) => send('PATCH', path, patch, { contentType: 'application/merge-patch+json' })
  assert.equal((await change({ spec: { cancel: true } })).code, 200)
  const tries: Readonly<Record<string, readonly [() => ReturnType<typeof send>, RegExp]>> = {
    'two kinds of work': [() => create('two', { container: { image: 'x' } }), /exactly one of inference/],
    'no work': [() => create('none', { inference: undefined }), /exactly one of inference/],
    'a prompt above 16 KiB of bytes': [() => create('big', { inference: { ...inference, prompt: '語'.repeat(6000) } }), /16 KiB/],
    root: [() => create('root', { inference: undefined, container: { image: 'x', runAsUser: 0 } }), /runAsUser/],
    'another prompt': [() => change({ spec: { inference: { prompt: 'Another.' } } }), /inference cannot change/],
    'more retries': [() => change({ spec: { retry: { limit: 100 } } }), /retry cannot change/],
    'another kind of work': [() => change({ spec: { inference: null, container: { image: 'x' } } }), /cannot change/],
    'a cancel taken back': [() => change({ spec: { cancel: false } }), /cancel cannot be taken back/],
    'a spec taken away': [() => change({ spec: null }), /spec/],
  }
  for (const [what, [attempt, want]] of Object.entries(tries)) {
    const { code, message } = await attempt()
    assert.equal(code, 422, `${what}: ${code} ${message}`)
    assert.match(message, want, what)
  }
})
