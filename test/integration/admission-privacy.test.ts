/**
 * Secrets, prompts and personal data on every path through admission and through the scan of policies: row W2 of
 * docs/security-cases.md. They come out in no log, no metric, no event, no status, and no sentence of ours; what a person wrote is theirs
 * to read in the object itself.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { apiVersion } from '@mnemos/api'
import { createClient } from '@mnemos/kube'
import { parseOperatorConfig, runOperator } from '@mnemos/operator'
import { eventually, startRedisServer, startTestCluster } from '@mnemos/testkit'
import { type Logger, pino } from 'pino'
import { type Carrier, carriers } from './canaries.fixture.ts'
import { aJobWith, pathTo, senderTo } from './security.fixture.ts'
import { apply, kubectl, startWebhook } from './webhook.fixture.ts'

const lines: string[] = []
const logger = (): Logger => pino({ level: 'trace' }, { write: (line) => void lines.push(line) })
const [cluster, redis] = await Promise.all([startTestCluster({ crds: true }), startRedisServer()])
const client = createClient({ credentials: cluster.credentials() })
const send = senderTo(client)
await cluster.kubectlRun(['create', 'namespace', 'mnemos-system'])
const rateLimits = { redis: { url: redis.url, password: redis.password, prefix: 'mnemos:' }, deadlineMs: 300, replicas: 1 }
/** What the collector of traces was sent. */
const spans: string[] = []
const collector = createServer((request, response) => {
  void text(request).then((body) => {
    spans.push(body)
    response.end('{}')
  })
}).listen(0, '127.0.0.1')
await once(collector, 'listening')
const traces = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces`
const tracing = { url: traces, serviceName: 'webhook', sampler: 'always_on', ratio: 1 } as const
const webhook = await startWebhook(cluster, { rateLimits, tracing }, { logger: logger() })
const stopped = new AbortController()
let operatorEnded: Promise<void> = Promise.resolve()
const { health } = await new Promise<{ health: number }>((resolve, reject) => {
  const config = parseOperatorConfig({}, { identity: 'operator', dispatchPort: 0, healthPort: 0 })
  operatorEnded = runOperator(config, {
    credentials: cluster.credentials(),
    signal: stopped.signal,
    logger: logger(),
    onListening: resolve,
  })
  operatorEnded.catch(reject)
})
after(async () => {
  stopped.abort()
  await operatorEnded
  await webhook.stop()
  collector.close()
  await client.close()
})

/** Rules of every type that reads what people write. */
const rules = [
  { name: 'pii', pii: { default: 'Redact', entities: { SSN: 'Block', IP: 'Warn' } } },
  { name: 'images', images: { allow: ['registry.example.com/*'] } },
  { name: 'sources', sources: { allow: ['s3://models'] } },
  { name: 'rate', rateLimit: { requests: 100_000, windowSeconds: 3600, onStoreFailure: 'Deny' } },
  { name: 'ready', expression: "object.metadata.name != 'probe'" },
]
/** Expressions that stumble over what people write. */
const failing = [
  'int(object.metadata.annotations.note) > 0',
  'timestamp(object.metadata.annotations.note) == timestamp(object.metadata.annotations.note)',
  'int(object.spec.inference.prompt) > 0',
  'int(object.spec.container.env[0].value) > 0',
  'duration(object.spec.container.args[0]) == duration("1s")',
  '{"a": 1}[object.spec.inference.prompt] == 1',
  '{"a": 1}[object.metadata.annotations.note] == 1',
  'int(object.spec.source.uri) > 0',
  'int(object.spec.runtime.parameters.key) > 0',
  'int(object.spec.podTemplate.env[0].value) > 0',
  'object.spec.inference.prompt + 1 == 2',
]
const policy = (name: string, spec: object): object => ({ apiVersion, kind: 'ClusterPolicy', metadata: { name }, spec })
const created: Carrier[] = []
const said: { readonly from: string; readonly text: string }[] = []
const all = carriers()
const everySent: Carrier[] = [...all]

/** Everything that must not hold a canary. */
async function told(): Promise<readonly { readonly from: string; readonly text: string }[]> {
  const metrics = async (port: number): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const { stdout: events } = await cluster.kubectlRun(['get', 'events,events.events.k8s.io', '-A', '-o', 'json'])
  const kinds = 'mnemosjobs,mnemosmodels,mnemosworkerpools,mnemospolicies,mnemosclusterpolicies,mnemosschemas,mnemosqueues'
  const { items } = JSON.parse((await cluster.kubectlRun(['get', kinds, '-A', '-o', 'json'])).stdout) as {
    items: readonly { kind: string; metadata: { name: string }; status?: unknown }[]
  } // as kubectl prints lists
  return [
    ...lines.map((text) => ({ from: 'a log', text })),
    ...spans.map((text) => ({ from: 'the traces', text })),
    { from: 'the metrics of the webhook', text: await metrics(webhook.healthPort) },
    { from: 'the metrics of the operator', text: await metrics(health) },
    { from: 'the events', text: events },
    ...items.map(({ kind, metadata, status }) => ({ from: `the status of ${kind} ${metadata.name}`, text: JSON.stringify(status ?? {}) })),
    ...said,
  ]
}

function leaks(
  texts: readonly { readonly from: string; readonly text: string }[],
  tokens: readonly (readonly [string, string])[],
): string[] {
  return tokens.flatMap(([token, what]) =>
    texts.filter(({ text }) => text.includes(token)).map(({ from, text }) => `${what}: in ${from}: …${around(text, token)}…`),
  )
}

function around(text: string, token: string): string {
  const at = text.indexOf(token)
  return text.slice(Math.max(0, at - 160), at + 60)
}

test('W2 objects with canaries are stored, refused, rewritten and warned about', async (t) => {
  const strictly = { labels: { matchLabels: { judged: 'strictly' } } }
  const strict = failing.map((expression, at) =>
    policy(`strict-${at}`, { match: strictly, mode: at % 2 === 0 ? 'Enforce' : 'Warn', rules: [{ name: 'r', expression }] }),
  )
  for (const each of [policy('plain', { rules }), ...strict])
    assert.equal((await send('POST', `/apis/${apiVersion}/mnemosclusterpolicies`, each)).message, '')
  await eventually(async () => (await send('POST', pathTo('mnemosjobs'), aJobWith('probe'))).code === 422)
  for (const carrier of all) {
    const answer = await send('POST', pathTo(carrier.plural), carrier.body)
    if (answer.code === 200) created.push(carrier)
    said.push({ from: `the answer to ${carrier.what}`, text: answer.message })
  }
  t.diagnostic(`${all.length} canaries, ${created.length} of them stored`)
  assert.ok(all.length >= 200 && created.length > 20 && created.length < all.length)
})

test('W2 kubectl prints none of them, however they come', async () => {
  const others = carriers().filter((_, at) => at % 6 === 0)
  everySent.push(...others)
  for (const { body, what } of others) {
    for (const flags of [[], ['--dry-run=server'], ['--server-side']]) {
      const { stderr, stdout } = await apply(
        cluster,
        JSON.stringify({ ...body, metadata: { ...body.metadata, namespace: 'default' } }),
        flags,
      )
      said.push({ from: `what kubectl prints of ${what}`, text: stdout + stderr })
    }
  }
  const { stderr } = await kubectl(cluster, ['get', 'mnjob,mnmodel,mncpol', '-A', '-o', 'wide'])
  said.push({ from: 'what kubectl lists', text: stderr })
})

/** Straight to the port, as nobody but an API server should. */
function post(path: string, body: string): Promise<string> {
  const headers = { 'Content-Type': 'application/json', Connection: 'close' }
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port: webhook.port, path, method: 'POST', headers, rejectUnauthorized: false },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.on('end', () => resolve(text))
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

test('W2 bodies that are malformed, too large or addressed to nobody are answered without a word of theirs', async () => {
  const some = carriers().filter((_, at) => at % 24 === 0)
  everySent.push(...some)
  for (const { body, canary, what } of some) {
    const text = JSON.stringify(body)
    const bodies = [
      text,
      text.slice(0, text.indexOf(canary.token) + canary.token.length),
      `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","kind":${text}}}`,
      `{"apiVersion":"admission.k8s.io/v1","kind":${JSON.stringify(canary.text)},"request":{}}`,
      `{${JSON.stringify(canary.text)}:1,${JSON.stringify(canary.text)}:2}`,
      `${text}\u0000`,
      text + canary.text.repeat(500_000),
    ]
    for (const sent of bodies) said.push({ from: `the answer to a body with ${what}`, text: await post('/mutate', sent) })
    const path = `/${encodeURIComponent(canary.text)}?x=${encodeURIComponent(canary.text)}`
    said.push({ from: `the answer to a path with ${what}`, text: await post(path, text) })
  }
})

