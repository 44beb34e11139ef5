import assert from 'node:assert/strict'
import { test } from 'node:test'
import { layOut } from './step-layout.ts'

const graph = (text: string): { name: string; after: string[] }[] =>
  text.split(' ').map((each) => {
    const [name = '', after = ''] = each.split('<')
    return { name, after: after === '' ? [] : after.split(',') }
  })

const cases: Record<string, { steps: string; want: readonly string[] }> = {
  'one after the other': { steps: 'a b<a c<b', want: ['a', 'b', 'c'] },
  'a fork that meets again': { steps: 'a b<a c<a d<b,c', want: ['a', '├─ b', '└─ c', 'd'] },
  'several begin': { steps: 'a b c<a,b', want: ['├─ a', '└─ b', 'c'] },
  'branches are finished one after the other': {
    steps: 'a b<a c<a b2<b c2<c d<b2,c2',
    want: ['a', '├─ b', '│  b2', '└─ c', '   c2', 'd'],
  },
  'a fork within a branch': {
    steps: 'a b<a c<a d<b e<b f<d,e g<c,f',
    want: ['a', '├─ b', '│  ├─ d', '│  └─ e', '│  f', '└─ c', 'g'],
  },
  'a way around a step is no fork': { steps: 'a b<a c<a,b', want: ['a', 'b', 'c'] },
  'some branches meet while another goes on': { steps: 'a b<a c<a d<a e<b,c', want: ['a', '├─ b', '├─ c', '└─ d', 'e'] },
  'a cycle still has a picture': { steps: 'a b<c c<b', want: ['├─ a', '└─ b', '   c'] },
}

for (const [sentence, { steps, want }] of Object.entries(cases)) {
  test(`tree: ${sentence}`, () => {
    assert.deepEqual(
      layOut(graph(steps)).map(({ prefix, step }) => `${prefix}${step.name}`),
      want,
    )
  })
}

test('a thousand steps, each of which forks, are laid out at once and not indented for ever', () => {
  const steps = Array.from({ length: 1000 }, (_, at) => ({ name: `s${at}`, after: at === 0 ? [] : [`s${Math.floor((at - 1) / 2)}`] }))
  const placed = layOut(steps)
  assert.equal(placed.length, 1000)
  assert.ok(placed.every(({ prefix }) => prefix.length <= 30))
})
