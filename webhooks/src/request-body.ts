/**
 * The bytes of a request, bounded in size and time.
 *
 * A body that is announced as too large is refused before a byte of it is read; one that grows too large is dropped on the
 * way. Never holds more than the limit.
 */
import type { IncomingMessage } from 'node:http'

export type BodyOutcome =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | { readonly kind: 'tooLarge' }
  | { readonly kind: 'late' }
  | { readonly kind: 'aborted' }

export interface BodyLimits {
  readonly maxBytes: number
  /** Longest wait for the last byte, in ms. */
  readonly deadlineMs: number
}

/** Whether the request says by itself that it will be too large. */
export function isAnnouncedTooLarge(request: IncomingMessage, maxBytes: number): boolean {
  return Number(request.headers['content-length'] ?? 0) > maxBytes
}

export function readBody(request: IncomingMessage, limits: BodyLimits): Promise<BodyOutcome> {
  if (isAnnouncedTooLarge(request, limits.maxBytes)) return Promise.resolve({ kind: 'tooLarge' })
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    const settle = (outcome: BodyOutcome): void => {
      clearTimeout(timer)
      request.off('data', take)
      resolve(outcome)
    }
    const take = (chunk: Buffer): void => {
      size += chunk.length
      if (size > limits.maxBytes) settle({ kind: 'tooLarge' })
      else chunks.push(chunk)
    }
    const timer = setTimeout(() => settle({ kind: 'late' }), limits.deadlineMs)
    request.on('data', take)
    request.once('end', () => settle({ kind: 'body', bytes: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks) }))
    request.once('error', () => settle({ kind: 'aborted' }))
    request.once('close', () => settle({ kind: 'aborted' }))
  })
}

/** Lets a client that still sends read our answer first, then hangs up: whatever comes meanwhile is thrown away. */
export function hangUp(request: IncomingMessage, lingerMs = 500): void {
  const { socket } = request
  request.resume()
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(timer))
}
