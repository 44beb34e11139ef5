/**
 * Token streams in memory, bounded: a stream that grows too long keeps only its end from then on, and when all together are
 * too large the streams that ended first go first.
 */
import type { StreamStore, StreamToken } from './stream-store.ts'

export interface MemoryStreamOptions {
  /** Characters that one stream may hold; default 4 Mi. */
  readonly maxStreamLength?: number
  /** Characters that all may hold together; default 256 Mi. */
  readonly maxTotalLength?: number
}

interface Stream {
  /** Texts from `first` on. */
  readonly texts: string[]
  first: number
  length: number
  isEnded: boolean
  readonly waiting: Set<() => void>
}

export function createMemoryStreamStore({
  maxStreamLength = 4 * 1024 ** 2,
  maxTotalLength = 256 * 1024 ** 2,
}: MemoryStreamOptions = {}): StreamStore {
  const streams = new Map<string, Stream>()
  let total = 0

  const of = (name: string): Stream => {
    const known = streams.get(name)
    if (known !== undefined) return known
    const made: Stream = { texts: [], first: 0, length: 0, isEnded: false, waiting: new Set() }
    streams.set(name, made)
    return made
  }
  const wake = (stream: Stream): void => {
    const waiting = [...stream.waiting]
    stream.waiting.clear()
    for (const each of waiting) each()
  }
  const drop = (name: string): void => {
    const stream = streams.get(name)
    if (stream === undefined) return
    streams.delete(name)
    total -= stream.length
    stream.isEnded = true
    wake(stream)
  }
  const makeRoom = (): void => {
    for (const [name, stream] of streams) {
      if (total <= maxTotalLength) return
      if (stream.isEnded && stream.waiting.size === 0) drop(name)
    }
  }
  const shorten = (stream: Stream): void => {
    while (stream.length > maxStreamLength && stream.texts.length > 1) {
      const removed = stream.texts.shift()?.length ?? 0
      stream.first += 1
      stream.length -= removed
      total -= removed
    }
  }

  return {
    append: (name, tokens) => {
      const stream = of(name)
      for (const { index, text } of tokens) {
        if (stream.isEnded || index !== stream.first + stream.texts.length) continue
        stream.texts.push(text)
        stream.length += text.length
        total += text.length
      }
      shorten(stream)
      if (total > maxTotalLength) makeRoom()
      wake(stream)
      return stream.first + stream.texts.length
    },
    end: (name) => {
      const stream = of(name)
      stream.isEnded = true
      wake(stream)
    },
    next: (name) => {
      const stream = streams.get(name)
      return stream === undefined ? 0 : stream.first + stream.texts.length
    },
    has: (name) => streams.get(name)?.first === 0,
    read: async function* (name, from, signal) {
      const stream = of(name)
      let at = from
      while (!signal.aborted) {
        const start = Math.max(at, stream.first)
        const texts = stream.texts.slice(start - stream.first)
        if (texts.length > 0) {
          at = start + texts.length
          yield texts.map((text, offset): StreamToken => ({ index: start + offset, text }))
          continue
        }
        if (stream.isEnded) return
        await new Promise<void>((resolve) => {
          const done = (): void => {
            signal.removeEventListener('abort', done)
            stream.waiting.delete(done)
            resolve()
          }
          stream.waiting.add(done)
          signal.addEventListener('abort', done, { once: true })
        })
      }
    },
    drop,
  }
}
