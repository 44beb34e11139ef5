/**
 * A server of bytes and token streams for tests of the worker: real HTTP on loopback, objects and events in memory.
 *
 * A test may make it refuse, break connections, or be away; it notes every request with its token.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'

export interface FakeServer {
  readonly url: string
  readonly objects: Map<string, Buffer>
  /** Token texts by `<uid>/<attempt>`, by index. */
  readonly events: Map<string, string[]>
  /** Streams that got their end. */
  readonly ended: Set<string>
  readonly requests: { method: string; path: string; token: string; range: string | undefined }[]
  /** Answers the next requests that match with this status instead. */
  refuse(match: (method: string, path: string) => boolean, status: number, times?: number): void
  /** Sends readers of objects there, to the path that it answers; `undefined` serves them itself again. */
  redirect(to: ((key: string) => string) | undefined): void
  /** Breaks every event stream after its n-th line, once. */
  breakEventsAfter(lines: number): void
  /** Cuts all connections and refuses new ones until `comeBack`. */
  goAway(): Promise<void>
  comeBack(): Promise<void>
  close(): Promise<void>
}

interface Refusal {
  readonly match: (method: string, path: string) => boolean
  readonly status: number
  left: number
}

export async function startFakeServer(): Promise<FakeServer> {
  const objects = new Map<string, Buffer>()
  const events = new Map<string, string[]>()
  const ended = new Set<string>()
  const requests: FakeServer['requests'] = []
  const refusals: Refusal[] = []
  let breakAfter: number | undefined
  let redirection: ((key: string) => string) | undefined

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '' } = request
    const token = (request.headers.authorization ?? '').replace('Bearer ', '')
    requests.push({ method, path, token, range: request.headers.range })
    const refusal = refusals.find(({ match, left }) => left > 0 && match(method, path))
    if (refusal !== undefined) {
      refusal.left -= 1
      request.resume()
      json(response, refusal.status, { error: { code: 'REFUSED' } })
      return
    }
    const attempt = /^\/v1\/attempts\/([^/]+\/\d+)\/events$/.exec(path)?.[1]
    if (attempt !== undefined) {
      if (method === 'GET') json(response, 200, { next: events.get(attempt)?.length ?? 0 })
      else take(attempt, request, response)
      return
    }
    const key = decodeURIComponent(/^\/v1\/artifacts\/(.+)$/.exec(path)?.[1] ?? '')
    if (method === 'PUT') {
      await put(key, request, response)
      return
    }
    if (method === 'GET' && redirection !== undefined) {
      response.writeHead(307, { location: redirection(key) }).end()
      return
    }
    serve(objects.get(key), request, response)
  }

  function take(attempt: string, request: IncomingMessage, response: ServerResponse): void {
    const texts = events.get(attempt) ?? []
    events.set(attempt, texts)
    const lines = createInterface({ input: request })
    lines.on('error', () => undefined)
    lines.on('line', (line) => {
      const event = JSON.parse(line) as { index: number; text: string } | { end: true } // written by the worker under test
      if ('end' in event) return void ended.add(attempt)
      if (event.index === texts.length) texts.push(event.text)
      if (breakAfter !== undefined && texts.length >= breakAfter) {
        breakAfter = undefined
        request.socket.destroy()
      }
    })
    request.on('end', () => json(response, 200, { next: texts.length }))
    request.on('error', () => undefined)
  }

  async function put(key: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer) // no encoding is set
    const bytes = Buffer.concat(chunks)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    if ((request.headers['x-mnemos-sha256'] ?? sha256) !== sha256) {
      json(response, 422, { error: { code: 'DIGEST_MISMATCH' } })
      return
    }
    objects.set(key, bytes)
    json(response, 200, { key, sha256, sizeBytes: bytes.length })
  }

  let port = 0
  let server: Server
  async function listen(): Promise<void> {
    server = createServer((request, response) => {
      answer(request, response).catch(() => response.destroy())
    })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port // listens on TCP
  }
  async function stop(): Promise<void> {
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  await listen()
  return {
    url: `http://127.0.0.1:${port}`,
    objects,
    events,
    ended,
    requests,
    refuse: (match, status, times = 1) => void refusals.push({ match, status, left: times }),
    redirect: (to) => {
      redirection = to
    },
    breakEventsAfter: (lines) => {
      breakAfter = lines
    },
    goAway: stop,
    comeBack: listen,
    close: stop,
  }
}

function serve(bytes: Buffer | undefined, request: IncomingMessage, response: ServerResponse): void {
  if (bytes === undefined) {
    json(response, 404, { error: { code: 'NOT_FOUND' } })
    return
  }
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const headers = { etag: `"${createHash('sha256').update(bytes).digest('hex')}"`, 'content-length': bytes.length - start }
  response.writeHead(
    start > 0 ? 206 : 200,
    start > 0 ? { ...headers, 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : headers,
  )
  response.end(request.method === 'HEAD' ? undefined : bytes.subarray(start))
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}