test('W2 while Redis is gone, what cannot be counted is refused without a word of it', async () => {
  const others = carriers().filter(({ what }) => what.endsWith('stored'))
  everySent.push(...others)
  await redis.kill()
  let refused = 0
  for (const { plural, body, what } of others) {
    const { code, message } = await send('POST', pathTo(plural), {
      ...body,
      metadata: { ...body.metadata, name: `gone-${body.metadata.name}` },
    })
    said.push({ from: `the answer without Redis to ${what}`, text: message })
    if (code === 503) refused += 1
  }
  assert.ok(refused > 0)
})

test('W2 what the scan of the operator finds in objects that hold canaries is counted and named without them', async () => {
  await redis.start()
  const strict = failing.map((_, at) => `/apis/${apiVersion}/mnemosclusterpolicies/strict-${at}`)
  const setMode = (mode: string) =>
    Promise.all(strict.map((path) => send('PATCH', path, { spec: { mode } }, { contentType: 'application/merge-patch+json' })))
  await setMode('Audit')
  const others = carriers().filter(({ what }) => what.endsWith('under expressions that fail'))
  everySent.push(...others)
  const stored = new Set<string>()
  await eventually(async () => {
    for (const { plural, body } of others)
      if (!stored.has(body.metadata.name) && (await send('POST', pathTo(plural), body)).code === 200) stored.add(body.metadata.name)
    return stored.size > 10
  })
  await setMode('Warn')
  await eventually(
    async () => {
      const { stdout } = await cluster.kubectlRun(['get', 'mncpol', '-o', 'json'])
      const { items } = JSON.parse(stdout) as {
        items: readonly { metadata: { name: string; generation: number }; status?: { violations?: number; observedGeneration: number } }[]
      } // as kubectl prints lists
      const scanned = items.filter(({ metadata }) => metadata.name.startsWith('strict-'))
      return scanned.every(({ metadata, status }) => (status?.violations ?? 0) > 0 && status?.observedGeneration === metadata.generation)
    },
    { timeoutMs: 20_000, message: 'each policy was scanned and objects violate it' },
  )
})

test('W2 reviews are traced, each with how it ended and the parts that it waited for', async () => {
  await eventually(() => {
    const sent = spans.join()
    for (const word of ['admission mutate', 'admission validate', '"rate limits"', 'admission.uid', 'k8s.namespace.name'])
      assert.ok(sent.includes(word), word)
    return /"admission.allowed","value":\{"boolValue":false/.test(sent)
  })
})

test('W2 of all canaries none came out in a log, a metric, an event, a status or a sentence of ours', async (t) => {
  const texts = await told()
  for (const from of ['a log', 'the traces', 'the metrics of the webhook', 'the metrics of the operator', 'the events'])
    assert.ok(
      texts.some((each) => each.from === from && each.text.length > 0),
      from,
    )
  const found = leaks(
    texts,
    everySent.map(({ canary, what }) => [canary.token, what] as const),
  )
  const secrets = leaks(texts, [[redis.password, 'the password of Redis']])
  t.diagnostic(`${everySent.length} canaries in ${texts.length} texts: ${found.length} came out`)
  assert.deepEqual([...found.slice(0, 40), ...secrets], [])
})
