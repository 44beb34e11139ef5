import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import type { Assignment } from '@mnemos/identity'
import { aJob, eventually } from '@mnemos/testkit'
import { refuse } from './api-server.test-kit.ts'
import { startServer } from './server.test-kit.ts'

const server = await startServer()
const { url, api } = server

const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex')
const bearer = async (assignment?: Partial<Assignment>) => ({ authorization: `Bearer ${await server.assignmentToken(assignment)}` })
const codeOf = async (answer: Response): Promise<string> => {
  const { error } = (await answer.json()) as { error: { code: string } } // the one shape of every refusal
  return `${answer.status} ${error.code}`
}
const eventsOf = (uid: string, attempt: number | string = 1): string => `${url}/v1/attempts/${uid}/${attempt}/events`
const ndjson = { 'content-type': 'application/x-ndjson' }
const post = async (uid: string, body: string | Buffer<ArrayBuffer>, type: Record<string, string> = ndjson): Promise<Response> =>
  fetch(eventsOf(uid), { method: 'POST', body, headers: { ...(await bearer({ uid })), ...type } })
const nextOf = async (uid: string): Promise<unknown> => (await fetch(eventsOf(uid), { headers: await bearer({ uid }) })).json()
const lines = (...values: unknown[]): string => values.map((value) => `${JSON.stringify(value)}\n`).join('')

const tokens: Record<string, { token: () => Promise<string | undefined>; want: string }> = {
  'a request without a token is refused': { token: () => Promise.resolve(undefined), want: '401 MNEMOS_UNAUTHENTICATED' },
  'what is no token is refused': { token: () => Promise.resolve('hello'), want: '401 MNEMOS_UNAUTHENTICATED' },
  'a token of a person is refused': { token: () => Promise.resolve('alice-token'), want: '401 MNEMOS_UNAUTHENTICATED' },
  'a token of another cluster is refused': { token: () => server.foreignToken(), want: '401 MNEMOS_UNAUTHENTICATED' },
  'a token that has expired is refused': {
    token: () => server.assignmentToken({}, { now: () => Date.now() - 3_600_000 }),
    want: '401 MNEMOS_UNAUTHENTICATED',
  },
  'a token whose claims were changed is refused': {
    token: async () => {
      const [head = '', , signature = ''] = (await server.assignmentToken({ uid: 'other' })).split('.')
      const [, claims = ''] = (await server.assignmentToken()).split('.')
      return `${head}.${claims}.${signature}`
    },
    want: '401 MNEMOS_UNAUTHENTICATED',
  },
  'a token of another attempt is refused': { token: () => server.assignmentToken({ attempt: 2 }), want: '403 MNEMOS_FORBIDDEN' },
  'a token of another Job is refused': { token: () => server.assignmentToken({ uid: 'v' }), want: '403 MNEMOS_FORBIDDEN' },
}

describe('the stream of an attempt', () => {
  for (const [sentence, { token, want }] of Object.entries(tokens)) {
    test(sentence, async () => {
      const value = await token()
      const headers = value === undefined ? {} : { authorization: `Bearer ${value}` }
      assert.equal(await codeOf(await fetch(eventsOf('u'), { headers })), want)
      assert.equal(await codeOf(await fetch(eventsOf('u'), { method: 'POST', body: lines({ index: 0, text: 'x' }), headers })), want)
      assert.deepEqual(await nextOf('u'), { next: 0 })
    })
  }

  test('a refusal repeats no token, nor does the log', async () => {
    const token = await server.foreignToken()
    const answer = await fetch(eventsOf('u'), { headers: { authorization: `Bearer ${token}` } })
    assert.ok(!(await answer.text()).includes(token))
    assert.ok(!server.logged.some((line) => line.includes(token)))
  })

  test('an attempt that is written another way is another one', async () => {
    for (const attempt of ['01', '1.0', '+1', '1%20'])
      assert.equal(await codeOf(await fetch(eventsOf('u', attempt), { headers: await bearer() })), '403 MNEMOS_FORBIDDEN', attempt)
  })

  test('a token is good for no route of people', async () => {
    assert.equal(await codeOf(await fetch(`${url}/v1/jobs`, { headers: await bearer() })), '401 MNEMOS_UNAUTHENTICATED')
  })
})

