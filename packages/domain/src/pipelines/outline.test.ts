import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outlineOf } from './outline.ts'

const cases: Record<string, { spec: unknown; want: readonly string[] }> = {
  'a step waits for what it depends on and for what it refers to, once': {
    spec: {
      steps: [
        { name: 'vote', dependsOn: ['b'], container: { args: ['$(steps.a.outputs.text)', '$(steps.b.outputs.text)'] } },
        { name: 'a', inference: { prompt: 'x' } },
        { name: 'b', inference: { prompt: 'x' }, when: "steps.a.outputs.text == 'x'" },
      ],
    },
    want: ['a inference <', 'b inference < a', 'vote container < b,a'],
  },
  'steps of finally come last, fans are known': {
    spec: {
      finally: [{ name: 'tidy', container: {} }],
      steps: [{ name: 'each', forEach: { items: ['x'] }, inference: {} }],
    },
    want: ['each inference fan <', 'tidy container final <'],
  },
  'a cycle stands last, and steps that there are not are left out': {
    spec: {
      steps: [
        { name: 'a', gate: { expression: 'true' }, dependsOn: ['b'] },
        { name: 'b', approval: {}, dependsOn: ['a', 'nobody'] },
        { name: 'c', publish: {} },
      ],
    },
    want: ['c publish <', 'a gate < b', 'b approval < a'],
  },
  'what is no pipeline has no steps': { spec: 'text', want: [] },
}

for (const [sentence, { spec, want }] of Object.entries(cases)) {
  test(`outline: ${sentence}`, () => {
    const told = outlineOf(spec).map(({ name, type, isFan, isFinal, after }) =>
      [name, type, isFan ? 'fan' : '', isFinal ? 'final' : '', '<', after.join(',')].filter((part) => part !== '').join(' '),
    )
    assert.deepEqual(told, want)
  })
}
