import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, describe, mock, test } from 'node:test'
import type { Job, JobStatus } from '@mnemos/api'
import { openDirectoryStore } from '@mnemos/artifacts'
import { createMnemosClient, type JobEvent } from '@mnemos/contract'
import { createClient } from '@mnemos/kube'
import { createMemoryStreamStore } from '@mnemos/stores'
import { aJob, eventually } from '@mnemos/testkit'
import Fastify from 'fastify'
import { startServer } from './server.test-kit.ts'
import { registerUserRoutes } from './user-routes.ts'

const server = await startServer()
const { url, api } = server
const client = createClient({ credentials: api.credentials })
after(() => client.close())
const alice = createMnemosClient({ url, token: () => Promise.resolve('alice-token') })

await eventually(async () => (await fetch(`${url}/readyz`)).ok, { message: 'the cache is filled' })

const store = (name: string, phase: JobStatus['phase'], status: Partial<JobStatus> = {}): Job => {
  const job = aJob(name).thatIs(phase, status).build()
  api.put(job)
  return job
}
const say = async (name: string, lines: readonly object[], attempt = 1): Promise<void> => {
  const uid = `uid-${name}`
  const answer = await fetch(`${url}/v1/attempts/${uid}/${attempt}/events`, {
    method: 'POST',
    body: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    headers: { authorization: `Bearer ${await server.assignmentToken({ uid, attempt })}`, 'content-type': 'application/x-ndjson' },
  })
  assert.equal(answer.status, 200)
}
const codeOf = async (answer: Response): Promise<string> => {
  const { error } = (await answer.json()) as { error: { code: string; requestId: string } } // the one shape of every refusal
  assert.match(error.requestId, /^[0-9a-f-]{36}$/)
  return `${answer.status} ${error.code}`
}
const inShort = (event: JobEvent): string =>
  event.event === 'token' ? `${event.id}:${event.text}` : event.event === 'status' ? `(${event.status.phase})` : event.event

/** A stream read as bytes; `text` grows. */
async function rawStream(name: string): Promise<{ readonly response: IncomingMessage; text: string }> {
  const request = get(`${url}/v1/jobs/${name}/stream`, { headers: { authorization: 'Bearer alice-token' } })
  const [response] = (await once(request, 'response')) as [IncomingMessage] // the event's one argument
  const read = { response, text: '' }
  response.setEncoding('utf8')
  response.on('error', () => undefined)
  response.on('data', (chunk: string) => {
    read.text += chunk
  })
  return read
}

interface QuietServer {
  readonly url: string
  readonly streams: ReturnType<typeof createMemoryStreamStore>
  /** Waits for a change of the Job that nobody has ended. */
  readonly waits: () => number
  /** Resolves when somebody's request is being looked up. */
  readonly asked: Promise<unknown>
  readonly answer: () => void
  readonly connections: () => number
}

/** The routes alone, with a Job that waits, and a lookup that takes as long as the test says. */
async function aQuietServer(job: Job = aJob('quiet').build()): Promise<QuietServer> {
  const asked = Promise.withResolvers<undefined>()
  const answered = Promise.withResolvers<undefined>()
  const waiting = new Set<() => void>()
  const stop = new AbortController()
  const streams = createMemoryStreamStore({ maxStreamLength: 2 ** 30 })
  const app = Fastify()
  const open = new Set<Socket>()
  app.server.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  registerUserRoutes(app, {
    callers: {
      identify: async () => {
        asked.resolve(undefined)
        await answered.promise
        return { userName: 'alice', client }
      },
    },
    artifacts: await openDirectoryStore(join(server.folder, 'quiet')),
    streams,
    slowReaderMs: 100,
    follower: {
      get: () => job,
      changed: (_uid, signal) =>
        new Promise((resolve) => {
          const done = (): void => {
            waiting.delete(done)
            resolve()
          }
          waiting.add(done)
          if (signal.aborted) done()
          else signal.addEventListener('abort', done, { once: true })
        }),
      named: () => undefined,
      inNamespace: () => [],
      hasSynced: () => true,
      run: () => Promise.resolve(),
    },
    signal: stop.signal,
  })
  after(async () => {
    stop.abort()
    await app.close()
  })
  api.put(job)
  return {
    url: await app.listen({ host: '127.0.0.1', port: 0 }),
    streams,
    waits: () => waiting.size,
    connections: () => open.size,
    asked: asked.promise,
    answer: () => answered.resolve(undefined),
  }
}

