import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureClasses } from '@mnemos/api'
import fc from 'fast-check'
import { costsRetry, fraction, freePauseSeconds, isFinal, pauseSeconds } from './retry.ts'

test('pauses double from a second to five minutes, with up to a quarter of jitter', () => {
  for (const [failures, want] of [
    [1, 1],
    [2, 2],
    [5, 16],
    [9, 256],
    [10, 300],
    [100, 300],
  ] as const) {
    const pause = pauseSeconds('EngineCrashed', failures, 'u/1')
    assert.ok(pause >= 0.75 * want && pause <= want, `${failures}: ${pause}`)
  }
})

test('the same attempt always pauses the same, and others differently', () => {
  assert.equal(pauseSeconds('Internal', 3, 'u/3'), pauseSeconds('Internal', 3, 'u/3'))
  const pauses = new Set(Array.from({ length: 100 }, (_, index) => pauseSeconds('Internal', 3, `uid-${index}/3`)))
  assert.ok(pauses.size > 90)
})

test('what says nothing about the Job starts again at once, until it repeats', () => {
  assert.deepEqual(
    failureClasses.filter((each) => !costsRetry(each)),
    ['NodeLost', 'Released', 'Preempted'],
  )
  assert.deepEqual(
    [1, 2, 3].map((inARow) => freePauseSeconds(inARow, 's')),
    [0, 0, 0],
  )
  assert.ok(freePauseSeconds(4, 's') > 0.7)
  assert.ok(freePauseSeconds(40, 's') <= 30)
})

test('what every attempt would repeat is final', () => {
  assert.deepEqual(failureClasses.filter(isFinal).sort(), ['BadInput', 'DeadlineExceeded', 'DependencyFailed'])
})

test('a fraction is one', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const value = fraction(text)
      assert.ok(value >= 0 && value < 1)
    }),
  )
})