const bodies: Record<string, { body: string | Buffer<ArrayBuffer>; type?: undefined; wantNext?: number; wantCode?: string }> = {
  'takes tokens in order': { body: lines({ index: 0, text: 'a' }, { index: 1, text: 'b' }, { end: true }), wantNext: 2 },
  'takes a last line without its end of line': { body: '{"index":0,"text":"a"}\n{"index":1,"text":"b"}', wantNext: 2 },
  'takes no token behind a gap': { body: lines({ index: 0, text: 'a' }, { index: 2, text: 'c' }), wantNext: 1 },
  'ends where the worker says that it ends': { body: lines({ index: 0, text: 'a' }, { end: true, at: 1 }), wantNext: 1 },
  'does not end a stream of which something is missing': { body: lines({ index: 0, text: 'a' }, { end: true, at: 2 }), wantNext: 1 },
  'refuses an end before the beginning': { body: lines({ end: true, at: -1 }), wantCode: '400 MNEMOS_BAD_REQUEST' },
  'takes each token once': { body: lines({ index: 0, text: 'a' }, { index: 0, text: 'A' }), wantNext: 1 },
  'leaves empty lines out': { body: '\n\n{"index":0,"text":"a"}\n\n', wantNext: 1 },
  'takes nothing of an empty body': { body: '', wantNext: 0 },
  'takes nothing of an empty body without a type': { body: Buffer.alloc(0), type: undefined, wantNext: 0 },
  'refuses a line that is no JSON': { body: 'hello\n', wantCode: '400 MNEMOS_BAD_REQUEST' },
  'refuses a line of another shape': { body: lines({ text: 'a' }), wantCode: '400 MNEMOS_BAD_REQUEST' },
  'refuses a negative index': { body: lines({ index: -1, text: 'a' }), wantCode: '400 MNEMOS_BAD_REQUEST' },
  'refuses an end that is none': { body: lines({ end: 'yes' }), wantCode: '400 MNEMOS_BAD_REQUEST' },
  'refuses what is no UTF-8 instead of mending it': {
    body: Buffer.concat([Buffer.from('{"index":0,"text":"'), Buffer.from([0xff]), Buffer.from('"}\n')]),
    wantCode: '400 MNEMOS_BAD_REQUEST',
  },
  'refuses a line of more than 1 MiB': { body: lines({ index: 0, text: 'x'.repeat(1_200_000) }), wantCode: '413 MNEMOS_TOO_LARGE' },
}

