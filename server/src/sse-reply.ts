/**
 * Answers a request with server-sent events: signs of life while nothing happens, an end when the reader leaves or the server stops, and no
 * more memory for a reader that does not read than one event.
 */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { formatEvent, type ServerSentEvent } from '@mnemos/contract'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { refusalOf } from './refusal.ts'

export interface EventReplyOptions {
  /** Aborts when the server stops. */
  readonly signal: AbortSignal
  /** How long a reader may leave unread what was sent; then it is cut, and may come back with its last id. Default 30 s. */
  readonly slowReaderMs?: number
}

const keepAliveMs = 15_000

/** @param events given a signal that aborts when nobody reads any more */
export async function sendEvents(
  reply: FastifyReply,
  request: FastifyRequest,
  events: (signal: AbortSignal) => AsyncIterable<ServerSentEvent>,
  { signal, slowReaderMs = 30_000 }: EventReplyOptions,
): Promise<FastifyReply> {
  const gone = new AbortController()
  const stop = AbortSignal.any([signal, gone.signal])
  reply.hijack()
  const { raw } = reply
  raw.on('close', () => gone.abort())
  raw.on('error', () => gone.abort())
  // Who left while the object was looked up has closed already and will not say so again.
  if (raw.destroyed) gone.abort()
  raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'x-request-id': request.id,
  })
  raw.flushHeaders()
  const alive = setInterval(() => raw.write(': alive\n\n'), keepAliveMs)
  try {
    for await (const event of events(stop)) {
      if (!raw.write(formatEvent(event))) await untilRead(raw, slowReaderMs, stop)
    }
  } catch (error) {
    const { code, message, status } = refusalOf(error)
    if (status < 500) raw.write(formatEvent({ event: 'refused', data: JSON.stringify({ code, message }) }))
    else {
      request.log.error({ error: String(error) }, 'a stream broke')
      raw.destroy()
    }
  } finally {
    clearInterval(alive)
    raw.end()
  }
  return reply
}

/** The id that a reader had last; undefined when it comes for the first time. */
export function lastEventIdOf(request: FastifyRequest): string | undefined {
  const header = request.headers['last-event-id']
  return typeof header === 'string' ? header : undefined
}

/** Waits until the reader has taken what was written, for it alone; cuts it when that takes too long. */
async function untilRead(raw: ServerResponse, slowReaderMs: number, signal: AbortSignal): Promise<void> {
  const timer = setTimeout(() => raw.destroy(), slowReaderMs)
  try {
    await once(raw, 'drain', { signal })
  } catch {
    // The reader is gone or the server stops; the loop above sees the same signal.
  } finally {
    clearTimeout(timer)
  }
}
