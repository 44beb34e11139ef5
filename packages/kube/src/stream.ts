/** An answer that is read while it comes, for as long as it comes: logs. */
import type { Readable } from 'node:stream'
import type { Client } from './client.ts'
import { reasonOf } from './clock.ts'
import { KubeError } from './errors.ts'
import { headersOf, refusal, withQuery } from './send.ts'

/**
 * Opens the bytes behind a path, over the connections of watches. Nothing bounds how long they take: abort the signal to end them.
 * @throws KubeError when the answer is no 2xx, or none came; the signal's reason
 */
export async function openStream(
  { transport, context }: Client,
  path: string,
  { query = {}, signal }: { readonly query?: Readonly<Record<string, string>>; readonly signal: AbortSignal },
): Promise<Readable> {
  const headers = await headersOf(transport, context, {})
  const target = withQuery(transport.basePath + path, query)
  const answer = await transport.watches
    .request({ method: 'GET', path: target, headers, signal, headersTimeout: 0 })
    .catch((cause: unknown) => {
      if (signal.aborted) throw reasonOf(signal)
      throw new KubeError(`GET ${path}: no answer from the API server`, { status: 0, reason: 'Unreachable', cause })
    })
  if (answer.statusCode < 300) return answer.body
  throw refusal('GET', path, answer.statusCode, await answer.body.text(), answer.headers['retry-after'])
}