describe('what a worker says', () => {
  for (const [at, [sentence, { body, wantNext, wantCode, ...typed }]] of Object.entries(bodies).entries()) {
    test(sentence, async () => {
      const uid = `said-${at}`
      const answer = await post(uid, body, 'type' in typed ? {} : ndjson)
      if (wantCode === undefined) assert.deepEqual([answer.status, await answer.json()], [200, { next: wantNext }])
      else assert.equal(await codeOf(answer), wantCode)
      assert.deepEqual(await nextOf(uid), { next: wantNext ?? 0 })
    })
  }

  test('that was not all there goes on where it is wanted', async () => {
    await post('lost', lines({ index: 0, text: 'a' }, { end: true, at: 3 }))
    assert.deepEqual(await (await post('lost', lines({ index: 1, text: 'b' }, { index: 2, text: 'c' }, { end: true, at: 3 }))).json(), {
      next: 3,
    })
    assert.deepEqual(await (await post('lost', lines({ index: 3, text: 'd' }))).json(), { next: 3 })
  })

  test('is answered in its middle when what came before it is lost', async () => {
    const sending = request(eventsOf('wiped'), { method: 'POST', headers: await bearer({ uid: 'wiped' }) })
    const answered = new Promise<IncomingMessage>((resolve, reject) => sending.on('response', resolve).on('error', reject))
    sending.write(lines({ index: 7, text: 'h' }))
    const answer = await answered
    assert.equal(answer.statusCode, 200)
    assert.equal(answer.headers.connection, 'close')
    assert.deepEqual(await json(answer), { next: 0 })
    sending.destroy()
  })

  test('may be longer than a body of a person: it is streamed', async () => {
    const many = Array.from({ length: 2000 }, (_, index) => ({ index, text: 'x'.repeat(100) }))
    assert.deepEqual(await (await post('long', lines(...many))).json(), { next: 2000 })
  })

  test('a character that is cut in two by the network stays whole', async () => {
    const line = Buffer.from(lines({ index: 0, text: 'ä€😀' }, { end: true }))
    const { metadata, ...job } = aJob('cut').thatIs('Running', { attempt: 1 }).build()
    api.put({ ...job, metadata: { ...metadata, uid: 'cut' } })
    const sending = request(eventsOf('cut'), { method: 'POST', headers: await bearer({ uid: 'cut' }) })
    for (const byte of line) {
      sending.write(Buffer.from([byte]))
      await new Promise(setImmediate)
    }
    const answered = new Promise((resolve) => sending.on('response', (response) => resolve(response.resume().statusCode)))
    sending.end()
    assert.equal(await answered, 200)
    const stream = await server.asAlice('/v1/jobs/cut/stream', { signal: AbortSignal.timeout(10_000) })
    assert.ok(stream.body !== null)
    let told = ''
    for await (const chunk of stream.body.pipeThrough(new TextDecoderStream())) {
      told += chunk
      if (told.includes('event: token')) break
    }
    assert.match(told, /"text":"ä€😀"/)
  })

  test('what was sent before the worker broke off is kept', async () => {
    const sending = request(eventsOf('broken'), { method: 'POST', headers: await bearer({ uid: 'broken' }) })
    sending.on('error', () => undefined)
    sending.write(lines({ index: 0, text: 'a' }))
    await eventually(async () => ((await nextOf('broken')) as { next: number }).next === 1)
    sending.write('{"index":1,"te')
    sending.destroy()
    assert.deepEqual(await (await post('broken', lines({ index: 1, text: 'b' }))).json(), { next: 2 })
  })
})

describe('keys of assignments', () => {
  test('that the server may not read are no fault of the worker', async () => {
    const fresh = await startServer()
    fresh.api.intercept = ({ path }, response) => {
      if (!path.includes('/secrets/')) return false
      refuse(response, 403, 'Forbidden')
      return true
    }
    const call = async () =>
      fetch(`${fresh.url}/v1/attempts/u/1/events`, { headers: { authorization: `Bearer ${await fresh.assignmentToken()}` } })
    const refused = await call()
    assert.equal(refused.headers.get('retry-after'), '1')
    assert.equal(await codeOf(refused), '503 MNEMOS_UNAVAILABLE')
    fresh.api.intercept = () => false
    assert.equal((await call()).status, 200)
  })
  test('are read once for many tokens', async () => {
    await nextOf('one')
    const asked = api.requests.filter(({ path }) => path.includes('/secrets/')).length
    await Promise.all(['two', 'three', 'four'].map(nextOf))
    assert.equal(api.requests.filter(({ path }) => path.includes('/secrets/')).length, asked)
  })
})

const model = 'models/sha256/'
const put = async (
  key: string,
  body: string | Buffer<ArrayBuffer>,
  more: { writes: string[]; headers?: Record<string, string> },
): Promise<Response> =>
  fetch(`${url}/v1/artifacts/${key}`, { method: 'PUT', body, headers: { ...(await bearer({ writes: more.writes })), ...more.headers } })

