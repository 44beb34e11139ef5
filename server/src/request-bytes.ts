/** Bodies that are bytes: streamed on their way in, never collected. */
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { Refusal } from './refusal.ts'

/** Takes bodies of any type as they come; the parsers of other routes do not apply here. */
export function takesBytes(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, parsed) => parsed(null, payload))
  // A body that nobody reads to its end would hold up the next request of its connection.
  app.addHook('onError', (request, _reply, _error, done) => {
    request.raw.resume()
    done()
  })
}

/**
 * The bytes of a request. Who stops reading in the middle does not destroy them, because the connection goes with them and
 * with it the answer; what is left is read off when the request is refused.
 */
export function bytesOf(body: unknown): AsyncIterable<Buffer> {
  const bytes = body as Readable | undefined // by the parser above; undefined without a body
  return (bytes ?? Readable.from([])).iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
}

/**
 * The same, up to a bound.
 * @param tooLarge what whoever sends more is told
 */
export function bounded(body: unknown, maxBytes: number, tooLarge: () => Refusal): Readable {
  return Readable.from(counted(bytesOf(body), maxBytes, tooLarge))
}

async function* counted(bytes: AsyncIterable<Buffer>, maxBytes: number, tooLarge: () => Refusal): AsyncGenerator<Buffer> {
  let size = 0
  for await (const chunk of bytes) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge()
    yield chunk
  }
}
