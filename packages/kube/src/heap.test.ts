import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Heap } from './heap.ts'

test('gives what was put in, least first, whatever the order of adding and taking', () => {
  const steps = fc.array(fc.option(fc.integer(), { nil: undefined }))
  fc.assert(
    fc.property(steps, (adds) => {
      const heap = new Heap<number>((a, b) => a < b)
      const sorted: number[] = []
      for (const value of adds) {
        if (value === undefined) {
          assert.equal(heap.peek(), sorted[0])
          assert.equal(heap.pop(), sorted.shift())
        } else {
          heap.push(value)
          sorted.push(value)
          sorted.sort((a, b) => a - b)
        }
        assert.equal(heap.size, sorted.length)
      }
    }),
  )
})
