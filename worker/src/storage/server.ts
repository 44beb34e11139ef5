/**
 * The server's bytes, as a worker reaches them: with the token of one assignment, over one pool of connections per server.
 *
 * Guarantees that the token stands in the Authorization header alone, and that no error repeats a body. Statuses become either
 * Transient (429, 5xx, a broken connection) or a WorkFailure that says what was refused. Each call is one try.
 */
import type { Readable } from 'node:stream'
import { buildConnector, type Dispatcher, Pool } from 'undici'
import { z } from 'zod'
import { codeOf, WorkFailure } from '../failure.ts'
import { isDistrust, readBundle, TrustError } from '../trust.ts'
import { Transient } from './retry.ts'

const storedObject = z.object({ key: z.string(), sha256: z.string(), sizeBytes: z.int() })
/** What the server read back after a PUT; `sha256` has 64 hex digits. */
export type StoredObject = z.output<typeof storedObject>

/** Opens a body anew for each try. */
export type Body = string | Buffer | (() => Readable)

export interface ServerSession {
  /** Opens an object from `offset` on; `offset` of the answer is 0 when the server sent it whole. */
  get(key: string, options: { offset: number; signal: AbortSignal }): Promise<{ offset: number; body: Readable }>
  /** The size of an object, or undefined when there is none. */
  head(key: string, signal: AbortSignal): Promise<{ sizeBytes: number; sha256: string | undefined } | undefined>
  /** Stores an object; the server compares the SHA-256 and answers with what it read back. */
  put(key: string, body: Body, about: { sha256: string; sizeBytes: number; signal: AbortSignal }): Promise<StoredObject>
  /** Sends a request below the server's base URL, token included, and returns the answer whatever its status. */
  request(method: Dispatcher.HttpMethod, path: string, options: RequestOptions): Promise<Dispatcher.ResponseData>
}

export interface RequestOptions {
  readonly headers?: Record<string, string>
  readonly body?: string | Buffer | Readable
  readonly signal: AbortSignal
  /** The answer may take as long as it likes, because the body does. */
  readonly isLongLived?: boolean
}

export interface Servers {
  /** @throws WorkFailure Internal when the URL is none */
  session(url: string, token: string): ServerSession
  close(): Promise<void>
}

export interface ServersOptions {
  /** Connections per server. Default 32. */
  readonly connections?: number
  /** File with the authorities that vouch for servers. Default: the system's. */
  readonly caFile?: string | undefined
}

/** Keeps one pool per server URL. */
export function createServers(options: ServersOptions = {}): Servers {
  const pools = new Map<string, Pool>()
  /** @param caFile undefined trusts the authorities of the system: the store's certificate is not the server's */
  function poolOf(origin: string, caFile?: string): Pool {
    const name = `${origin} ${caFile ?? ''}`
    const known = pools.get(name)
    if (known !== undefined) return known
    const pool = new Pool(origin, {
      allowH2: false,
      ...(caFile === undefined ? {} : { connect: connectorOf(caFile) }),
      connections: options.connections ?? 32,
      bodyTimeout: 60_000,
      headersTimeout: 60_000,
      keepAliveTimeout: 60_000,
      keepAliveMaxTimeout: 60_000,
    })
    pools.set(name, pool)
    return pool
  }
  return {
    session: (url, token) => {
      const base = parseBase(url)
      return sessionOf(poolOf(base.origin, options.caFile), { base, token, elsewhere: (origin) => poolOf(origin) })
    },
    close: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
      pools.clear()
    },
  }
}

/** Opens each connection with the bundle as it is then. */
function connectorOf(caFile: string): buildConnector.connector {
  return (to, opened) => {
    try {
      buildConnector({ ca: readBundle(caFile), allowH2: false, timeout: 10_000 })(to, opened)
    } catch (error) {
      opened(error instanceof Error ? error : new Error(String(error)), null)
    }
  }
}

/** Why a connection failed, for the one who has to mend it. */
function troubleOf(error: unknown): string {
  if (error instanceof TrustError) return error.message
  const code = codeOf(error) ?? 'connection error'
  return isDistrust(code) ? `${code}: no authority of this worker (MNEMOS_WORKER_CA_FILE) vouches for the server` : code
}

function parseBase(url: string): URL {
  const base = URL.parse(url)
  if (base !== null && (base.protocol === 'http:' || base.protocol === 'https:')) return base
  throw new WorkFailure({ class: 'Internal', reason: 'BadServerUrl', message: 'The assignment names no usable server URL.' })
}

interface SessionOptions {
  readonly base: URL
  readonly token: string
  /** Connections to a store that the server sends us to. */
  readonly elsewhere: (origin: string) => Pool
}

