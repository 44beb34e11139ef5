/**
 * An HTTP proxy in front of a real API server that does to requests what networks and servers do on bad days.
 *
 * Guarantees: every rule counts how often it fired, so that a test can prove that its fault happened; every request is
 * logged with its answer, so that writes can be counted and numbered. It passes on whatever it has no rule for, byte by
 * byte and without waiting.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { Transform } from 'node:stream'

export type Fault =
  /** The connection is reset before the request reaches the server. */
  | { readonly kind: 'drop' }
  /** The server carries the request out; the connection is reset instead of an answer. */
  | { readonly kind: 'loseReply' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** The request is taken and nothing ever comes back. */
  | { readonly kind: 'halfOpen' }
  /** A watch begins, passes on this many chunks, and then stays silent. */
  | { readonly kind: 'silence'; readonly afterChunks: number }
  | { readonly kind: 'status'; readonly code: number; readonly reason?: string; readonly retryAfterSeconds?: number }
  /** The body ends in the middle of its line number `afterLines` + 1. */
  | { readonly kind: 'truncate'; readonly afterLines: number }
  /** Every line of a watch comes twice. */
  | { readonly kind: 'duplicate' }
  /** The answer of the first request that matched is the answer of all that follow. */
  | { readonly kind: 'stale' }
  /** Calls back, and goes on when the callback has resolved; 'before' the server has the request, or 'after' it answered. */
  | { readonly kind: 'hold'; readonly when: 'before' | 'after'; readonly until: () => Promise<void> }

export interface FaultRule {
  readonly method?: string | RegExp
  /** Matched against path and query. */
  readonly path?: RegExp
  /** Requests that match and are let through before the first fault; default 0. */
  readonly skip?: number
  /** How often the fault fires; default 1. */
  readonly times?: number
  readonly fault: Fault
}

export interface FaultHandle {
  /** How often it took effect. */
  readonly fired: number
  remove(): void
}

export interface LoggedRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** 0 when no answer was passed on. */
  readonly status: number
  /** Milliseconds since 1970. */
  readonly at: number
}

export interface FaultProxy {
  /** Plain HTTP on loopback, with the upstream's token. */
  readonly credentials: { readonly server: string; readonly tls: object; readonly token: () => Promise<string> }
  rule(rule: FaultRule): FaultHandle
  requests(): readonly LoggedRequest[]
  /** Requests that write. */
  writes(): readonly LoggedRequest[]
  clear(): void
  stop(): Promise<void>
}

export interface Upstream {
  readonly server: string
  readonly tls: { readonly ca?: string }
  readonly token?: () => Promise<string | undefined>
}

interface ActiveRule extends FaultRule {
  seen: number
  /** Requests that were chosen for the fault; it fires when it takes effect, which may be later. */
  chosen: number
  fired: number
  recorded?: { status: number; headers: Record<string, string>; body: Buffer }
}

