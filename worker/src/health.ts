/** /healthz, /readyz and /metrics of the worker, over plain HTTP on loopback unless told otherwise. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'

export interface HealthOptions {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly registry: Registry
  readonly isReady: () => boolean
}

/** Serves until closed. @throws when the port is taken */
export async function serveHealth({ host, port, registry, isReady }: HealthOptions): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: string, type = 'text/plain'): void => {
      response.writeHead(status, { 'content-type': type })
      response.end(`${body}\n`)
    }
    const path = request.url?.split('?')[0]
    if (path === '/healthz') answer(200, 'ok')
    else if (path === '/readyz') answer(isReady() ? 200 : 503, isReady() ? 'ok' : 'no stream to an operator')
    else if (path === '/metrics') {
      registry.metrics().then(
        (text) => answer(200, text, registry.contentType),
        () => answer(500, 'metrics failed'),
      )
    } else answer(404, 'not found')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `cannot listen on ${host}:${port} for probes and metrics (${cause.message})`
      const hint = 'set MNEMOS_WORKER_HEALTH_PORT to a free port, or to 0 for none'
      reject(Object.assign(new Error(message, { cause }), { name: 'ListenError', hint }))
    })
    server.listen(port, host, () => resolve())
  })
  const address = server.address() as AddressInfo // it listens on TCP
  return {
    port: address.port,
    close: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
