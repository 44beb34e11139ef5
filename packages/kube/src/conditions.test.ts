import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Condition, type Fact, withConditions } from './conditions.ts'

const ready = (status: Fact['status'], message = 'm'): Fact => ({ type: 'Ready', status, reason: 'R', message })
const before: Condition = { ...ready('True'), observedGeneration: 1, lastTransitionTime: '2026-01-01T00:00:00Z' }
const at = { generation: 2, now: Date.UTC(2026, 5, 1) }

const cases: Record<string, { facts: readonly Fact[]; want: readonly Partial<Condition>[] }> = {
  'a condition whose status stays keeps its time and takes the new generation': {
    facts: [ready('True', 'other words')],
    want: [{ message: 'other words', observedGeneration: 2, lastTransitionTime: '2026-01-01T00:00:00Z' }],
  },
  'a condition whose status changes takes the time of the change, in whole seconds': {
    facts: [ready('False')],
    want: [{ status: 'False', lastTransitionTime: '2026-06-01T00:00:00Z' }],
  },
  'a condition that no fact speaks of is gone': { facts: [], want: [] },
  'a new condition takes the time of now': {
    facts: [ready('True'), { ...ready('Unknown'), type: 'Placed' }],
    want: [{ type: 'Ready' }, { type: 'Placed', lastTransitionTime: '2026-06-01T00:00:00Z' }],
  },
  'a message longer than 1,024 characters is cut and says so': {
    facts: [ready('True', 'x'.repeat(2000))],
    want: [{ message: `${'x'.repeat(1023)}…` }],
  },
}

for (const [sentence, { facts, want }] of Object.entries(cases)) {
  test(sentence, () => {
    const conditions = withConditions([before], facts, at)
    assert.equal(conditions.length, want.length)
    for (const [index, wanted] of want.entries()) assert.partialDeepStrictEqual(conditions[index], wanted)
  })
}
