/** What every StreamStore must do, as a suite that runs against any of them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StreamStore, StreamToken } from './stream-store.ts'

const tokens = (...texts: string[]): StreamToken[] => texts.map((text, index) => ({ index, text }))
const patience = (): AbortSignal => AbortSignal.timeout(5000)

/** Reads on in the background. */
function reading(store: StreamStore, stream: string, from = 0, signal = patience()) {
  const seen: StreamToken[] = []
  let isWoken = (): void => undefined
  const done = (async () => {
    for await (const batch of store.read(stream, from, signal)) {
      seen.push(...batch)
      isWoken()
    }
    assert.ok(!signal.aborted, `${stream} never ended; seen: ${JSON.stringify(seen)}`)
    return seen.map(({ text }) => text).join('')
  })()
  /** Resolves once so many tokens were seen. */
  const saw = (count: number): Promise<void> =>
    new Promise((resolve, reject) => {
      isWoken = () => (seen.length >= count ? resolve() : undefined)
      isWoken()
      done.catch(reject)
    })
  return { seen, done, saw }
}

const readAll = (store: StreamStore, stream: string, from = 0): Promise<string> => reading(store, stream, from).done

/**
 * @param open a store with nothing in it
 * @param openAnother one that sees what `open` last gave writes to, as another process does; without it both are one
 */
