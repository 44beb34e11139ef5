import assert from 'node:assert/strict'
import { test } from 'node:test'
import { specChanges } from './spec-diff.ts'

const step = (name: string, more: object = {}): object => ({ name, container: { image: 'i', args: ['a', 'b'], ...more } })

const cases: Record<string, { from: unknown; to: unknown; want: object[] }> = {
  'the same spec has no changes, whatever the order of its keys': { from: { a: 1, b: { c: 2 } }, to: { b: { c: 2 }, a: 1 }, want: [] },
  'a changed field is told with both values': {
    from: { steps: [step('a')] },
    to: { steps: [step('a', { image: 'j' })] },
    want: [{ pointer: '/steps/0/container/image', from: 'i', to: 'j' }],
  },
  'a step that moved and changed is the same step, where it is now': {
    from: { steps: [step('a'), step('b')] },
    to: { steps: [step('b', { image: 'j' }), step('a')] },
    want: [{ pointer: '/steps/0/container/image', from: 'i', to: 'j' }],
  },
  'an added step has no value before': {
    from: { steps: [step('a')] },
    to: { steps: [step('a'), step('b')] },
    want: [{ pointer: '/steps/1', to: step('b') }],
  },
  'a removed step has no value after, and is found in the older spec': {
    from: { steps: [step('a'), step('b')] },
    to: { steps: [step('b')] },
    want: [{ pointer: '/steps/0', from: step('a') }],
  },
  'a list without names is one value': {
    from: { args: ['a', 'b'] },
    to: { args: ['b'] },
    want: [{ pointer: '/args', from: ['a', 'b'], to: ['b'] }],
  },
  'a name that stands twice makes a list one value': {
    from: { steps: [step('a'), step('a')] },
    to: { steps: [step('a')] },
    want: [{ pointer: '/steps', from: [step('a'), step('a')], to: [step('a')] }],
  },
  'a value of another sort is replaced': { from: { a: { b: 1 } }, to: { a: [1] }, want: [{ pointer: '/a', from: { b: 1 }, to: [1] }] },
  'names with slashes are escaped': { from: {}, to: { 'a/b~c': 1 }, want: [{ pointer: '/a~1b~0c', to: 1 }] },
  'null is a value': { from: { a: null }, to: {}, want: [{ pointer: '/a', from: null }] },
}
for (const [sentence, { from, to, want }] of Object.entries(cases)) {
  test(sentence, () => assert.deepEqual(specChanges(from, to), { changes: want, isWhole: true }))
}

test('more changes than are told are said to be more', () => {
  const wide = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`k${at}`, at]))
  const { changes, isWhole } = specChanges({}, wide, 10)
  assert.deepEqual([changes.length, isWhole], [10, false])
  assert.equal(specChanges({}, wide, 30).isWhole, true)
})
