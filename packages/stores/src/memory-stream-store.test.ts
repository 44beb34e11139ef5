import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { streamStoreConformance } from './conformance.ts'
import { createMemoryStreamStore } from './memory-stream-store.ts'
import type { StreamStore, StreamToken } from './stream-store.ts'

streamStoreConformance('memory', () => Promise.resolve(createMemoryStreamStore()))

const say = (...texts: string[]): StreamToken[] => texts.map((text, index) => ({ index, text }))

/** Which of these streams are still there from their beginning. */
const kept = async (store: StreamStore, ...names: string[]): Promise<string> => {
  const isThere = await Promise.all(names.map((name) => store.has(name)))
  return names.filter((_, at) => isThere[at]).join(' ')
}

test('a stream that grows too long keeps its end and says that its beginning is gone', async () => {
  const store = createMemoryStreamStore({ maxStreamLength: 3 })
  assert.equal(await store.append('a', say('a', 'b', 'c', 'd', 'e')), 5)
  assert.equal(await store.has('a'), false)
  await store.end('a')
  const [batch = []] = await Array.fromAsync(store.read('a', 0, AbortSignal.timeout(5000)))
  assert.deepEqual(batch, [
    { index: 2, text: 'c' },
    { index: 3, text: 'd' },
    { index: 4, text: 'e' },
  ])
})

test('one token that is too long alone is kept', async () => {
  const store = createMemoryStreamStore({ maxStreamLength: 3 })
  await store.append('a', say('long'))
  assert.equal(await store.has('a'), true)
})

const rooms: Record<string, { act: (store: StreamStore) => Promise<void>; want: string }> = {
  'nothing goes while there is room': {
    act: async (store) => {
      await store.append('a', say('aa'))
      await store.end('a')
      await store.append('b', say('b'))
    },
    want: 'a b',
  },
  'when all together are too large, streams that ended go': {
    act: async (store) => {
      await store.append('a', say('aa'))
      await store.end('a')
      await store.append('b', say('bb'))
    },
    want: 'b',
  },
  'the stream that ended first goes first, not the one that began first': {
    act: async (store) => {
      await store.append('a', say('a'))
      await store.append('b', say('b'))
      await store.end('b')
      await store.end('a')
      await store.append('c', say('cc'))
    },
    want: 'a c',
  },
  'no more goes than must': {
    act: async (store) => {
      for (const name of ['a', 'b', 'c']) {
        await store.append(name, say('x'))
        await store.end(name)
      }
      await store.append('d', say('y'))
    },
    want: 'b c d',
  },
  'a stream that ended goes before one that did not, though it began later': {
    act: async (store) => {
      await store.append('a', say('a'))
      await store.append('b', say('b'))
      await store.end('b')
      await store.append('c', say('cc'))
    },
    want: 'a c',
  },
  'when none has ended, the one that was silent for longest goes': {
    act: async (store) => {
      await store.append('a', say('a'))
      await store.append('b', say('b'))
      await store.append('a', [{ index: 1, text: 'a' }])
      await store.append('c', say('c'))
    },
    want: 'a c',
  },
  'the stream that grows is not the one that goes': {
    act: async (store) => {
      await store.append('a', say('x', 'x', 'x', 'x', 'x'))
    },
    want: 'a',
  },
  'what was dropped makes room': {
    act: async (store) => {
      await store.append('a', say('aa'))
      await store.append('b', say('b'))
      await store.drop('a')
      await store.append('c', say('cc'))
    },
    want: 'b c',
  },
  'what a stream lost of its beginning makes room': {
    act: async (store) => {
      await store.append('a', say('1', '2', '3', '4', '5', '6'))
      await store.append('b', say('b'))
      await store.end('b')
    },
    want: 'b',
  },
}
for (const [sentence, { act, want }] of Object.entries(rooms)) {
  test(sentence, async () => {
    const store = createMemoryStreamStore({ maxTotalLength: 3, ...(sentence.includes('beginning') ? { maxStreamLength: 2 } : {}) })
    await act(store)
    assert.equal(await kept(store, 'a', 'b', 'c', 'd'), want)
  })
}

test('a stream with a reader that waits does not go for want of room', async () => {
  const store = createMemoryStreamStore({ maxTotalLength: 3 })
  const gone = new AbortController()
  const reading = Array.fromAsync(store.read('read', 0, gone.signal))
  await store.append('read', say('r'))
  await new Promise(setImmediate)
  await store.append('a', say('aa'))
  await store.append('b', say('b'))
  assert.equal(await kept(store, 'read', 'a', 'b'), 'read b')
  gone.abort()
  await reading
})

test('empty streams are bounded too, whoever made them', async () => {
  const store = createMemoryStreamStore({ maxStreams: 3 })
  await store.append('a', say('a'))
  await store.end('empty')
  await store.append('nothing', [])
  assert.equal(await kept(store, 'a', 'empty', 'nothing'), 'a empty nothing')
  assert.deepEqual(await Array.fromAsync(store.read('asked', 0, AbortSignal.timeout(1))), [])
  assert.equal(await kept(store, 'a', 'empty', 'nothing', 'asked'), 'a nothing asked')
})

test('a reader that goes away leaves no listener on its signal', async () => {
  const store = createMemoryStreamStore()
  const { signal } = new AbortController()
  for (let round = 0; round < 20; round++) {
    const name = `a/${round}`
    const reading = Array.fromAsync(store.read(name, 0, signal))
    await new Promise(setImmediate)
    await store.append(name, say('a'))
    await store.end(name)
    await reading
  }
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})