export function streamStoreConformance(name: string, open: () => Promise<StreamStore>, openAnother?: () => Promise<StreamStore>): void {
  const openTwo = async (): Promise<readonly [StreamStore, StreamStore]> => {
    const first = await open()
    return [first, (await openAnother?.()) ?? first]
  }
  describe(`${name} as a StreamStore`, () => {
    it('gives a late reader everything, in order', async () => {
      const [store, other] = await openTwo()
      assert.equal(await store.append('u/1', tokens('a', 'b')), 2)
      assert.equal(await store.end('u/1'), 2)
      assert.equal(await readAll(store, 'u/1'), 'ab')
      assert.equal(await readAll(other, 'u/1', 1), 'b')
    })
    it('gives an early reader tokens as they come, wherever they are written', async () => {
      const [store, other] = await openTwo()
      const { done, saw } = reading(store, 'u/1')
      await other.append('u/1', tokens('a'))
      await saw(1)
      await store.append('u/1', [{ index: 1, text: 'b' }])
      await saw(2)
      await other.end('u/1')
      assert.equal(await done, 'ab')
    })
    it('takes each index once, and leaves out what would make a gap', async () => {
      const [store, other] = await openTwo()
      await store.append('u/1', tokens('a', 'b'))
      assert.equal(await other.append('u/1', tokens('a', 'b', 'c')), 3)
      assert.equal(await store.append('u/1', [{ index: 9, text: 'z' }]), 3)
      assert.equal(await store.append('u/1', []), 3)
      await store.end('u/1')
      assert.equal(await readAll(store, 'u/1'), 'abc')
    })
    it('takes each index once when two write the same at once', async () => {
      const [store, other] = await openTwo()
      const texts = Array.from({ length: 200 }, (_, at) => `${at} `)
      const write = async (to: StreamStore): Promise<void> => {
        for (const [index, text] of texts.entries()) await to.append('u/1', [{ index, text }])
      }
      await Promise.all([write(store), write(other)])
      await store.end('u/1', texts.length)
      assert.equal(await readAll(other, 'u/1'), texts.join(''))
    })
    it('keeps any text as it is', async () => {
      const [store, other] = await openTwo()
      const texts = ['', ' ', '\n', '\0', 'ä€😀', '\r\n$5', '"', 'x'.repeat(100_000)]
      assert.equal(await store.append('u/1', tokens(...texts)), texts.length)
      await store.end('u/1')
      const { seen, done } = reading(other, 'u/1')
      await done
      assert.deepEqual(seen, tokens(...texts))
    })
    it('gives a long stream in order, in as many batches as it likes', async () => {
      const [store, other] = await openTwo()
      const texts = Array.from({ length: 5000 }, (_, at) => `${at} `)
      const all = tokens(...texts)
      const { done } = reading(other, 'u/1')
      for (let at = 0; at < all.length; at += 700) await store.append('u/1', all.slice(at, at + 700))
      await store.end('u/1')
      assert.equal(await done, texts.join(''))
      assert.equal(await readAll(other, 'u/1', 4998), '4998 4999 ')
    })
    it('keeps streams apart', async () => {
      const [store] = await openTwo()
      await store.append('u/1', tokens('a'))
      await store.append('u/2', tokens('b'))
      await store.end('u/2')
      assert.equal(await readAll(store, 'u/2'), 'b')
      assert.equal(await store.next('u/1'), 1)
      assert.equal(await store.next('u/3'), 0)
    })
    it('gives every reader everything, wherever it begins', async () => {
      const [store, other] = await openTwo()
      const all = Promise.all([readAll(store, 'u/1'), readAll(other, 'u/1', 1), readAll(store, 'u/1', 9)])
      await store.append('u/1', tokens('a', 'b', 'c'))
      await store.end('u/1')
      assert.deepEqual(await all, ['abc', 'bc', ''])
    })
    it('takes nothing after the end', async () => {
      const [store, other] = await openTwo()
      await store.append('u/1', tokens('a'))
      await store.end('u/1')
      await other.end('u/1')
      assert.equal(await store.append('u/1', tokens('a', 'b')), 1)
      assert.equal(await other.append('u/1', [{ index: 1, text: 'b' }]), 1)
      assert.equal(await store.next('u/1'), 1)
      assert.equal(await readAll(store, 'u/1'), 'a')
    })
    it('does not end a stream of which something is missing', async () => {
      const [store, other] = await openTwo()
      assert.equal(await store.end('u/1', 2), 0)
      assert.equal(await store.append('u/1', tokens('a')), 1)
      assert.equal(await other.end('u/1', 2), 1)
      assert.equal(await store.append('u/1', tokens('a', 'b')), 2)
      assert.equal(await other.end('u/1', 2), 2)
      assert.equal(await readAll(store, 'u/1'), 'ab')
    })
    it('ends a stream without tokens', async () => {
      const [store, other] = await openTwo()
      const early = readAll(other, 'u/1')
      assert.equal(await store.end('u/1', 0), 0)
      assert.equal(await early, '')
      assert.equal(await readAll(other, 'u/1'), '')
      assert.equal(await other.next('u/1'), 0)
    })
    it('tells whether the beginning is there', async () => {
      const [store, other] = await openTwo()
      assert.equal(await store.has('u/1'), false)
      await store.append('u/1', tokens('a'))
      assert.equal(await other.has('u/1'), true)
      await store.end('u/1')
      assert.equal(await other.has('u/1'), true)
    })
    it('ends the readers of what is dropped, and begins anew after it', async () => {
      const [store, other] = await openTwo()
      const [near, far] = [reading(store, 'u/1'), reading(other, 'u/1')]
      await store.append('u/1', tokens('a', 'b'))
      await Promise.all([near.saw(2), far.saw(2)])
      await store.drop('u/1')
      await store.drop('u/1')
      assert.deepEqual(await Promise.all([near.done, far.done]), ['ab', 'ab'])
      assert.equal(await other.next('u/1'), 0)
      assert.equal(await other.append('u/1', tokens('A')), 1)
    })
    it('gives nothing to a reader that has already gone', async () => {
      const [store] = await openTwo()
      await store.append('u/1', tokens('a'))
      assert.deepEqual(await Array.fromAsync(store.read('u/1', 0, AbortSignal.abort())), [])
    })
    it('ends a reader when its signal does', async () => {
      const [store] = await openTwo()
      const stop = new AbortController()
      const read = (async () => {
        for await (const _ of store.read('u/1', 0, stop.signal)) assert.fail('nothing was appended')
      })()
      stop.abort()
      await read
    })
    it('ends its readers when it is closed', async () => {
      const [store] = await openTwo()
      const { seen, done, saw } = reading(store, 'u/1')
      await store.append('u/1', tokens('a'))
      await saw(1)
      await store.close()
      await done
      assert.equal(seen.length, 1)
    })
    it('answers when it is asked whether it does', async () => {
      await (await open()).check()
    })
  })
}
