import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type CacheEntry, chooseVictims, oldestUnpinned } from './eviction.ts'

const entry = (digest: string, sizeBytes: number, usedAt: number, pins = 0): CacheEntry => ({ digest, sizeBytes, usedAt, pins })
const held = [entry('a', 40, 3), entry('b', 30, 1), entry('c', 20, 2, 1)]

describe('chooseVictims', () => {
  const cases: Record<string, { neededBytes: number; want: readonly string[] | undefined }> = {
    'evicts nothing while there is room': { neededBytes: 10, want: [] },
    'evicts the longest unused': { neededBytes: 11, want: ['b'] },
    'evicts more when one is not enough': { neededBytes: 50, want: ['b', 'a'] },
    'never evicts what is pinned': { neededBytes: 81, want: undefined },
  }
  for (const [sentence, { neededBytes, want }] of Object.entries(cases)) {
    it(sentence, () => assert.deepEqual(chooseVictims(held, { limitBytes: 100, neededBytes }), want))
  }

  it('makes room with unpinned entries alone, and only says no when they are not enough', () => {
    const anEntry = fc.record({ sizeBytes: fc.nat(100), usedAt: fc.nat(10), pins: fc.nat(1) })
    const property = fc.property(fc.array(anEntry, { maxLength: 8 }), fc.nat(400), fc.nat(400), (list, limitBytes, neededBytes) => {
      const entries = list.map((each, index) => ({ ...each, digest: `d${index}` }))
      const victims = chooseVictims(entries, { limitBytes, neededBytes })
      const sizeOf = (of: readonly CacheEntry[]): number => of.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
      if (victims === undefined) return sizeOf(entries.filter(({ pins }) => pins > 0)) + neededBytes > limitBytes
      const left = entries.filter(({ digest }) => !victims.includes(digest))
      return sizeOf(left) + neededBytes <= limitBytes && entries.every(({ digest, pins }) => pins === 0 || !victims.includes(digest))
    })
    fc.assert(property)
  })
})

describe('oldestUnpinned', () => {
  it('is the longest unused that nobody holds, or nothing', () => {
    assert.equal(oldestUnpinned(held), 'b')
    assert.equal(oldestUnpinned([entry('c', 1, 1, 2)]), undefined)
  })
})
