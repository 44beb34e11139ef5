import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamStoreConformance } from './conformance.ts'
import { createMemoryStreamStore } from './memory-stream-store.ts'

streamStoreConformance('memory', () => createMemoryStreamStore())

test('a stream that grows too long keeps its end and says that its beginning is gone', () => {
  const store = createMemoryStreamStore({ maxStreamLength: 3 })
  assert.equal(
    store.append(
      'a',
      ['a', 'b', 'c', 'd', 'e'].map((text, index) => ({ index, text })),
    ),
    5,
  )
  assert.equal(store.has('a'), false)
})

test('when all together are too large, streams that ended go', () => {
  const store = createMemoryStreamStore({ maxTotalLength: 3 })
  store.append('old', [{ index: 0, text: 'aa' }])
  store.end('old')
  store.append('new', [{ index: 0, text: 'bb' }])
  assert.equal(store.has('old'), false)
  assert.equal(store.has('new'), true)
})
