/**
 * Token streams in memory, bounded: a stream that grows too long keeps only its end from then on, and when all together are
 * too large or too many the streams that ended first go first, then those that were silent for longest: an attempt whose
 * worker died never ends its stream. A stream that somebody waits for stays.
 */
import type { StreamStore, StreamToken } from './stream-store.ts'

export interface MemoryStreamOptions {
  /** Characters that one stream may hold; default 4 Mi. */
  readonly maxStreamLength?: number
  /** Characters that all may hold together; default 256 Mi. */
  readonly maxTotalLength?: number
  /** Streams there may be, empty ones too; default 64 Ki. */
  readonly maxStreams?: number
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
  maxStreams = 64 * 1024,
}: MemoryStreamOptions = {}): StreamStore {
  /** In the order in which they were last written to. */
  const streams = new Map<string, Stream>()
  let total = 0

  const of = (name: string): Stream => {
    const known = streams.get(name)
    if (known !== undefined) return known
    const made: Stream = { texts: [], first: 0, length: 0, isEnded: false, waiting: new Set() }
    streams.set(name, made)
    makeRoom(name)
    return made
  }
  const moveLast = (name: string, stream: Stream): void => {
    if (stream.isEnded) return
    streams.delete(name)
    streams.set(name, stream)
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
  const isFull = (): boolean => total > maxTotalLength || streams.size > maxStreams
  /** @param except the stream that is written to now */
  const makeRoom = (except: string): void => {
    for (const mayRun of [false, true]) {
      for (const [name, stream] of streams) {
        if (!isFull()) return
        if ((stream.isEnded || mayRun) && stream.waiting.size === 0 && name !== except) drop(name)
      }
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

  const append = (name: string, tokens: readonly StreamToken[]): number => {
    const stream = of(name)
    moveLast(name, stream)
    for (const { index, text } of tokens) {
      if (stream.isEnded || index !== nextOf(stream)) continue
      stream.texts.push(text)
      stream.length += text.length
      total += text.length
    }
    shorten(stream)
    makeRoom(name)
    wake(stream)
    return nextOf(stream)
  }
  const end = (name: string, at?: number): number => {
    const stream = of(name)
    moveLast(name, stream)
    if (nextOf(stream) < (at ?? 0)) return nextOf(stream)
    stream.isEnded = true
    wake(stream)
    return nextOf(stream)
  }

  return {
    // Each takes effect in the turn it is called in; a promise only tells.
    append: (name, tokens) => Promise.resolve(append(name, tokens)),
    end: (name, at) => Promise.resolve(end(name, at)),
    next: (name) => Promise.resolve(nextOf(streams.get(name))),
    has: (name) => Promise.resolve(streams.get(name)?.first === 0),
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
    drop: (name) => {
      drop(name)
      return Promise.resolve()
    },
    check: () => Promise.resolve(),
    close: () => {
      for (const name of [...streams.keys()]) drop(name)
      return Promise.resolve()
    },
  }
}

const nextOf = (stream: Stream | undefined): number => (stream === undefined ? 0 : stream.first + stream.texts.length)
