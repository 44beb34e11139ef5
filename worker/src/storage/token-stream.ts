/**
 * Streams the tokens of one attempt to the server while they appear: one long request of NDJSON lines `{index, text}`.
 *
 * Guarantees: a token reaches the wire in the turn it was pushed; after a broken connection the server is asked for `next` and
 * everything from there is sent again. A server that stays away costs nothing but the stream: pushing never waits and
 * never fails, and `finish` gives up after a while, because the result counts without it.
 */
import { Readable } from 'node:stream'
import { z } from 'zod'
import { type Clock, systemClock } from '../clock.ts'
import { backoffMs, Transient } from './retry.ts'
import type { ServerSession } from './server.ts'

export interface TokenStreamOptions {
  readonly session: ServerSession
  readonly jobUid: string
  readonly attempt: number
  readonly clock?: Clock
  readonly random?: () => number
  /** How long `finish` waits for the server, in ms. Default 10,000. */
  readonly finishMs?: number
  /** Told once when the stream ends without the server having all of it. */
  readonly onLost?: (why: string) => void
}

export interface TokenStream {
  push(text: string): void
  /** Sends the end and waits until the server has everything, or gives up. Never throws. */
  finish(): Promise<void>
  /** Stops without an end: the attempt failed, was cancelled or handed back. */
  stop(): void
}

const nextAnswer = z.object({ next: z.int().min(0) })

/** A status that no repetition heals. */
class Refused extends Error {
  override readonly name = 'Refused'
}

/** Opens the stream with the first token, so that an attempt without tokens makes no request. */
export function openTokenStream(options: TokenStreamOptions): TokenStream {
  const { session, clock = systemClock, random = Math.random, finishMs = 10_000 } = options
  const path = `/v1/attempts/${encodeURIComponent(options.jobUid)}/${options.attempt}/events`
  const texts: string[] = []
  const controller = new AbortController()
  const { signal } = controller
  let isEnded = false
  let body: Readable | undefined
  let running: Promise<void> | undefined

  const line = (index: number): string => `${JSON.stringify({ index, text: texts[index] })}\n`
  const end = (to: Readable): void => {
    to.push(`${JSON.stringify({ end: true, at: texts.length })}\n`)
    to.push(null)
  }

  /** One request, from `next` on; resolves with the server's next index once the server has answered. */
  async function send(next: number): Promise<number> {
    const own = new Readable({ read: () => undefined })
    for (let index = next; index < texts.length; index++) own.push(line(index))
    if (isEnded) end(own)
    body = own
    try {
      return await answered('POST', { body: own, headers: { 'content-type': 'application/x-ndjson' }, isLongLived: true })
    } finally {
      if (body === own) body = undefined
      own.destroy()
    }
  }

  async function answered(method: 'GET' | 'POST', request: { body?: Readable; headers?: Record<string, string>; isLongLived?: boolean }) {
    const answer = await session.request(method, path, { ...request, signal })
    if (answer.statusCode === 200) return nextAnswer.parse(await answer.body.json()).next
    await answer.body.dump()
    if (answer.statusCode >= 500 || answer.statusCode === 429 || answer.statusCode === 408)
      throw new Transient(`${method} events was answered with ${answer.statusCode}`)
    throw new Refused(`the server answered ${answer.statusCode}`)
  }

  const isFinal = (error: unknown): boolean => signal.aborted || error instanceof Refused

  /** Sends, and after each break asks the server how far it got, until it has everything and the end. */
  async function run(): Promise<void> {
    let next = 0
    for (let failures = 0; ; failures += 1) {
      try {
        const reached = await send(next)
        if (isEnded && reached >= texts.length) return
      } catch (error) {
        if (isFinal(error)) throw error
      }
      const reached = await askNext(failures)
      if (reached > next) failures = 0
      next = reached
    }
  }

  async function askNext(failures: number): Promise<number> {
    for (let tries = failures; ; tries += 1) {
      await clock.sleep(backoffMs(tries, {}, random), signal)
      try {
        return await answered('GET', {})
      } catch (error) {
        if (isFinal(error)) throw error
      }
    }
  }

  function start(): void {
    running ??= run().catch((error: unknown) => {
      if (isStopped) return
      options.onLost?.(error instanceof Refused ? error.message : 'the server stayed away')
    })
  }

  let isStopped = false
  return {
    push: (text) => {
      texts.push(text)
      if (body === undefined) start()
      else body.push(line(texts.length - 1))
    },
    finish: async () => {
      if (isEnded || running === undefined) return
      isEnded = true
      if (body !== undefined) end(body)
      const late = clock.setTimeout(() => controller.abort(new Error('the server stayed away')), finishMs)
      await running
      late.cancel()
    },
    stop: () => {
      isStopped = true
      isEnded = true
      controller.abort(new Error('stopped'))
    },
  }
}
