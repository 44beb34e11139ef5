import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { countsOf, decodePhases, encodePhases, fanProgressOf, gathered } from './fan-out.ts'
import type { StepPhase } from './progress.ts'

const all: readonly StepPhase[] = ['Waiting', 'Running', 'Succeeded', 'Failed', 'Cancelled', 'Skipped']
const some = fc.array(fc.constantFrom(...all), { maxLength: 200 })

test('fan-out: phases come back as they were kept', () => {
  fc.assert(fc.property(some, (of) => assert.deepEqual(decodePhases(encodePhases(of)), of)))
})

test('fan-out: ten thousand instances take a few bytes, and 20 KB at the worst', () => {
  const inOrder = Array.from({ length: 10_000 }, (_, at): StepPhase => (at < 120 ? 'Succeeded' : at < 128 ? 'Running' : 'Waiting'))
  assert.equal(encodePhases(inOrder), 'S120R8W9872')
  assert.equal(encodePhases(Array.from({ length: 10_000 }, (_, at) => (at % 2 === 0 ? 'Succeeded' : 'Failed'))).length, 20_000)
})

for (const text of ['S', 'S0', 'X1', 'S1 R2', 'S01', 'S99999', 'S9999R9999', '1S'])
  test(`fan-out: ${JSON.stringify(text)} is none of ours`, () => assert.equal(decodePhases(text), undefined))

const decoded = (text: string): readonly StepPhase[] => decodePhases(text) ?? assert.fail(text)
const rows: Record<string, [phases: string, concurrency: number, ending: boolean, start: readonly number[], ended: StepPhase | undefined]> =
  {
    'so many start as may run': ['W5', 2, false, [0, 1], undefined],
    'the next start as others end': ['S2R1W3', 2, false, [3], undefined],
    'an instance between others': ['S1W1S1W1', 9, false, [1, 3], undefined],
    'all have succeeded': ['S3', 2, false, [], 'Succeeded'],
    'no items at all': ['', 2, false, [], 'Succeeded'],
    'after a failure nothing new starts': ['S1F1R1W5', 9, false, [], undefined],
    'and it ends when what ran has ended': ['S2F1W5', 9, false, [], 'Failed'],
    'a run that ends waits for what runs': ['R1W2', 9, true, [], undefined],
    'and is cancelled then': ['S1W2', 9, true, [], 'Cancelled'],
    'a run that ends after all is done has succeeded': ['S3', 9, true, [], 'Succeeded'],
  }
for (const [what, [text, concurrency, isEnding, start, ended]] of Object.entries(rows))
  test(`fan-out: ${what}`, () => assert.deepEqual(fanProgressOf(decoded(text), { concurrency, maxFailed: 0, isEnding }), { start, ended }))

test('fan-out: it comes to rest with no more than may run, each once, whichever ends first', () => {
  const runs = fc.record({
    size: fc.integer({ min: 0, max: 60 }),
    concurrency: fc.integer({ min: 1, max: 7 }),
    fails: fc.option(fc.nat({ max: 59 }), { nil: undefined }),
    picks: fc.array(fc.nat(), { minLength: 1, maxLength: 20 }),
  })
  fc.assert(
    fc.property(runs, ({ size, concurrency, fails, picks }) => {
      const of: StepPhase[] = Array.from({ length: size }, () => 'Waiting')
      const started: number[] = []
      for (let turn = 0; turn <= size + 1; turn += 1) {
        const { start, ended } = fanProgressOf(of, { concurrency, maxFailed: 0, isEnding: false })
        for (const place of start) {
          started.push(place)
          of[place] = 'Running'
        }
        const running = of.flatMap((phase, place) => (phase === 'Running' ? [place] : []))
        assert.ok(running.length <= concurrency)
        if (ended !== undefined) {
          assert.equal(running.length, 0)
          assert.equal(ended, fails !== undefined && fails < size ? 'Failed' : 'Succeeded')
          assert.equal(new Set(started).size, started.length)
          return
        }
        const place = running[(picks[turn % picks.length] ?? 0) % running.length] ?? 0
        of[place] = place === fails ? 'Failed' : 'Succeeded'
      }
      assert.fail('it never rests')
    }),
    { numRuns: 300 },
  )
})

test('fan-out: outputs are gathered in the order of the items, with nothing where nothing was left', () => {
  assert.deepEqual(gathered([{ text: 'a', n: 1 }, undefined, { text: 'c' }]), { n: [1, null, null], text: ['a', null, 'c'] })
  assert.deepEqual(gathered([]), {})
})

test('fan-out: instances are counted by phase', () =>
  assert.deepEqual(countsOf(decoded('S2F1W4')), { Succeeded: 2, Failed: 1, Waiting: 4 }))
