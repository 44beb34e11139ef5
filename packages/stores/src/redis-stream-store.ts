/**
 * Token streams in Redis or Valkey, for any number of servers: each sees what the others write.
 *
 * Guarantees: each index once and in order whoever writes, because one script judges and adds; a batch whose bytes were altered
 * on their way is read again. A reader outlives the store: while Redis is away, and after it lost the stream, the reader
 * waits for what its writer sends again. Streams end by themselves some time after their last token.
 */
import { crc32 } from 'node:zlib'
import type { Redis } from 'ioredis'
import type { RedisConnectionOptions } from './redis-connections.ts'
import { runScript } from './redis-script.ts'
import { appendScript, dropScript, endScript, nextScript } from './redis-stream-scripts.ts'
import { type StreamStore, StreamStoreError, type StreamToken } from './stream-store.ts'

export interface RedisStreamOptions extends RedisConnectionOptions {
  /** Put before every key and channel. Default `mnemos:`. */
  readonly prefix?: string
  /** How long a stream stays after its last token, in seconds. Default 3600. */
  readonly keepSeconds?: number
  /** Bytes that one stream may hold; default 4 Mi. */
  readonly maxStreamBytes?: number
  /** How often a reader looks by itself, in case a word was lost, in ms. Default 2000. */
  readonly lookEveryMs?: number
}

const batchSize = 500

/**
 * Connects when it is first used, so that a Redis that is away keeps nobody from starting. The client is loaded here, so that who
 * keeps streams in memory does without it.
 */
export async function createRedisStreamStore(options: RedisStreamOptions): Promise<StreamStore> {
  const { prefix = 'mnemos:', keepSeconds = 3600, maxStreamBytes = 4 * 1024 ** 2, lookEveryMs = 2000 } = options
  const { connectRedis } = await import('./redis-connections.ts')
  const connections = connectRedis(options)
  const closing = new AbortController()
  const keyOf = (stream: string): string => `${prefix}stream:${stream}`
  const number = async (run: (redis: Redis) => Promise<unknown>): Promise<number> => {
    const answer = await connections.ask(run)
    if (typeof answer === 'number' && Number.isSafeInteger(answer) && answer >= 0) return answer
    throw new StreamStoreError('Unavailable', 'Redis answered with something else than a number')
  }
  const next = (stream: string): Promise<number> => number((redis) => runScript(redis, nextScript, [keyOf(stream)]))

  async function* read(stream: string, from: number, signal: AbortSignal): AsyncGenerator<readonly StreamToken[]> {
    const key = keyOf(stream)
    const stop = AbortSignal.any([signal, closing.signal])
    const bell = createBell(stop)
    const dropped = new AbortController()
    const deafen = connections.hear(key, (heard) => {
      if (heard === 'gone') dropped.abort()
      bell.ring()
    })
    const isOver = (): boolean => stop.aborted || dropped.signal.aborted
    try {
      for (let at = from; !isOver(); ) {
        const rung = bell.next(lookEveryMs)
        const { tokens, isEnded } = await batchFrom(key, at).catch(nothingWhenAway)
        const last = tokens.at(-1)
        if (last !== undefined && !isOver()) {
          at = last.index + 1
          yield tokens
        }
        if (isEnded) return
        if (tokens.length < batchSize) await rung
      }
    } finally {
      deafen()
      bell.close()
    }
  }

  /** @throws StreamStoreError, or when what came is not what was written */
  async function batchFrom(key: string, at: number): Promise<{ tokens: readonly StreamToken[]; isEnded: boolean }> {
    const entries = await connections.ask((redis) => redis.xrange(key, `1-${at}`, '+', 'COUNT', batchSize))
    const tokens = entries.filter(([id]) => id !== endId).map(tokenOf)
    for (const [before, token] of tokens.entries()) {
      const wanted = (tokens[0]?.index ?? at) + before
      if (token.index !== wanted || token.index < at) throw new StreamStoreError('Unavailable', 'Redis answered with a stream out of order')
    }
    return { tokens, isEnded: entries.at(-1)?.[0] === endId }
  }

  return {
    append: (stream, tokens) =>
      number((redis) =>
        runScript(
          redis,
          appendScript,
          [keyOf(stream)],
          [keepSeconds, maxStreamBytes, ...tokens.flatMap(({ index, text }) => [index, text, checksumOf(index, text)])],
        ),
      ),
    end: (stream, at = 0) => number((redis) => runScript(redis, endScript, [keyOf(stream)], [keepSeconds, at])),
    next,
    has: async (stream) => {
      const [first] = await connections.ask((redis) => redis.xrange(keyOf(stream), '-', '+', 'COUNT', 1))
      return first !== undefined && (first[0] === '1-0' || first[0] === endId)
    },
    read,
    drop: async (stream) => {
      await connections.ask((redis) => runScript(redis, dropScript, [keyOf(stream)]))
    },
    check: async () => {
      await connections.ask((redis) => redis.ping())
    },
    close: () => {
      closing.abort()
      return connections.close()
    },
  }
}

const endId = '2-0'

function nothingWhenAway(error: unknown): { readonly tokens: readonly StreamToken[]; readonly isEnded: boolean } {
  if (error instanceof StreamStoreError) return { tokens: [], isEnded: false }
  throw error
}

/** Covers the index too, which the script wrote into the entry's ID. */
const checksumOf = (index: number, text: string): number => crc32(`${index}:${text}`)

function tokenOf([id, fields]: readonly [string, readonly string[]]): StreamToken {
  const index = Number(/^1-(\d+)$/.exec(id)?.[1])
  const [, text, , , , checksum] = fields
  if (text === undefined || String(checksumOf(index, text)) !== checksum)
    throw new StreamStoreError('Unavailable', 'Redis answered with other bytes than were written')
  return { index, text }
}

/** Wakes one waiter, also when it rang before somebody waited. */
function createBell(signal: AbortSignal) {
  let wake: (() => void) | undefined
  const ring = (): void => wake?.()
  signal.addEventListener('abort', ring)
  return {
    ring,
    /** Resolves at the next ring from now on, at the signal, or after a while. */
    next: (afterMs: number): Promise<void> =>
      new Promise((resolve) => {
        if (signal.aborted) {
          resolve()
          return
        }
        wake?.()
        const timer = setTimeout(ring, afterMs)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      }),
    close: (): void => {
      ring()
      signal.removeEventListener('abort', ring)
    },
  }
}
