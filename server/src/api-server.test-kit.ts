/**
 * A stand-in for the API server on loopback, for the server's own decisions: it knows tokens, keeps what it is given and
 * tells watches of it. It judges and forbids nothing; a test that needs a refusal or a delay says so with `intercept`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Job } from '@mnemos/api'
import type { Credentials, KubeObject } from '@mnemos/kube'

export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
}

export interface KnownUser {
  readonly username: string
  readonly groups?: readonly string[]
  readonly uid?: string
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

export interface ApiServerStandIn {
  readonly credentials: Credentials
  readonly requests: readonly SeenRequest[]
  readonly users: Map<string, KnownUser>
  /** Stores a Job as the operator would, and tells those who watch. */
  put(job: Job): void
  remove(job: Job): void
  /** Asked before every answer; when it answers itself it returns true. */
  intercept: (request: SeenRequest, response: ServerResponse) => boolean | Promise<boolean>
  close(): Promise<void>
}

interface Watching {
  readonly events: string[]
  readonly readers: Set<ServerResponse>
}

const jobsPath = '/apis/mnemos.dev/v1alpha1'

export async function startApiServer(): Promise<ApiServerStandIn> {
  const requests: SeenRequest[] = []
  const users = new Map<string, KnownUser>()
  const objects = new Map<string, KubeObject>()
  const watching: Watching = { events: [], readers: new Set() }

  const tell = (type: string, path: string, given: KubeObject): KubeObject => {
    const object = { ...given, metadata: { ...given.metadata, resourceVersion: String(watching.events.length + 1) } }
    if (type === 'DELETED') objects.delete(path)
    else objects.set(path, object)
    // Only Jobs are watched here, but one order of versions serves all.
    const line = path.startsWith(jobsPath) ? `${JSON.stringify({ type, object })}\n` : ''
    watching.events.push(line)
    for (const reader of watching.readers) reader.write(line)
    return object
  }
  const pathOfJob = ({ metadata: { namespace = '', name } }: Job): string => `${jobsPath}/namespaces/${namespace}/mnemosjobs/${name}`
  const answer = (seen: SeenRequest, response: ServerResponse): void => {
    if (seen.path.endsWith('/tokenreviews')) json(response, 201, review(users, seen.body))
    else if (seen.query.get('watch') === 'true') watch(watching, Number(seen.query.get('resourceVersion')), response)
    else if (seen.method === 'POST') create(seen, response)
    else if (seen.path.endsWith('/mnemosjobs')) {
      const items = [...objects].filter(([path]) => path.startsWith(jobsPath)).map(([, object]) => object)
      json(response, 200, { items, metadata: { resourceVersion: String(watching.events.length) } })
    } else {
      const found = objects.get(seen.path)
      if (found === undefined) refuse(response, 404, 'NotFound')
      else json(response, 200, found)
    }
  }
  const create = (seen: SeenRequest, response: ServerResponse): void => {
    const object = seen.body as KubeObject & { readonly stringData?: Readonly<Record<string, string>> } // written by our client
    const path = `${seen.path}/${object.metadata.name}`
    if (objects.has(path)) {
      refuse(response, 409, 'AlreadyExists')
      return
    }
    const data = Object.fromEntries(
      Object.entries(object.stringData ?? {}).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    )
    const uid = `uid-${object.metadata.name}`
    json(response, 201, tell('ADDED', path, { ...object, metadata: { ...object.metadata, uid }, ...{ data } }))
  }

  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      text += chunk
    })
    request.on('end', () => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://stand-in')
      const body: unknown = text === '' ? undefined : JSON.parse(text)
      const seen = { method: request.method ?? '', path: pathname, query: searchParams, headers: request.headers, body }
      requests.push(seen)
      void Promise.resolve(standIn.intercept(seen, response)).then((isAnswered) => {
        if (!isAnswered) answer(seen, response)
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP server has one
  const standIn: ApiServerStandIn = {
    credentials: { server: `http://127.0.0.1:${port}`, tls: {} },
    requests,
    users,
    put: (job) => void tell(objects.has(pathOfJob(job)) ? 'MODIFIED' : 'ADDED', pathOfJob(job), job),
    remove: (job) => void tell('DELETED', pathOfJob(job), job),
    intercept: () => false,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return standIn
}

/** Answers with a `Status` as the API server writes it. */
export function refuse(response: ServerResponse, code: number, reason: string): void {
  json(response, code, { kind: 'Status', code, reason, message: `${reason} said the API server` })
}

function json(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function review(users: ReadonlyMap<string, KnownUser>, body: unknown): unknown {
  const { token } = (body as { spec: { token: string } }).spec // written by our client
  const user = users.get(token)
  return { status: user === undefined ? { authenticated: false } : { authenticated: true, user } }
}

function watch({ events, readers }: Watching, from: number, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
  response.write(events.slice(from).join(''))
  readers.add(response)
  response.on('close', () => readers.delete(response))
}
