/** What every StreamStore must do, as a suite that runs against any of them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StreamStore, StreamToken } from './stream-store.ts'

const tokens = (...texts: string[]): StreamToken[] => texts.map((text, index) => ({ index, text }))

async function readAll(store: StreamStore, stream: string, from = 0): Promise<string> {
  const texts: string[] = []
  for await (const batch of store.read(stream, from, AbortSignal.timeout(5000))) texts.push(...batch.map(({ text }) => text))
  return texts.join('')
}

export function streamStoreConformance(name: string, open: () => StreamStore): void {
  describe(`${name} as a StreamStore`, () => {
    it('gives a late reader everything, in order', async () => {
      const store = open()
      assert.equal(store.append('u/1', tokens('a', 'b')), 2)
      store.end('u/1')
      assert.equal(await readAll(store, 'u/1'), 'ab')
      assert.equal(await readAll(store, 'u/1', 1), 'b')
    })
    it('gives an early reader tokens as they come', async () => {
      const store = open()
      const reading = readAll(store, 'u/1')
      store.append('u/1', tokens('a'))
      await new Promise(setImmediate)
      store.append('u/1', [{ index: 1, text: 'b' }])
      store.end('u/1')
      assert.equal(await reading, 'ab')
    })
    it('takes each index once, and leaves out what would make a gap', async () => {
      const store = open()
      store.append('u/1', tokens('a', 'b'))
      assert.equal(store.append('u/1', tokens('a', 'b', 'c')), 3)
      assert.equal(store.append('u/1', [{ index: 9, text: 'z' }]), 3)
      store.end('u/1')
      assert.equal(await readAll(store, 'u/1'), 'abc')
    })
    it('keeps streams apart', async () => {
      const store = open()
      store.append('u/1', tokens('a'))
      store.append('u/2', tokens('b'))
      store.end('u/2')
      assert.equal(await readAll(store, 'u/2'), 'b')
      assert.equal(store.next('u/1'), 1)
      assert.equal(store.next('u/3'), 0)
    })
    it('gives every reader everything, wherever it begins', async () => {
      const store = open()
      const reading = Promise.all([readAll(store, 'u/1'), readAll(store, 'u/1', 1), readAll(store, 'u/1', 9)])
      store.append('u/1', tokens('a', 'b', 'c'))
      store.end('u/1')
      assert.deepEqual(await reading, ['abc', 'bc', ''])
    })
    it('takes nothing after the end', async () => {
      const store = open()
      store.append('u/1', tokens('a'))
      store.end('u/1')
      assert.equal(store.append('u/1', tokens('a', 'b')), 1)
      assert.equal(await readAll(store, 'u/1'), 'a')
    })
    it('tells whether the beginning is there', () => {
      const store = open()
      assert.equal(store.has('u/1'), false)
      store.append('u/1', tokens('a'))
      assert.equal(store.has('u/1'), true)
    })
    it('ends the readers of what is dropped, and begins anew after it', async () => {
      const store = open()
      const reading = readAll(store, 'u/1')
      store.append('u/1', tokens('a', 'b'))
      await new Promise(setImmediate)
      store.drop('u/1')
      store.drop('u/1')
      assert.equal(await reading, 'ab')
      assert.equal(store.next('u/1'), 0)
      assert.equal(store.append('u/1', tokens('A')), 1)
    })
    it('gives nothing to a reader that has already gone', async () => {
      const store = open()
      store.append('u/1', tokens('a'))
      assert.deepEqual(await Array.fromAsync(store.read('u/1', 0, AbortSignal.abort())), [])
    })
    it('ends a reader when its signal does', async () => {
      const store = open()
      const stop = new AbortController()
      const reading = (async () => {
        for await (const _ of store.read('u/1', 0, stop.signal)) assert.fail('nothing was appended')
      })()
      stop.abort()
      await reading
    })
  })
}
