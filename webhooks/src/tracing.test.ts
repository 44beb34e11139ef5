import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { eventually } from '@mnemos/testkit'
import { pino } from 'pino'
import { z } from 'zod'
import { traceConfig, traceSettings } from './trace-settings.ts'
import { openTracing, type Tracing } from './tracing.ts'

const settings = z.object(traceSettings)
const configOf = (environment: Record<string, string>) => traceConfig(settings.parse(environment))

interface SentSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[]
  readonly status: { readonly code?: number; readonly message?: string }
}

interface Sent {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: SentSpan['attributes'] }
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[]
  }[]
}

/** A collector on loopback, as the protocol has it: OTLP over HTTP with JSON. */
async function startCollector(t: TestContext, answer: (request: IncomingMessage) => number | undefined = () => 200) {
  const bodies: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks).toString())
      const status = answer(request)
      // Undefined: silent for ever.
      if (status !== undefined) response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const sent = (): readonly Sent[] => bodies.map((body) => JSON.parse(body) as Sent)
  return {
    url,
    bodies,
    spans: () => sent().flatMap(({ resourceSpans }) => resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))),
    sent,
  }
}

const traceId = '0af7651916cd43dd8448eb211c80319c'
const callerSpan = 'b7ad6b7169203331'
const quiet = pino({ level: 'silent' })
const request = { kind: 'Job', operation: 'CREATE', namespace: 'team-a' } as const

async function aReview(tracing: Tracing, headers: Record<string, string> = {}): Promise<void> {
  const trace = tracing.begin(headers, 'validate')
  await trace.part('rate limits', Promise.resolve(1))
  await assert.rejects(trace.part('personal data', Promise.reject(new Error('found jane@example.com'))))
  trace.end({ statusCode: 200, uid: 'u-1', dryRun: false, request, allowed: true, findings: 0, violations: 2, warnings: 1 })
}

describe('reviews are traced', () => {
  it('to nobody without a collector', async () => {
    const tracing = await openTracing(configOf({}), quiet)
    await aReview(tracing)
    await tracing.close()
  })

  it('as one span with its parts, as a part of what the caller traces, and without what anybody wrote', async (t) => {
    const collector = await startCollector(t)
    const tracing = await openTracing(configOf({ OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`, OTEL_SERVICE_NAME: 'genome' }), quiet)
    await aReview(tracing, { traceparent: `00-${traceId}-${callerSpan}-01` })
    await tracing.close()
    const spans = collector.spans()
    assert.deepEqual(spans.map(({ name }) => name).sort(), ['admission validate', 'personal data', 'rate limits'])
    const [review] = spans.filter(({ name }) => name === 'admission validate')
    assert.ok(spans.every((span) => span.traceId === traceId))
    assert.equal(review?.parentSpanId, callerSpan)
    assert.ok(spans.filter((span) => span !== review).every(({ parentSpanId }) => parentSpanId === review.spanId))
    const values = Object.fromEntries(review.attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
    assert.deepEqual(values, {
      'admission.stage': 'validate',
      'http.response.status_code': 200,
      'admission.uid': 'u-1',
      'admission.dry_run': false,
      'admission.kind': 'Job',
      'admission.operation': 'CREATE',
      'k8s.namespace.name': 'team-a',
      'admission.allowed': true,
      'admission.findings': 0,
      'admission.violations': 2,
      'admission.warnings': 1,
    })
    assert.equal(spans.find(({ name }) => name === 'personal data')?.status.code, 2)
    assert.doesNotMatch(collector.bodies.join(), /jane/)
    assert.match(collector.bodies.join(), /"service.name","value":\{"stringValue":"genome"/)
  })

  it('only as far as the sampler says, unless the caller has decided', async (t) => {
    const collector = await startCollector(t)
    const none = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/elsewhere`, OTEL_TRACES_SAMPLER_ARG: '0' }
    const tracing = await openTracing(configOf({ ...none, OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' }), quiet)
    await aReview(tracing)
    await aReview(tracing, { traceparent: `00-${traceId}-${callerSpan}-00` })
    await aReview(tracing, { traceparent: `00-${traceId}-${callerSpan}-01` })
    await tracing.close()
    assert.equal(collector.spans().filter(({ name }) => name === 'admission validate').length, 1)
  })

  it('without waiting for a collector that is silent, refuses, or is not there', async (t) => {
    const silent = await startCollector(t, () => undefined)
    const refusing = await startCollector(t, () => 500)
    for (const url of [silent.url, refusing.url, 'http://127.0.0.1:9']) {
      const logged: string[] = []
      const logger = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) })
      const tracing = await openTracing(configOf({ OTEL_EXPORTER_OTLP_ENDPOINT: url }), logger)
      for (let count = 0; count < 3000; count += 1) tracing.begin({}, 'mutate').end({ statusCode: 200 })
      await eventually(() => url !== silent.url || silent.bodies.length > 0)
      const since = performance.now()
      await tracing.close()
      assert.ok(performance.now() - since < 4500, `${url} held the end for ${performance.now() - since} ms`)
      assert.ok(logged.length <= 1, logged.join())
    }
  })

  it('a setting that is none is named', () => {
    assert.throws(() => configOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }), /OTEL_EXPORTER_OTLP_ENDPOINT/)
    assert.throws(() => configOf({ OTEL_TRACES_SAMPLER: 'jaeger_remote' }), /OTEL_TRACES_SAMPLER/)
  })
})
