/** A server on loopback that answers as a test says: for what a real API server does too rarely to wait for it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after } from 'node:test'
import { type Client, createClient } from './client.ts'

export interface ScriptedServer {
  readonly client: Client
  readonly requests: readonly {
    readonly method: string
    readonly url: string
    readonly body: string
    readonly headers: IncomingMessage['headers']
  }[]
  /** What answers from now on; it sees the body that was read. */
  answer: (request: IncomingMessage, response: ServerResponse, nth: number) => void
}

/** Starts a server for one test file; it ends with the file. */
export async function startScriptedServer(
  options: { requestTimeoutMs?: number; token?: () => Promise<string> } = {},
): Promise<ScriptedServer> {
  const requests: { method: string; url: string; body: string; headers: IncomingMessage['headers'] }[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      requests.push({ method: request.method ?? '', url: request.url ?? '', body, headers: request.headers })
      scripted.answer(request, response, requests.length)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP server has one
  const { requestTimeoutMs, token } = options
  const client = createClient({
    credentials: { server: `http://127.0.0.1:${port}`, tls: {}, ...(token === undefined ? {} : { token }) },
    ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
  })
  after(async () => {
    await client.close()
    server.closeAllConnections()
    server.close()
  })
  const scripted: ScriptedServer = { client, requests, answer: (_request, response) => void response.end('{}') }
  return scripted
}

/** An answer of JSON. */
export function json(response: ServerResponse, code: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
