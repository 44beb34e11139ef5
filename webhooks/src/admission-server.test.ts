import assert from 'node:assert/strict'
import { Agent, type RequestOptions, request } from 'node:https'
import { after, before, test } from 'node:test'
import { connect } from 'node:tls'
import { emptyCatalog, noPolicies, requesterAnnotation, review } from '@mnemos/domain'
import { issueAuthority, issueLeaf } from '@mnemos/identity'
import { eventually } from '@mnemos/testkit'
import { pino } from 'pino'
import { type AdmissionServer, listenForReviews } from './admission-server.ts'
import { createWebhookMetrics } from './metrics.ts'
import { noTracing } from './tracing.ts'

const validity = { now: Date.now(), lifeMs: 3_600_000 }
const authority = issueAuthority('mnemos test', validity)
const subject = { name: 'mnemos test', hosts: ['127.0.0.1'] }
const metrics = createWebhookMetrics()
const deadlineMs = 400
const agent = new Agent({ keepAlive: true, ca: authority.certificate })
let server: AdmissionServer

const start = (): Promise<AdmissionServer> =>
  listenForReviews({
    host: '127.0.0.1',
    port: 0,
    leaf: issueLeaf(authority, subject, validity),
    review: ({ request: reviewed }) => review(reviewed, { trustedUsers: new Set(), catalog: emptyCatalog, policies: noPolicies }),
    deadlineMs,
    logger: pino({ level: 'silent' }),
    metrics,
    tracing: noTracing,
  })

before(async () => {
  server = await start()
})
after(async () => {
  agent.destroy()
  await server.drain(0)
})

interface Answer {
  readonly status: number
  readonly body: string
  readonly connection: string | undefined
}

interface Call extends RequestOptions {
  readonly body?: string | Buffer
  /** Announce more than is sent, and never end. */
  readonly unfinished?: boolean
}

function call({ body, unfinished = false, ...options }: Call): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: server.port,
        path: '/mutate',
        method: 'POST',
        agent,
        headers: { 'Content-Type': 'application/json' },
        ...options,
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString(), connection: response.headers.connection }),
        )
      },
    )
    outgoing.on('error', reject)
    if (body !== undefined) outgoing.write(body)
    if (!unfinished) outgoing.end()
  })
}

function aReview(change: Record<string, unknown> = {}): string {
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u1',
      kind: { group: 'mnemos.dev', version: 'v1alpha1', kind: 'Job' },
      operation: 'CREATE',
      namespace: 'team-a',
      userInfo: { username: 'alice', groups: ['dev'] },
      object: {
        apiVersion: 'mnemos.dev/v1alpha1',
        kind: 'Job',
        metadata: { name: 'greet' },
        spec: { inference: { modelRef: { name: 'smollm' }, prompt: 'Say hello.' } },
      },
      oldObject: null,
      ...change,
    },
  })
}

interface ReviewAnswer {
  readonly response: { readonly uid: string; readonly allowed: boolean; readonly patch?: string; readonly patchType?: string }
}

test('a review is answered with its uid, a verdict and a patch', async () => {
  const answer = await call({ body: aReview() })
  const { response } = JSON.parse(answer.body) as ReviewAnswer // the shape is what is tested
  assert.deepEqual([answer.status, response.uid, response.allowed, response.patchType], [200, 'u1', true, 'JSONPatch'])
  assert.deepEqual(JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString()), [
    { op: 'add', path: '/metadata/annotations', value: { [requesterAnnotation]: 'alice' } },
  ])
})

test('a review of a subresource is admitted as it is', async () => {
  const { response } = JSON.parse((await call({ body: aReview({ subResource: 'status' }) })).body) as ReviewAnswer // as above
  assert.deepEqual([response.allowed, response.patch], [true, undefined])
})