describe('the stream of a Job', () => {
  test('is told as events, and ends with the Job', async () => {
    store('told', 'Running', { attempt: 1 })
    const seen: string[] = []
    const done = (async () => {
      for await (const event of alice.streamJob('default', 'told')) seen.push(inShort(event))
    })()
    await say('told', [{ index: 0, text: 'line one\nline two' }])
    await eventually(() => seen.length === 2)
    await say('told', [{ index: 1, text: 'ä😀' }, { end: true }])
    store('told', 'Succeeded', { attempt: 1 })
    await done
    assert.deepEqual(seen, ['(Running)', '1-0:line one\nline two', '1-1:ä😀', '(Succeeded)', 'end'])
  })

  test('goes on behind the last event that its reader had', async () => {
    store('resumed', 'Running', { attempt: 1 })
    await say('resumed', [{ index: 0, text: 'a' }, { index: 1, text: 'b' }, { end: true }])
    store('resumed', 'Succeeded', { attempt: 1 })
    const again = await Array.fromAsync(alice.streamJob('default', 'resumed', { lastEventId: '1-0' }))
    assert.deepEqual(again.map(inShort), ['1-1:b', '(Succeeded)', 'end'])
  })

  test('says at once that it is a stream that nobody may keep or hold back', async () => {
    store('headers', 'Pending')
    const { response } = await rawStream('headers')
    store('headers', 'Cancelled')
    assert.equal(response.headers['content-type'], 'text/event-stream')
    assert.equal(response.headers['cache-control'], 'no-store')
    assert.equal(response.headers['x-accel-buffering'], 'no')
    // A stream that outlives its test would have its timer cleared on the next test's clock.
    await eventually(() => response.complete)
  })

  test('shows a sign of life every 15 seconds while nothing happens', async () => {
    store('quiet', 'Pending')
    mock.timers.enable({ apis: ['setInterval'] })
    try {
      const read = await rawStream('quiet')
      await eventually(() => read.text.includes('event: status'))
      mock.timers.tick(14_999)
      const before = read.text
      mock.timers.tick(1)
      await eventually(() => read.text !== before)
      assert.equal(read.text.slice(before.length), ': alive\n\n')
      store('quiet', 'Cancelled')
      await eventually(() => read.text.endsWith('event: end\ndata: {}\n\n'))
      const atEnd = read.text
      mock.timers.tick(60_000)
      await eventually(() => read.response.complete)
      assert.equal(read.text, atEnd)
    } finally {
      mock.timers.reset()
    }
  })

  test('reaches a reader who comes late and reads, however much there is', async () => {
    store('late', 'Running', { attempt: 1 })
    const text = 'x'.repeat(100_000)
    for (let index = 0; index < 40; index++) await say('late', [{ index, text }])
    await say('late', [{ end: true }])
    store('late', 'Succeeded', { attempt: 1 })
    const events = await Array.fromAsync(alice.streamJob('default', 'late'))
    assert.equal(events.filter(({ event }) => event === 'token').length, 40)
    assert.equal(events.at(-1)?.event, 'end')
  })
})

describe('a reader that goes away', () => {
  test('is let go while the Job waits', async () => {
    const quiet = await aQuietServer()
    quiet.answer()
    const request = get(`${quiet.url}/v1/jobs/quiet/stream`)
    await once(request, 'response')
    await eventually(() => quiet.waits() === 1)
    request.destroy()
    await eventually(() => quiet.waits() === 0)
  })

  test('before its Job was found is let go too', async () => {
    const quiet = await aQuietServer()
    const request = get(`${quiet.url}/v1/jobs/quiet/stream`)
    request.on('error', () => undefined)
    const [socket] = (await once(request, 'socket')) as [Socket] // the event's one argument
    await quiet.asked
    socket.resetAndDestroy()
    await eventually(() => quiet.connections() === 0)
    quiet.answer()
    const later = get(`${quiet.url}/v1/jobs/quiet/stream`)
    await once(later, 'response')
    await eventually(() => quiet.waits() === 1)
    later.destroy()
    await eventually(() => quiet.waits() === 0)
  })

  test('in all but name, because it reads nothing, is cut', async () => {
    const quiet = await aQuietServer(aJob('quiet').thatIs('Running', { attempt: 1 }).build())
    quiet.answer()
    const text = 'x'.repeat(1_000_000)
    await quiet.streams.append(
      'uid-quiet/1',
      Array.from({ length: 40 }, (_, index) => ({ index, text })),
    )
    const idle = connect(Number(new URL(quiet.url).port), '127.0.0.1')
    idle.on('error', () => undefined)
    idle.write('GET /v1/jobs/quiet/stream HTTP/1.1\r\nHost: x\r\n\r\n')
    await eventually(() => quiet.waits() === 1)
    await eventually(() => quiet.connections() === 0)
    assert.equal(quiet.waits(), 0)
    idle.destroy()
  })
})

