/** Single requests to an API server, for starting a cluster: no watches, no retries. */
import { request } from 'node:https'

/** Where an API server is and who asks; `ca` is PEM. */
export interface ApiAccess {
  readonly server: string
  readonly ca: string
  readonly token: string
}

export interface ApiAnswer {
  /** HTTP status; 0 when nobody answered within two seconds. */
  readonly code: number
  readonly body: string
}

/** Sends a request. Never rejects: what goes wrong on the way is an answer with code 0. */
export async function apiRequest(access: ApiAccess, path: string, body?: object): Promise<ApiAnswer> {
  return new Promise((resolve) => {
    const call = request(
      new URL(path, access.server),
      {
        ca: access.ca,
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${access.token}`, 'content-type': 'application/json' },
        timeout: 2000,
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('close', () => {
          resolve({ code: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() })
        })
      },
    )
    call.on('error', (error) => {
      resolve({ code: 0, body: error.message })
    })
    call.on('timeout', () => call.destroy())
    call.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** Whether the API server says that it is ready. */
export async function isReady(access: ApiAccess): Promise<boolean> {
  return (await apiRequest(access, '/readyz')).code === 200
}