function sessionOf(pool: Pool, { base, token, elsewhere }: SessionOptions): ServerSession {
  const prefix = base.pathname.replace(/\/$/, '')
  const pathOf = (key: string): string => `/v1/artifacts/${key.split('/').map(encodeURIComponent).join('/')}`
  const request: ServerSession['request'] = async (method, path, { headers = {}, body, signal, isLongLived = false }) => {
    try {
      return await pool.request({
        method,
        path: `${prefix}${path}`,
        headers: { authorization: `Bearer ${token}`, ...headers },
        signal,
        ...(body === undefined ? {} : { body }),
        ...(isLongLived ? { headersTimeout: 0 } : {}),
      })
    } catch (error) {
      signal.throwIfAborted()
      throw new Transient(`${method} at ${base.origin} failed: ${troubleOf(error)}`, { cause: error })
    }
  }
  return {
    request,
    get: async (key, { offset, signal }) => {
      const headers: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {}
      const answer = await request('GET', pathOf(key), { headers, signal })
      if (answer.statusCode === 307) return getElsewhere(answer, { key, offset, headers, signal, elsewhere })
      if (answer.statusCode === 206) return { offset, body: answer.body }
      if (answer.statusCode === 200) return { offset: 0, body: answer.body }
      await refuse(answer, `GET ${key}`)
      throw new WorkFailure({ class: 'ModelUnavailable', reason: 'ArtifactMissing', message: `The server has no object ${key}.` })
    },
    head: async (key, signal) => {
      const answer = await request('HEAD', pathOf(key), { signal })
      if (answer.statusCode === 404) return undefined
      if (answer.statusCode !== 200) await refuse(answer, `HEAD ${key}`)
      await answer.body.dump()
      const etag = String(answer.headers.etag ?? '').replaceAll('"', '')
      return { sizeBytes: Number(answer.headers['content-length'] ?? 0), sha256: /^[a-f0-9]{64}$/.test(etag) ? etag : undefined }
    },
    put: async (key, body, { sha256, sizeBytes, signal }) => {
      const headers = { 'x-mnemos-sha256': sha256, 'content-length': String(sizeBytes), 'content-type': 'application/octet-stream' }
      const opened = typeof body === 'function' ? body() : body
      const answer = await request('PUT', pathOf(key), { headers, body: opened, signal })
      if (answer.statusCode !== 200 && answer.statusCode !== 201) await refuse(answer, `PUT ${key}`)
      const stored = storedObject.safeParse(await answer.body.json().catch(() => undefined))
      if (!stored.success || stored.data.sha256 !== sha256) throw new Transient(`PUT ${key} was not confirmed by its SHA-256`)
      return stored.data
    },
  }
}

interface ElsewhereOptions {
  readonly key: string
  readonly offset: number
  readonly headers: Record<string, string>
  readonly signal: AbortSignal
  readonly elsewhere: (origin: string) => Pool
}

/**
 * Follows the server to the store that has the bytes, once, without the token. The URL is a credential for a while and stands in
 * no error. What the store refuses is asked of the server again: the URL may have expired.
 */
async function getElsewhere(
  answer: Dispatcher.ResponseData,
  { key, offset, headers, signal, elsewhere }: ElsewhereOptions,
): Promise<{ offset: number; body: Readable }> {
  await answer.body.dump()
  const url = URL.parse(String(answer.headers.location ?? ''))
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) throw new Transient(`GET ${key} was sent to no usable place`)
  const asked = elsewhere(url.origin).request({ method: 'GET', path: `${url.pathname}${url.search}`, headers, signal })
  const found = await asked.catch((cause: unknown) => {
    signal.throwIfAborted()
    throw new Transient(`GET ${key} from the store at ${url.origin} failed: ${codeOf(cause) ?? 'connection error'}`, { cause })
  })
  if (found.statusCode === 206) return { offset, body: found.body }
  if (found.statusCode === 200) return { offset: 0, body: found.body }
  await found.body.dump()
  throw new Transient(`GET ${key} was answered with ${found.statusCode} by the store at ${url.origin}`)
}

/** Turns a refusing status into the error it stands for; returns on 404 alone, which each route reads in its own way. */
async function refuse(answer: Dispatcher.ResponseData, what: string): Promise<void> {
  await answer.body.dump()
  const { statusCode: status } = answer
  if (status === 404 && !what.startsWith('PUT')) return
  if (status === 408 || status === 422 || status === 429 || status >= 500) {
    const seconds = Number(answer.headers['retry-after'])
    throw new Transient(`${what} was answered with ${status}`, { retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : undefined })
  }
  const isToken = status === 401 || status === 403
  throw new WorkFailure({
    class: 'StorageUnavailable',
    reason: isToken ? 'TokenRefused' : 'RequestRefused',
    message: `The server refused ${what} with status ${status}.`,
    hint: isToken ? 'The token of the assignment does not allow it or has expired; the next attempt gets a new one.' : '',
  })
}