/** Starts a proxy; `stop` cuts every connection. */
export async function startFaultProxy({ upstream }: { upstream: Upstream }): Promise<FaultProxy> {
  const rules = new Set<ActiveRule>()
  const log: LoggedRequest[] = []
  const agent = new Agent({ keepAlive: true, maxSockets: 128, ...(upstream.tls.ca === undefined ? {} : { ca: upstream.tls.ca }) })
  const target = new URL(upstream.server)
  const context: ForwardContext = { agent, target, log }
  const server = createServer((incoming, outgoing) => {
    serve(context, pick(rules, incoming), incoming, outgoing).catch(() => incoming.socket.destroy())
  })
  const port = await listen(server)
  return {
    credentials: { server: `http://127.0.0.1:${port}`, tls: {}, token: async () => (await upstream.token?.()) ?? '' },
    rule: (rule) => {
      const active: ActiveRule = { ...rule, seen: 0, chosen: 0, fired: 0 }
      rules.add(active)
      return {
        get fired() {
          return active.fired
        },
        remove: () => void rules.delete(active),
      }
    },
    requests: () => log,
    writes: () => log.filter(({ method }) => method !== 'GET' && method !== 'HEAD'),
    clear: () => rules.clear(),
    stop: async () => {
      agent.destroy()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port')
  return address.port
}

/** The first rule that matches and still has faults to give. */
function pick(rules: ReadonlySet<ActiveRule>, { method = '', url = '' }: IncomingMessage): ActiveRule | undefined {
  for (const rule of rules) {
    const isMethod = rule.method === undefined || (typeof rule.method === 'string' ? rule.method === method : rule.method.test(method))
    if (!isMethod || (rule.path !== undefined && !rule.path.test(url))) continue
    rule.seen += 1
    if (rule.seen <= (rule.skip ?? 0)) continue
    if (rule.fault.kind === 'stale' && rule.recorded === undefined) return rule
    if (rule.chosen >= (rule.times ?? 1)) continue
    rule.chosen += 1
    return rule
  }
  return undefined
}

interface ForwardContext {
  readonly agent: Agent
  readonly target: URL
  readonly log: LoggedRequest[]
}

async function serve(
  context: ForwardContext,
  rule: ActiveRule | undefined,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const note = (status: number): void => {
    context.log.push({ method: incoming.method ?? '', path: incoming.url ?? '', status, at: Date.now() })
  }
  const fired = (): void => {
    if (rule !== undefined) rule.fired += 1
  }
  outgoing.on('error', () => undefined)
  const fault = rule?.fault
  switch (fault?.kind) {
    case 'drop':
      fired()
      note(0)
      incoming.socket.destroy()
      return
    case 'halfOpen':
      fired()
      note(0)
      incoming.resume()
      return
    case 'status':
      fired()
      note(fault.code)
      incoming.resume()
      refuse(outgoing, fault)
      return
    case 'delay':
      await new Promise((resolve) => setTimeout(resolve, fault.ms))
      fired()
      break
    case 'hold':
      fired()
      if (fault.when === 'before') await fault.until()
      break
    default:
  }
  if (rule?.recorded !== undefined) {
    fired()
    note(rule.recorded.status)
    incoming.resume()
    outgoing.writeHead(rule.recorded.status, rule.recorded.headers).end(rule.recorded.body)
    return
  }
  const answer = await ask(context, incoming, outgoing)
  if (fault?.kind === 'loseReply') {
    note(0)
    answer.resume()
    answer.on('end', () => {
      fired()
      incoming.socket.destroy()
    })
    return
  }
  if (fault?.kind === 'hold' && fault.when === 'after') await fault.until()
  note(answer.statusCode ?? 0)
  if (rule?.fault.kind === 'stale') rule.recorded = await record(answer, outgoing)
  else pass(answer, incoming, outgoing, fault, fired)
}

/** The request as it came, to the upstream. */
function ask({ agent, target }: ForwardContext, incoming: IncomingMessage, outgoing: ServerResponse): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { host: _host, connection: _connection, ...headers } = incoming.headers
    const forward = httpsRequest(
      { agent, hostname: target.hostname, port: target.port, method: incoming.method, path: incoming.url, headers },
      resolve,
    )
    forward.on('error', reject)
    // A client that goes away ends its request at the server, too: a watch would otherwise go on for nobody.
    outgoing.on('close', () => {
      if (!outgoing.writableFinished) forward.destroy()
    })
    incoming.pipe(forward)
  })
}

function pass(
  answer: IncomingMessage,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fault: Fault | undefined,
  fired: () => void,
): void {
  const cut = (): void => void incoming.socket.destroy()
  outgoing.writeHead(answer.statusCode ?? 502, plainHeaders(answer))
  outgoing.flushHeaders()
  answer.on('error', cut)
  answer.on('aborted', cut)
  if (fault?.kind === 'silence') {
    let chunks = 0
    answer.on('data', (chunk: Buffer) => {
      chunks += 1
      if (chunks <= fault.afterChunks) outgoing.write(chunk)
      else if (chunks === fault.afterChunks + 1) fired()
    })
    return
  }
  const through =
    fault?.kind === 'truncate' ? truncating(fault.afterLines, cut, fired) : fault?.kind === 'duplicate' ? duplicating(fired) : undefined
  if (through === undefined) answer.pipe(outgoing)
  else answer.pipe(through).pipe(outgoing)
}

async function record(answer: IncomingMessage, outgoing: ServerResponse): Promise<NonNullable<ActiveRule['recorded']>> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer) // no encoding is set
  const recorded = { status: answer.statusCode ?? 200, headers: plainHeaders(answer), body: Buffer.concat(chunks) }
  outgoing.writeHead(recorded.status, recorded.headers).end(recorded.body)
  return recorded
}

function plainHeaders({ headers }: IncomingMessage): Record<string, string> {
  const kept = ['content-type', 'retry-after', 'warning', 'audit-id']
  return Object.fromEntries(kept.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]])))
}

function refuse(outgoing: ServerResponse, { code, reason = 'Injected', retryAfterSeconds }: Fault & { kind: 'status' }): void {
  const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: `${code} by the fault proxy`, reason, code }
  outgoing.writeHead(code, {
    'content-type': 'application/json',
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
  })
  outgoing.end(JSON.stringify(status))
}

/** Passes lines on and cuts the connection in the middle of the one after the last. */
function truncating(afterLines: number, cut: () => void, fired: () => void): Transform {
  let lines = 0
  let isCut = false
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (const line of chunk.toString().split(/(?<=\n)/)) {
        if (lines < afterLines) this.push(line)
        else if (!isCut) {
          isCut = true
          this.push(line.slice(0, Math.ceil(line.length / 2)))
          fired()
          setImmediate(cut)
        }
        if (line.endsWith('\n')) lines += 1
      }
      done()
    },
  })
}

function duplicating(fired: () => void): Transform {
  let rest = ''
  let lines = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const whole = (rest + chunk.toString()).split('\n')
      rest = whole.pop() ?? ''
      if (lines === 0 && whole.length > 0) fired()
      lines += whole.length
      done(null, whole.map((line) => `${line}\n${line}\n`).join(''))
    },
  })
}