const writes: Record<
  string,
  { key: string; body?: string | Buffer<ArrayBuffer>; headers?: Record<string, string>; writes?: string[]; want: string }
> = {
  'an object below a prefix of the token is stored': { key: 'outputs/a/u/a1/r.json', want: '200' },
  'an object of another attempt is not': { key: 'outputs/a/u/a2/r.json', want: '403 MNEMOS_FORBIDDEN' },
  'an object of an attempt whose number begins alike is not': { key: 'outputs/a/u/a11/r.json', want: '403 MNEMOS_FORBIDDEN' },
  'a token that may write nothing stores nothing': { key: 'outputs/a/u/a1/n.json', writes: [], want: '403 MNEMOS_FORBIDDEN' },
  'a path out of the prefix is refused as a key': { key: 'outputs/a/u/a1/%2e%2e%2fa2%2fr.json', want: '400 MNEMOS_BAD_REQUEST' },
  'a digest that was promised and kept is stored': {
    key: 'outputs/a/u/a1/d.json',
    headers: { 'x-mnemos-sha256': sha256('content') },
    want: '200',
  },
  'a digest that was promised and not kept is refused': {
    key: 'outputs/a/u/a1/w.json',
    headers: { 'x-mnemos-sha256': sha256('other') },
    want: '422 MNEMOS_DIGEST_MISMATCH',
  },
  'an empty object is stored': { key: 'outputs/a/u/a1/empty', body: '', want: '200' },
  'an empty object without a type is stored': { key: 'outputs/a/u/a1/nothing', body: Buffer.alloc(0), want: '200' },
  'an object that says it is JSON is stored as its bytes': {
    key: 'outputs/a/u/a1/broken.json',
    headers: { 'content-type': 'application/json' },
    want: '200',
  },
  'an object larger than a body of a person is stored': { key: 'outputs/a/u/a1/large', body: 'x'.repeat(200_000), want: '200' },
  'a model is stored under its own digest': { key: `${model}${sha256('content')}`, want: '200' },
  'a model is not stored under the digest of another': { key: `${model}${sha256('other')}`, want: '422 MNEMOS_DIGEST_MISMATCH' },
  'a model is not stored under another digest that was promised': {
    key: `${model}${sha256('other')}`,
    headers: { 'x-mnemos-sha256': sha256('content') },
    want: '422 MNEMOS_DIGEST_MISMATCH',
  },
  'nothing is stored beside a model': { key: `${model}${sha256('content')}/more`, want: '422 MNEMOS_DIGEST_MISMATCH' },
  'an object where others are below is refused': { key: 'outputs/a/u/a1/folder', want: '400 MNEMOS_BAD_REQUEST' },
}

describe('what a worker stores', () => {
  for (const [sentence, { key, body = 'content', headers = {}, writes: prefixes, want }] of Object.entries(writes)) {
    test(sentence, async () => {
      await put('outputs/a/u/a1/folder/x', 'x', { writes: ['outputs/'] })
      const answer = await put(key, body, { headers, writes: prefixes ?? ['outputs/a/u/a1/', model] })
      if (want === '200') assert.deepEqual(await answer.json(), { key, sha256: sha256(body), sizeBytes: body.length })
      else {
        assert.equal(await codeOf(answer), want)
        const head = await fetch(`${url}/v1/artifacts/${key}`, {
          method: 'HEAD',
          headers: await bearer({ reads: [decodeURIComponent(key)] }),
        })
        assert.ok([400, 404].includes(head.status) || key.startsWith(model), `${head.status}`)
      }
    })
  }

  test('is not there when the worker broke off', async () => {
    const key = 'outputs/a/u/a1/cut'
    const sending = request(`${url}/v1/artifacts/${key}`, {
      method: 'PUT',
      headers: { ...(await bearer({ writes: ['outputs/'] })), 'content-length': '1000' },
    })
    sending.on('error', () => undefined)
    sending.write('half')
    await eventually(async () => (await readdir(join(server.folder, 'partial'))).length === 1)
    sending.destroy()
    await eventually(async () => (await readdir(join(server.folder, 'partial'))).length === 0)
    assert.equal((await fetch(`${url}/v1/artifacts/${key}`, { method: 'HEAD', headers: await bearer({ reads: [key] }) })).status, 404)
  })
})

