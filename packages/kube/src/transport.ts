/**
 * Connections to one API server: a pool for requests and another for watches, so that long watches never stand in the way.
 *
 * HTTP/1.1 with keep-alive: over HTTP/2 all watches would share one connection and its flow control.
 */
import { Pool } from 'undici'
import type { Credentials } from './credentials.ts'

export interface Transport {
  readonly credentials: Credentials
  readonly requests: Pool
  readonly watches: Pool
  /** Path in front of every request, from the server's URL; empty for most. */
  readonly basePath: string
  close(): Promise<void>
}

/** @param connections most connections of the request pool; watches have one each */
export function createTransport(credentials: Credentials, connections: number): Transport {
  const { origin, pathname } = new URL(credentials.server)
  const { ca, cert, key, serverName, insecure } = credentials.tls
  const connect = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(insecure === true ? { rejectUnauthorized: false } : {}),
    timeout: 10_000,
  }
  const shared = { connect, allowH2: false, bodyTimeout: 0, keepAliveTimeout: 60_000, keepAliveMaxTimeout: 60_000 }
  const requests = new Pool(origin, { ...shared, connections, headersTimeout: 60_000 })
  const watches = new Pool(origin, { ...shared, connections: null, headersTimeout: 60_000 })
  return {
    credentials,
    requests,
    watches,
    basePath: pathname === '/' ? '' : pathname.replace(/\/$/, ''),
    close: async () => {
      await Promise.all([requests.destroy(), watches.destroy()])
    },
  }
}