const refused: Record<string, { call: Call; wantStatus: number }> = {
  'a body of 100 MB, announced': {
    call: { body: Buffer.alloc(100_000_000, 0x20), headers: { 'Content-Type': 'application/json', 'Content-Length': 100_000_000 } },
    wantStatus: 413,
  },
  'a body of 10 MB in chunks': { call: { body: Buffer.alloc(10_000_000, 0x20) }, wantStatus: 413 },
  'JSON nested 10,000 deep': { call: { body: `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}` }, wantStatus: 400 },
  'a NUL byte': { call: { body: `${aReview().slice(0, -1)},"x":\u0000}` }, wantStatus: 400 },
  'a member given twice': { call: { body: aReview().replace('"uid":"u1"', '"uid":"u1","uid":"u2"') }, wantStatus: 400 },
  'invalid UTF-8': { call: { body: Buffer.from([0x7b, 0xff, 0x7d]) }, wantStatus: 400 },
  'no JSON': { call: { body: 'hello' }, wantStatus: 400 },
  'JSON that is no review': { call: { body: '{"kind":"Pod"}' }, wantStatus: 400 },
  'a review without an object': { call: { body: aReview({ object: null }) }, wantStatus: 400 },
  'an object whose annotations are a list': {
    call: { body: aReview({ object: { apiVersion: 'a', kind: 'Job', metadata: { annotations: ['x'] } } }) },
    wantStatus: 400,
  },
  'an empty body': { call: { body: '' }, wantStatus: 400 },
  'a GET': { call: { method: 'GET' }, wantStatus: 405 },
  'another path': { call: { path: '/mutate/../x', body: aReview() }, wantStatus: 404 },
  'a path of Object.prototype': { call: { path: '/constructor', body: aReview() }, wantStatus: 404 },
  'another content type': { call: { body: aReview(), headers: { 'Content-Type': 'text/plain' } }, wantStatus: 415 },
  'a body that never ends': {
    call: { body: '{', unfinished: true, headers: { 'Content-Type': 'application/json', 'Content-Length': 100 } },
    wantStatus: 408,
  },
}

for (const [sentence, { call: sent, wantStatus }] of Object.entries(refused)) {
  test(`${sentence} gets ${wantStatus}, fast, and the next review an answer`, async () => {
    const started = performance.now()
    const answer = await call({ ...sent, agent: new Agent({ ca: authority.certificate }) })
    const elapsed = performance.now() - started
    assert.equal(answer.status, wantStatus)
    assert.ok(elapsed < deadlineMs + 1000, `took ${elapsed} ms`)
    assert.equal((await call({ body: aReview() })).status, 200)
  })
}

test('bytes that are no TLS end nothing', async () => {
  await new Promise<void>((resolve) => {
    const socket = connect({
      host: '127.0.0.1',
      port: server.port,
      rejectUnauthorized: true,
      ca: 'nonsense',
      checkServerIdentity: () => undefined,
    })
    socket.on('error', () => resolve())
    socket.on('secureConnect', () => resolve())
  })
  assert.equal((await call({ body: aReview() })).status, 200)
})

test('a new certificate is served from the next connection on, and open ones go on', async () => {
  const keptAlive = await call({ body: aReview() })
  const other = issueAuthority('mnemos test', validity)
  server.use(issueLeaf(other, subject, validity))
  assert.equal((await call({ body: aReview() })).status, keptAlive.status)
  assert.equal((await call({ body: aReview(), agent: new Agent({ ca: other.certificate }) })).status, 200)
  await assert.rejects(call({ body: aReview(), agent: new Agent({ ca: authority.certificate }) }))
  server.use(issueLeaf(authority, subject, validity))
})

test('while draining, calls are answered and asked to go elsewhere', async () => {
  const draining = server.drain(200)
  const answer = await call({ body: aReview() })
  assert.deepEqual([answer.status, answer.connection], [200, 'close'])
  await draining
  await assert.rejects(call({ body: aReview() }))
  server = await start()
})

test('a server that drains under load answers every review it was sent', async () => {
  let answered = 0
  let moved = 0
  const loading = Array.from({ length: 8 }, async () => {
    for (;;) {
      const answer = await call({ body: aReview() })
      assert.equal(answer.status, 200)
      answered += 1
      // Asked to, a caller goes to another replica.
      if (answer.connection !== 'close') continue
      moved += 1
      return
    }
  })
  await eventually(() => answered > 50)
  await server.drain(100)
  await Promise.all(loading)
  server = await start()
  assert.equal(moved, 8)
})

test('metrics count verdicts by kind, never names', async () => {
  const text = await metrics.registry.metrics()
  assert.match(text, /mnemos_admission_reviews_total\{kind="Job",stage="mutate",operation="CREATE",verdict="allowed"\} \d+/)
  assert.match(text, /mnemos_webhook_rejected_requests_total\{code="413"\} 2/)
  assert.doesNotMatch(text, /alice|greet/)
})