describe('what people ask for', () => {
  const asAlice = (path: string, init?: RequestInit): Promise<Response> => server.asAlice(path, init)
  const post = (body: string, headers: Record<string, string> = {}): Promise<Response> =>
    asAlice('/v1/jobs', { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })
  const whole = (name?: string): string =>
    JSON.stringify({
      apiVersion: 'mnemos.dev/v1alpha1',
      kind: 'Job',
      metadata: name === undefined ? {} : { name },
      spec: { inference: { modelRef: { name: 'm' }, prompt: 'hi' } },
    })

  const refused: Record<string, { ask: () => Promise<Response>; want: string }> = {
    'nobody without a token': { ask: () => fetch(`${url}/v1/jobs`), want: '401 MNEMOS_UNAUTHENTICATED' },
    'a namespace that is none': { ask: () => asAlice('/v1/jobs?namespace=A_b'), want: '400 MNEMOS_BAD_REQUEST' },
    'a namespace that would leave its path': { ask: () => asAlice('/v1/jobs?namespace=..%2f..'), want: '400 MNEMOS_BAD_REQUEST' },
    'a limit out of its range': { ask: () => asAlice('/v1/jobs?limit=501'), want: '400 MNEMOS_BAD_REQUEST' },
    'a phase that is none': { ask: () => asAlice('/v1/jobs?phase=Done'), want: '400 MNEMOS_BAD_REQUEST' },
    'a body larger than is allowed': { ask: () => post(whole('x'.repeat(70_000))), want: '413 MNEMOS_TOO_LARGE' },
    'a body of another type': {
      ask: () => post(whole('a'), { 'content-type': 'application/xml' }),
      want: '400 MNEMOS_BAD_REQUEST',
    },
    'a body that is no JSON': { ask: () => post('{'), want: '400 MNEMOS_BAD_REQUEST' },
    'no body': { ask: () => asAlice('/v1/jobs', { method: 'POST' }), want: '400 MNEMOS_BAD_REQUEST' },
    'a Job that is not there': { ask: () => asAlice('/v1/jobs/none'), want: '404 MNEMOS_NOT_FOUND' },
    'a stream of a Job that is not there': { ask: () => asAlice('/v1/jobs/none/stream'), want: '404 MNEMOS_NOT_FOUND' },
    'a route that is not there': { ask: () => asAlice('/v1/none'), want: '404 MNEMOS_NOT_FOUND' },
    'a path that is no URL': { ask: () => asAlice('/v1/jobs/%zz'), want: '400 MNEMOS_BAD_REQUEST' },
    'the result of a Job that has none': {
      ask: () => {
        store('unfinished', 'Running', { attempt: 1 })
        return asAlice('/v1/jobs/unfinished/result')
      },
      want: '409 MNEMOS_NOT_READY',
    },
    'a result that a status names in the place of another Job': {
      ask: async () => {
        const artifacts = await openDirectoryStore(server.folder)
        await artifacts.put('outputs/other/uid/a1/result.json', Readable.from([Buffer.from('"secret"')]))
        const result = { uri: 'artifact://outputs/other/uid/a1/result.json', sha256: 'a'.repeat(64), sizeBytes: 8 }
        store('greedy', 'Succeeded', { attempt: 1, result })
        return asAlice('/v1/jobs/greedy/result')
      },
      want: '404 MNEMOS_NOT_FOUND',
    },
    'a result that is no longer stored': {
      ask: () => {
        const result = { uri: 'artifact://outputs/gone', sha256: 'a'.repeat(64), sizeBytes: 1 }
        store('gone', 'Succeeded', { attempt: 1, result })
        return asAlice('/v1/jobs/gone/result')
      },
      want: '404 MNEMOS_NOT_FOUND',
    },
  }
  for (const [sentence, { ask, want }] of Object.entries(refused)) {
    test(`is refused in one shape: ${sentence}`, async () => assert.equal(await codeOf(await ask()), want))
  }

  test('is made once per key, and refused for another request with the key', async () => {
    const headers = { 'idempotency-key': 'once' }
    const made = await Promise.all([post(whole(), headers), post(whole(), headers)])
    const names = await Promise.all(made.map(async (answer) => ((await answer.json()) as Job).metadata.name))
    assert.deepEqual(
      made.map(({ status }) => status),
      [201, 201],
    )
    assert.equal(new Set(names).size, 1)
    assert.equal(await codeOf(await post(whole().replace('hi', 'ho'), headers)), '409 MNEMOS_CONFLICT')
  })

  test('is refused without a key when the name is taken', async () => {
    assert.equal((await post(whole('taken'))).status, 201)
    assert.equal(await codeOf(await post(whole('taken'))), '409 MNEMOS_CONFLICT')
  })

  test('is asked for as the caller, never as the server', async () => {
    await asAlice('/v1/jobs/any')
    assert.equal(api.requests.findLast(({ path }) => path.endsWith('/any'))?.headers['authorization'], 'Bearer alice-token')
  })
})
