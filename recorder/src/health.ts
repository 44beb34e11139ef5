/** /healthz, /readyz and /metrics over plain HTTP, for probes and scrapers. */

import { createServer } from 'node:http'
import { listening } from '@mnemos/kube'
import type { Registry } from 'prom-client'

export interface HealthServer {
  readonly port: number
  close(): Promise<void>
}

/** @param ready undefined when ready, else why not */
export async function startHealthServer(options: {
  host: string
  port: number
  registry: Registry
  ready: () => string | undefined
}): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const answer = (code: number, text: string, type = 'text/plain'): void => {
      response.writeHead(code, { 'content-type': type }).end(text)
    }
    switch (request.url) {
      case '/healthz':
        answer(200, 'ok')
        return
      case '/readyz': {
        const reason = options.ready()
        answer(reason === undefined ? 200 : 503, reason ?? 'ok')
        return
      }
      case '/metrics':
        options.registry.metrics().then(
          (text) => answer(200, text, options.registry.contentType),
          () => answer(500, 'metrics could not be collected'),
        )
        return
      default:
        answer(404, 'only /healthz, /readyz and /metrics are here')
    }
  })
  const listener = { what: 'probes and metrics', setting: 'MNEMOS_RECORDER_HEALTH_PORT', hostSetting: 'MNEMOS_RECORDER_HOST' }
  const port = await listening(
    { ...listener, host: options.host, port: options.port },
    () =>
      new Promise<number>((resolve, reject) => {
        server.once('error', reject)
        server.listen(options.port, options.host, () => {
          const address = server.address()
          resolve(typeof address === 'object' && address !== null ? address.port : options.port)
        })
      }),
  )
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
