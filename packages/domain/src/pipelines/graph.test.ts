import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { descendantsOf, type GraphStep, graphOf, type StepGraph } from './graph.ts'

const step = (name: string, ...on: readonly string[]): GraphStep => ({
  name,
  path: ['spec', 'steps', name],
  edges: on.map((each, index) => ({ on: each, path: ['spec', 'steps', name, 'dependsOn', index] })),
})
const said = (steps: readonly GraphStep[]): readonly string[] => {
  const graph = graphOf(steps)
  return 'findings' in graph ? graph.findings.map(({ field, message, suggestion }) => `${field}: ${message}; ${suggestion ?? ''}`) : []
}

const rows: Record<string, [steps: readonly GraphStep[], want: readonly string[]]> = {
  'a diamond is right': [[step('d', 'b', 'c'), step('b', 'a'), step('c', 'a'), step('a')], []],
  'a cycle is shown as the way around it': [
    [step('x'), step('a', 'x', 'c'), step('b', 'a'), step('c', 'b')],
    ['spec.steps.a.dependsOn[1]: steps wait for one another: a → c → b → a; take one of these dependencies out'],
  ],
  'who only waits for a cycle is not in it': [
    [step('late', 'a'), step('a', 'b'), step('b', 'a')],
    ['spec.steps.a.dependsOn[0]: steps wait for one another: a → b → a; take one of these dependencies out'],
  ],
  'a step cannot wait for itself': [
    [step('a', 'a')],
    ['spec.steps.a.dependsOn[0]: the step "a" cannot wait for itself; name another step'],
  ],
  'a step that is not there is named with the nearest': [
    [step('prepare'), step('train', 'prepair')],
    ['spec.steps.train.dependsOn[0]: there is no step "prepair"; did you mean "prepare"?'],
  ],
  'two steps of one name': [[step('a'), step('a')], ['spec.steps.a.name: another step is called "a", too; give each step its own name']],
}
for (const [what, [steps, want]] of Object.entries(rows)) test(`graph: ${what}`, () => assert.deepEqual(said(steps), want))

test('graph: a long cycle is not told in full', () => {
  const steps = Array.from({ length: 100 }, (_, index) => step(`s${index}`, `s${(index + 1) % 100}`))
  assert.match(said(steps)[0] ?? '', /s0 → s1 → .* → … \(89 more\) → s0;/)
})

/** Steps that wait only for steps before them, then shuffled. */
const dags = fc.array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: 1, maxLength: 40 }).chain((edges) => {
  const steps = edges.map((on, index) => step(`s${index}`, ...(index === 0 ? [] : on.map((each) => `s${each % index}`))))
  return fc.shuffledSubarray(steps, { minLength: steps.length, maxLength: steps.length })
})

function wanted(steps: readonly GraphStep[]): StepGraph {
  const graph = graphOf(steps)
  return 'findings' in graph ? assert.fail(JSON.stringify(graph.findings)) : graph
}

test('graph: every step comes after all that it waits for', () => {
  fc.assert(
    fc.property(dags, (steps) => {
      const { order, dependencies } = wanted(steps)
      assert.deepEqual([...order].sort(), steps.map(({ name }) => name).sort())
      const place = new Map(order.map((name, index) => [name, index]))
      for (const [name, on] of dependencies)
        for (const each of on) assert.ok((place.get(each) ?? 0) < (place.get(name) ?? 0), `${each} before ${name}`)
    }),
  )
})

test('graph: descendants are exactly those from whom a way leads back to the step', () => {
  fc.assert(
    fc.property(dags, fc.nat(), (steps, nth) => {
      const graph = wanted(steps)
      const root = steps[nth % steps.length]?.name ?? ''
      const leadsBack = (name: string): boolean => (graph.dependencies.get(name) ?? []).some((on) => on === root || leadsBack(on))
      assert.deepEqual([...descendantsOf(graph, root)].sort(), graph.order.filter(leadsBack).sort())
    }),
    { numRuns: 200 },
  )
})

test('graph: with a way back there is a cycle, and it is one', () => {
  fc.assert(
    fc.property(dags, (steps) => {
      const { order, dependents } = wanted(steps)
      const [first = ''] = order
      const last = [...descendantsOf({ order, dependencies: new Map(), dependents }, first)].at(-1)
      if (last === undefined) return
      const closed = steps.map((each) => (each.name === first ? step(first, last) : each))
      const way = (said(closed)[0] ?? '').match(/one another: (.*);/)?.[1]?.split(' → ') ?? []
      assert.equal(way[0], way.at(-1))
      for (const [index, name] of way.slice(0, -1).entries())
        if (name !== '…' && !(way[index + 1] ?? '').startsWith('…'))
          assert.ok(closed.find((each) => each.name === name)?.edges.some(({ on }) => on === way[index + 1]))
    }),
    { numRuns: 200 },
  )
})

test('graph: five thousand steps in a row, and five thousand that all wait for one another, are judged', () => {
  const row = Array.from({ length: 5000 }, (_, index) => step(`s${index}`, ...(index === 0 ? [] : [`s${index - 1}`])))
  assert.equal(wanted(row.toReversed()).order[0], 's0')
  const ring = Array.from({ length: 5000 }, (_, index) => step(`s${index}`, `s${(index + 1) % 5000}`))
  assert.equal(said(ring).length, 1)
})