describe('what a worker reads', () => {
  const key = 'models/sha256/readable'
  const read = async (headers: Record<string, string> = {}, reads = ['outputs/r/text']): Promise<Response> => {
    await put('outputs/r/text', '0123456789', { writes: ['outputs/r/'] })
    return fetch(`${url}/v1/artifacts/outputs/r/text`, { headers: { ...(await bearer({ reads })), ...headers } })
  }
  const ranges: Record<string, { range?: string; wantStatus: number; want: string; wantRange?: string }> = {
    'is all of it, without a range': { wantStatus: 200, want: '0123456789' },
    'is a range with both ends': { range: 'bytes=2-4', wantStatus: 206, want: '234', wantRange: 'bytes 2-4/10' },
    'is a range to the end': { range: 'bytes=8-', wantStatus: 206, want: '89', wantRange: 'bytes 8-9/10' },
    'is what there is of a range that goes too far': { range: 'bytes=8-99', wantStatus: 206, want: '89', wantRange: 'bytes 8-9/10' },
    'is all of it for a range of another form': { range: 'bytes=-3', wantStatus: 200, want: '0123456789' },
  }
  for (const [sentence, { range, wantStatus, want, wantRange = null }] of Object.entries(ranges)) {
    test(sentence, async () => {
      const answer = await read(range === undefined ? {} : { range })
      assert.equal(answer.status, wantStatus)
      assert.equal(answer.headers.get('content-range'), wantRange)
      assert.equal(answer.headers.get('content-length'), String(want.length))
      assert.equal(answer.headers.get('etag'), `"${sha256('0123456789')}"`)
      assert.equal(await answer.text(), want)
    })
  }
  for (const range of ['bytes=10-', 'bytes=5-3', 'bytes=99999999999999999999-']) {
    test(`is not ${range} of ten bytes`, async () => assert.equal(await codeOf(await read({ range })), '416 MNEMOS_RANGE'))
  }
  test('is exactly what its token names: no prefix, no neighbour', async () => {
    assert.equal(await codeOf(await read({}, ['outputs/r/'])), '403 MNEMOS_FORBIDDEN')
    assert.equal(await codeOf(await read({}, ['outputs/r/text2'])), '403 MNEMOS_FORBIDDEN')
  })
  test('may be looked for, but not read, by whoever may write it', async () => {
    await put('outputs/r/text', '0123456789', { writes: ['outputs/r/'] })
    const headers = await bearer({ writes: ['outputs/r/'] })
    const head = await fetch(`${url}/v1/artifacts/outputs/r/text`, { method: 'HEAD', headers })
    assert.deepEqual([head.status, head.headers.get('content-length'), head.headers.get('etag')], [200, '10', `"${sha256('0123456789')}"`])
    assert.equal(await codeOf(await fetch(`${url}/v1/artifacts/outputs/r/text`, { headers })), '403 MNEMOS_FORBIDDEN')
  })
  test('is not there when nobody stored it', async () => {
    const headers = await bearer({ reads: [key] })
    assert.equal(await codeOf(await fetch(`${url}/v1/artifacts/${key}`, { headers })), '404 MNEMOS_NOT_FOUND')
    assert.equal((await fetch(`${url}/v1/artifacts/${key}`, { method: 'HEAD', headers })).status, 404)
  })
  test('may be empty', async () => {
    await put('outputs/r/empty', '', { writes: ['outputs/r/'] })
    const answer = await fetch(`${url}/v1/artifacts/outputs/r/empty`, { headers: await bearer({ reads: ['outputs/r/empty'] }) })
    assert.deepEqual([answer.status, await answer.text()], [200, ''])
  })
})
