/** /healthz, /readyz and /metrics over plain HTTP, on a port of their own: probes and scrapers hold no certificates. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import { type Listener, listening } from './listening.ts'

export interface HealthServer {
  readonly port: number
  close(): Promise<void>
}

/** Port 0 picks a free one. */
export interface HealthOptions extends Omit<Listener, 'what'> {
  readonly registry: Registry
  /** Why the process is not ready; undefined when it is. */
  readonly notReady: () => string | undefined
}

/** Starts listening. @throws ListenError when the port cannot be had */
export async function serveHealth({ registry, notReady, ...listener }: HealthOptions): Promise<HealthServer> {
  const page = async (path: string): Promise<readonly [number, string, string]> => {
    if (path === '/healthz') return [200, 'text/plain', 'ok\n']
    if (path === '/metrics') return [200, registry.contentType, await registry.metrics()]
    if (path !== '/readyz') return [404, 'text/plain', 'the pages are /healthz, /readyz and /metrics\n']
    const reason = notReady()
    return reason === undefined ? [200, 'text/plain', 'ok\n'] : [503, 'text/plain', `${reason}\n`]
  }
  const server = createServer((request, response) => {
    page((request.url ?? '').split('?')[0] ?? '').then(
      ([status, type, body]) => response.writeHead(status, { 'Content-Type': type }).end(body),
      () => response.writeHead(500).end(),
    )
  })
  const { host, port } = listener
  await listening(
    { what: 'probes and metrics', ...listener },
    () => new Promise<void>((resolve, fail) => server.once('error', fail).listen({ host, port }, resolve)),
  )
  const address: AddressInfo | string | null = server.address()
  if (address === null || typeof address === 'string') throw new Error('the health server does not listen on a port')
  return {
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
