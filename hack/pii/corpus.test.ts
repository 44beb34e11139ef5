import assert from 'node:assert/strict'
import { test } from 'node:test'
import { casesOf, scoresOf } from './corpus.ts'

for (const { entity, cases, nearMisses, recall, precision } of scoresOf('held-out')) {
  test(`${entity}: recall and precision on cases that nobody looked at while tuning`, () => {
    assert.ok(recall >= 0.95, `recall ${recall.toFixed(3)} is below 0.95`)
    assert.ok(precision >= 0.9, `precision ${precision.toFixed(3)} is below 0.9`)
  })
  test(`${entity}: at least 200 cases, half of them held out, near misses among them`, () => {
    const all = cases + casesOf('tuning').filter((each) => each.entity === entity).length
    assert.ok(all >= 200 && cases >= 100 && nearMisses >= 20, `${all} cases, ${cases} held out, ${nearMisses} near misses`)
  })
}

test('spans lie within their texts and hold no blank at their ends', () => {
  for (const half of ['tuning', 'held-out'] as const)
    for (const { text, spans } of casesOf(half))
      for (const [start, end] of spans) {
        const inside = text.slice(start, end)
        assert.ok(inside.length === end - start && inside === inside.trim(), `${half}: ${start}-${end}`)
      }
})
