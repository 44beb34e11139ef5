import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { editDistance, suggest } from './suggestion.ts'

const cases: Record<string, { word: string; candidates: readonly string[]; want: string | undefined }> = {
  'two letters swapped': { word: 'hihg', candidates: ['critical', 'high', 'normal', 'low'], want: 'high' },
  'snake case for camel case': { word: 'max_tokens', candidates: ['maxTokens', 'topK'], want: 'maxTokens' },
  'another spelling of capitals': { word: 'dependson', candidates: ['deadlines', 'dependsOn'], want: 'dependsOn' },
  'a letter left out': { word: 'priorty', candidates: ['priority', 'prompt'], want: 'priority' },
  'the nearest of several': { word: 'prompts', candidates: ['prompt', 'promise'], want: 'prompt' },
  'the first of equally near': { word: 'topX', candidates: ['topK', 'topP'], want: 'topK' },
  'nothing near': { word: 'colour', candidates: ['queue', 'retry'], want: undefined },
  'short words must be nearer': { word: 'xyz', candidates: ['abz'], want: undefined },
  'no candidates': { word: 'high', candidates: [], want: undefined },
}

for (const [sentence, { word, candidates, want }] of Object.entries(cases)) {
  test(`suggests for: ${sentence}`, () => {
    assert.equal(suggest(word, candidates), want)
  })
}

const word = fc.string({ maxLength: 12 })

test('a distance is that of a metric on letters: none to itself, the same both ways, at most the longer word', () => {
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b)
      assert.equal(editDistance(a, a), 0)
      assert.equal(distance, editDistance(b, a))
      assert.ok(distance <= Math.max(a.length, b.length) && distance >= Math.abs(a.length - b.length))
      assert.equal(distance === 0, a === b)
    }),
  )
})

test('one slip is one: a letter added, left out, exchanged, or two neighbours swapped', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 2, maxLength: 12 }), fc.nat(), (a, seed) => {
      const at = seed % (a.length - 1)
      const swapped = a.slice(0, at) + (a[at + 1] ?? '') + (a[at] ?? '') + a.slice(at + 2)
      assert.ok(editDistance(a, `${a.slice(0, at)}${a.slice(at + 1)}`) === 1)
      assert.ok(editDistance(a, `${a.slice(0, at)}\u0000${a.slice(at)}`) === 1)
      assert.ok(editDistance(a, swapped) <= 1)
    }),
  )
})

test('a limit only cuts what is above it', () => {
  fc.assert(
    fc.property(word, word, fc.nat(6), (a, b, limit) => {
      assert.equal(editDistance(a, b, limit), Math.min(editDistance(a, b), limit + 1))
    }),
  )
})

test('whatever is suggested is one of the candidates, and a candidate suggests itself', () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(word, words, (typed, candidates) => {
      const meant = suggest(typed, candidates)
      assert.ok(meant === undefined || candidates.includes(meant))
      for (const candidate of candidates) assert.equal(suggest(candidate, candidates), candidate)
    }),
  )
})

test('a very long word costs little', () => {
  assert.equal(suggest('x'.repeat(1_000_000), ['maxTokens']), undefined)
})
