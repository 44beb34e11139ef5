/** The HTTP API on a real API server: who may do what, what is refused and how, and streams that can be taken up again. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { it } from 'node:test'
import { apiVersion, type JobInput } from '@mnemos/api'
import { ApiError, type JobEvent } from '@mnemos/contract'
import { eventually } from '@mnemos/testkit'
import { jobs, startServerBench } from './server.fixture.ts'

const bench = await startServerBench()
const alice = bench.as('alice')

const aJob = (name: string, namespace = 'alice'): JobInput => ({
  apiVersion,
  kind: 'Job',
  metadata: { name, namespace },
  spec: { inference: { modelRef: { name: 'm' }, prompt: 'hi' } },
})
const isRefused = (status: number, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ApiError, String(error))
  assert.equal(error.status, status, error.message)
  assert.match(error.message, message)
  return true
}
const json = { 'content-type': 'application/json' }

it('creates, reads, lists and cancels a Job as its user', async () => {
  const made = await alice.submitJob(aJob('first'))
  assert.equal(made.spec.queue, 'default')
  assert.equal((await alice.getJob('alice', 'first')).metadata.uid, made.metadata.uid)
  assert.ok((await alice.listJobs('alice')).items.some(({ metadata }) => metadata.name === 'first'))
  await alice.cancelJob('alice', 'first')
  assert.equal((await alice.getJob('alice', 'first')).spec.cancel, true)
  await alice.cancelJob('alice', 'first', { purge: true })
  await assert.rejects(alice.getJob('alice', 'first'), isRefused(404, /no Job first in namespace alice/))
})

it('takes the short form', async () => {
  const body = { kind: 'inference', model_ref: 'm', name: 'short', spec: { prompt: 'hi', params: { max_tokens: 7 } } }
  const answer = await bench.fetchAs('alice', '/v1/jobs?namespace=alice', { method: 'POST', body: JSON.stringify(body), headers: json })
  assert.equal(answer.status, 201)
  const stored = await bench.client.get(jobs, { namespace: 'alice', name: 'short' })
  assert.equal(stored?.spec.inference?.parameters.maxTokens, 7)
})

it("keeps people out of each other's namespaces, for every route", async () => {
  await alice.submitJob(aJob('private'))
  const bob = bench.as('bob')
  await assert.rejects(bob.submitJob(aJob('intruder')), isRefused(403, /cannot create/))
  await assert.rejects(bob.listJobs('alice'), isRefused(403, /cannot list/))
  for (const path of ['private', 'private/stream', 'private/result']) {
    assert.equal((await bench.fetchAs('bob', `/v1/jobs/${path}?namespace=alice`)).status, 403, path)
  }
  assert.equal((await bench.fetchAs('bob', '/v1/jobs/private?namespace=alice', { method: 'DELETE' })).status, 403)
  assert.equal((await bench.client.get(jobs, { namespace: 'alice', name: 'private' }))?.spec.cancel, false)
})

it('knows nobody without a token, or with one that the cluster does not know', async () => {
  assert.equal((await fetch(`${bench.url}/v1/jobs`)).status, 401)
  assert.equal((await fetch(`${bench.url}/v1/jobs`, { headers: { authorization: 'Bearer made-up' } })).status, 401)
  const token = await bench.assignmentToken({ uid: 'u' })
  assert.equal((await fetch(`${bench.url}/v1/jobs`, { headers: { authorization: `Bearer ${token}` } })).status, 401)
})

it('makes one Job of fifty requests with one Idempotency-Key, and refuses the key for another request', async () => {
  const { name: _name, ...metadata } = aJob('x').metadata
  const job = { ...aJob('x'), metadata } as unknown as JobInput
  const made = await Promise.all(Array.from({ length: 50 }, () => alice.submitJob(job, { idempotencyKey: 'k1' })))
  assert.equal(new Set(made.map(({ metadata: { uid } }) => uid)).size, 1)
  const other = { ...job, spec: { inference: { modelRef: { name: 'm' }, prompt: 'else' } } }
  await assert.rejects(alice.submitJob(other, { idempotencyKey: 'k1' }), isRefused(409, /Idempotency-Key/))
})

const badInput: Record<string, { body: string | Uint8Array; wantStatus: number; want: RegExp }> = {
  'a prompt of 2 MB is refused by its size': {
    body: JSON.stringify({ ...aJob('big'), spec: { inference: { modelRef: { name: 'm' }, prompt: 'x'.repeat(2_000_000) } } }),
    wantStatus: 413,
    want: /larger than this route takes; a prompt may have 16 KiB/,
  },
  'a prompt of 20 KB is refused by its field': {
    body: JSON.stringify({ ...aJob('big'), spec: { inference: { modelRef: { name: 'm' }, prompt: 'x'.repeat(20_000) } } }),
    wantStatus: 422,
    want: /spec\.inference\.prompt.*at most 16384/,
  },
  'invalid UTF-8 is refused, not mended': {
    body: Buffer.concat([Buffer.from('{"kind":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
    wantStatus: 400,
    want: /JSON in UTF-8/,
  },
  'what is no JSON is refused': { body: '{', wantStatus: 400, want: /JSON in UTF-8/ },
  'a list is refused': { body: '[]', wantStatus: 400, want: /must be a Job as JSON/ },
  'an unknown field is refused with a suggestion': {
    body: JSON.stringify({ ...aJob('u'), spec: { inference: { modelRef: { name: 'm' }, promt: 'hi' } } }),
    wantStatus: 422,
    want: /spec\.inference\.promt.*did you mean "prompt"/,
  },
  'a wrong enum value is refused with a suggestion': {
    body: JSON.stringify({ ...aJob('e'), spec: { ...aJob('e').spec, priority: 'hihg' } }),
    wantStatus: 422,
    want: /spec\.priority.*did you mean "high"/,
  },
  'a negative limit is refused with its range': {
    body: JSON.stringify({ ...aJob('n'), spec: { inference: { modelRef: { name: 'm' }, prompt: 'a', parameters: { maxTokens: -1 } } } }),
    wantStatus: 422,
    want: /maxTokens.*from 1 to 131072/,
  },
}

for (const [sentence, { body, wantStatus, want }] of Object.entries(badInput)) {
  it(sentence, async () => {
    const answer = await bench.fetchAs('alice', '/v1/jobs?namespace=alice', {
      method: 'POST',
      body: typeof body === 'string' ? body : Buffer.from(body),
      headers: json,
    })
    const { error } = (await answer.json()) as { error: { code: string; message: string; requestId: string } }
    assert.equal(answer.status, wantStatus, error.message)
    assert.match(error.message, want)
    assert.match(error.code, /^MNEMOS_/)
    assert.ok(error.requestId !== '')
  })
}

it('streams tokens while they come, resumes behind the last id, and tells of a new attempt', async () => {
  const job = await bench.aStoredJob('alice', 'streamed')
  const uid = job.metadata.uid ?? ''
  const post = async (attempt: number, lines: object[]): Promise<Response> =>
    fetch(`${bench.url}/v1/attempts/${uid}/${attempt}/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await bench.assignmentToken({ uid, attempt })}`, 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    })
  const seen: JobEvent[] = []
  const reading = (async () => {
    for await (const event of alice.streamJob('alice', 'streamed')) seen.push(event)
  })()
  const worker = { name: 'w', instance: 'i' }
  await bench.setStatus(job, { phase: 'Scheduled', attempt: 1, worker })
  assert.deepEqual(
    await (
      await post(1, [
        { index: 0, text: 'a' },
        { index: 1, text: 'b' },
      ])
    ).json(),
    { next: 2 },
  )
  await eventually(() => seen.filter(({ event }) => event === 'token').length === 2, { message: 'two tokens before the end' })
  await bench.setStatus(job, { phase: 'Scheduled', attempt: 2, worker })
  await post(2, [{ index: 0, text: 'A' }, { index: 1, text: 'B' }, { end: true }])
  await eventually(() => seen.filter(({ event }) => event === 'token').length === 4)
  await bench.setStatus(job, { phase: 'Failed' })
  await reading
  const told = seen
    .filter(({ event }) => event !== 'status')
    .map((event) => (event.event === 'token' ? `${event.id}:${event.text}` : event.event))
  assert.deepEqual(told, ['1-0:a', '1-1:b', 'reset', '2-0:A', '2-1:B', 'end'])
  const again = await Array.fromAsync(alice.streamJob('alice', 'streamed', { lastEventId: '2-0' }))
  assert.deepEqual(
    again.filter(({ event }) => event !== 'status').map((event) => (event.event === 'token' ? event.text : event.event)),
    ['B', 'end'],
  )
})

it('tells the answer of a Job whose stream is gone from what is stored', async () => {
  const job = await bench.aStoredJob('alice', 'stored')
  const uid = job.metadata.uid ?? ''
  const key = `outputs/alice/${uid}/a1/result.json`
  const content = JSON.stringify({
    text: 'whole answer',
    finishReason: 'stop',
    usage: { promptTokens: 1, completionTokens: 2, durationMs: 3 },
  })
  const token = await bench.assignmentToken({ uid, writes: [`outputs/alice/${uid}/a1/`] })
  const sha256 = createHash('sha256').update(content).digest('hex')
  const put = await fetch(`${bench.url}/v1/artifacts/${key}`, {
    method: 'PUT',
    body: content,
    headers: { authorization: `Bearer ${token}`, 'x-mnemos-sha256': sha256 },
  })
  assert.deepEqual(await put.json(), { key, sha256, sizeBytes: content.length })
  await bench.setStatus(job, {
    phase: 'Succeeded',
    attempt: 1,
    worker: { name: 'w', instance: 'i' },
    result: { uri: `artifact://${key}`, sha256, sizeBytes: content.length },
  })
  const events = await Array.fromAsync(alice.streamJob('alice', 'stored'))
  assert.deepEqual(
    events.filter(({ event }) => event === 'token').map((event) => (event.event === 'token' ? event.text : '')),
    ['whole answer'],
  )
  assert.equal(await alice.jobResult('alice', 'stored'), content)
})

it('lets a token of an attempt do what that attempt needs, and nothing else', async () => {
  const token = await bench.assignmentToken({ uid: 'u1', reads: ['models/sha256/aa'], writes: ['outputs/alice/u1/a1/'] })
  const call = (method: string, path: string, body?: string) =>
    fetch(`${bench.url}${path}`, { method, headers: { authorization: `Bearer ${token}` }, ...(body === undefined ? {} : { body }) }).then(
      ({ status }) => status,
    )
  assert.equal(await call('PUT', '/v1/artifacts/outputs/alice/u1/a1/x', 'x'), 200)
  assert.equal(await call('PUT', '/v1/artifacts/outputs/alice/u1/a2/x', 'x'), 403)
  assert.equal(await call('PUT', '/v1/artifacts/outputs/alice/u1/a1/..%2f..%2fx', 'x'), 400)
  assert.equal(await call('GET', '/v1/artifacts/outputs/alice/u1/a1/x'), 403)
  assert.equal(await call('GET', '/v1/artifacts/models/sha256/bb'), 403)
  assert.equal(await call('GET', '/v1/artifacts/models/sha256/aa'), 404)
  assert.equal(await call('POST', '/v1/attempts/u2/1/events', ''), 403)
  assert.equal(await call('POST', '/v1/attempts/u1/2/events', ''), 403)
  assert.equal(await call('GET', '/v1/attempts/u1/1/events'), 200)
})

it('stores model bytes only under their own digest', async () => {
  const content = 'weights'
  const digest = createHash('sha256').update(content).digest('hex')
  const token = await bench.assignmentToken({ uid: 'u3', reads: [`models/sha256/${digest}`], writes: ['models/sha256/'] })
  const headers = { authorization: `Bearer ${token}` }
  const wrong = await fetch(`${bench.url}/v1/artifacts/models/sha256/${'0'.repeat(64)}`, { method: 'PUT', body: content, headers })
  assert.equal(wrong.status, 422)
  assert.equal((await fetch(`${bench.url}/v1/artifacts/models/sha256/${digest}`, { method: 'PUT', body: content, headers })).status, 200)
  const part = await fetch(`${bench.url}/v1/artifacts/models/sha256/${digest}`, { headers: { ...headers, range: 'bytes=2-' } })
  assert.equal(part.status, 206)
  assert.equal(await part.text(), 'ights')
  assert.equal(part.headers.get('etag'), `"${digest}"`)
})

it('describes itself', async () => {
  const description = (await (await fetch(`${bench.url}/openapi.json`)).json()) as { openapi: string; paths: object }
  assert.equal(description.openapi, '3.1.0')
  assert.ok('/v1/jobs/{id}/stream' in description.paths)
  assert.match(await (await fetch(`${bench.url}/metrics`)).text(), /mnemos_http_request_duration_seconds/)
  assert.equal((await fetch(`${bench.url}/v1/nothing`)).status, 404)
})
