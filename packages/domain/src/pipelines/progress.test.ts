import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { descendantsOf, graphOf, type StepGraph } from './graph.ts'
import { isEnded, type ProgressRules, progressOf, type SkipReason, type StepPhase, type StepState } from './progress.ts'

/** `a > b, a > c` is a graph in which b and c wait for a. */
function graph(text: string): StepGraph {
  const edges = text.split(', ').map((edge) => edge.split(' > '))
  const names = [...new Set(edges.flat())]
  const steps = names.map((name) => ({
    name,
    path: [name],
    edges: edges.flatMap(([on = '', to]) => (to === name ? [{ on, path: [name] }] : [])),
  }))
  const made = graphOf(steps)
  return 'findings' in made ? assert.fail(JSON.stringify(made.findings)) : made
}
const easy: ProgressRules = { uses: () => false, holds: () => true, maxRunning: 100, isEnding: false }
const states = (of: Record<string, Exclude<StepPhase, 'Skipped'> | SkipReason>): ReadonlyMap<string, StepState> =>
  new Map(
    Object.entries(of).map(([name, is]): [string, StepState] => {
      if (is === 'Upstream' || is === 'Condition' || is === 'NoOutput' || is === 'RunEnded') return [name, { phase: 'Skipped', why: is }]
      return [name, { phase: is }]
    }),
  )

const diamond = graph('a > b, a > c, b > d, c > d')
const rows: Record<
  string,
  [
    graph: StepGraph,
    is: Parameters<typeof states>[0],
    rules: Partial<ProgressRules>,
    want: { start?: string[]; skip?: Record<string, SkipReason>; over?: boolean },
  ]
> = {
  'who waits for nobody starts': [diamond, {}, {}, { start: ['a'] }],
  'everything that one success allows starts at once': [diamond, { a: 'Succeeded' }, {}, { start: ['b', 'c'] }],
  'a step waits for all': [diamond, { a: 'Succeeded', b: 'Succeeded', c: 'Running' }, {}, {}],
  'and then starts': [diamond, { a: 'Succeeded', b: 'Succeeded', c: 'Succeeded' }, {}, { start: ['d'] }],
  'when all have ended it is over': [diamond, { a: 'Succeeded', b: 'Succeeded', c: 'Succeeded', d: 'Succeeded' }, {}, { over: true }],
  'a failure skips all that comes after, at once, and others go on': [
    graph('a > b, b > c, x > y'),
    { a: 'Failed', x: 'Succeeded' },
    {},
    { start: ['y'], skip: { b: 'Upstream', c: 'Upstream' } },
  ],
  'one failure decides while others still run': [diamond, { a: 'Succeeded', b: 'Failed', c: 'Running' }, {}, { skip: { d: 'Upstream' } }],
  'a cancelled step is as one that failed': [graph('a > b'), { a: 'Cancelled' }, {}, { skip: { b: 'Upstream' }, over: true }],
  'a condition that does not hold skips the step, and what only comes after it starts': [
    graph('a > b'),
    {},
    { holds: (step) => step !== 'a' },
    { start: ['b'], skip: { a: 'Condition' } },
  ],
  'what refers to an output that was never made is skipped': [
    graph('a > b, b > c'),
    {},
    { holds: (step) => step !== 'a', uses: (step, other) => step === 'b' && other === 'a' },
    { start: ['c'], skip: { a: 'Condition', b: 'NoOutput' } },
  ],
  'no more start than may run': [graph('a > z, b > z, c > z'), { a: 'Running' }, { maxRunning: 2 }, { start: ['b'] }],
  'a run that ends starts nothing, and waits for what runs': [
    diamond,
    { a: 'Succeeded', b: 'Running' },
    { isEnding: true },
    { skip: { c: 'RunEnded', d: 'Upstream' } },
  ],
  'a condition is asked only when its time has come': [graph('a > b'), { a: 'Running' }, { holds: () => assert.fail('it was asked') }, {}],
}
for (const [what, [of, is, rules, { start = [], skip = {}, over = false }]] of Object.entries(rows)) {
  test(`progress: ${what}`, () => {
    const progress = progressOf(of, states(is), { ...easy, ...rules })
    assert.deepEqual({ start: progress.start, skip: Object.fromEntries(progress.skip), over: progress.isOver }, { start, skip, over })
  })
}

interface Plan {
  readonly graph: StepGraph
  readonly fails: ReadonlySet<string>
  readonly maxRunning: number
  /** Which of the running steps ends next. */
  readonly picks: readonly number[]
}

const plans: fc.Arbitrary<Plan> = fc
  .record({
    edges: fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 30 }),
    fails: fc.array(fc.nat(), { maxLength: 4 }),
    maxRunning: fc.integer({ min: 1, max: 6 }),
    picks: fc.array(fc.nat(), { minLength: 1, maxLength: 30 }),
  })
  .map(({ edges, fails, maxRunning, picks }) => {
    const made = graphOf(
      edges.map((on, index) => ({
        name: `s${index}`,
        path: [index],
        edges: index === 0 ? [] : on.map((each) => ({ on: `s${each % index}`, path: [index] })),
      })),
    )
    assert.ok('order' in made)
    return { graph: made, fails: new Set(fails.map((each) => `s${each % edges.length}`)), maxRunning, picks }
  })

/** Runs a plan to its rest, one ending at a time. */
function perform({ graph: of, fails, maxRunning, picks }: Plan): { states: ReadonlyMap<string, StepState>; started: readonly string[] } {
  const is = new Map<string, StepState>()
  const started: string[] = []
  for (let turn = 0; turn <= 2 * of.order.length + 1; turn += 1) {
    const { start, skip, isOver } = progressOf(of, is, { ...easy, maxRunning })
    for (const [step, why] of skip) is.set(step, { phase: 'Skipped', why })
    for (const step of start) {
      for (const on of of.dependencies.get(step) ?? []) assert.equal(is.get(on)?.phase, 'Succeeded', `${step} started before ${on}`)
      started.push(step)
      is.set(step, { phase: 'Running' })
    }
    const running = [...is].filter(([, { phase }]) => phase === 'Running').map(([step]) => step)
    assert.ok(running.length <= maxRunning)
    if (isOver) return { states: is, started }
    assert.ok(running.length > 0, 'it rests before it is over')
    const ends = running[(picks[turn % picks.length] ?? 0) % running.length] ?? ''
    is.set(ends, { phase: fails.has(ends) ? 'Failed' : 'Succeeded' })
  }
  return assert.fail('it never rests')
}

test('progress: every graph comes to rest, no step starts twice, and exactly the descendants of failures are skipped', () => {
  fc.assert(
    fc.property(plans, (plan) => {
      const { states: is, started } = perform(plan)
      assert.equal(new Set(started).size, started.length)
      assert.ok(plan.graph.order.every((step) => isEnded(is.get(step) ?? { phase: 'Waiting' })))
      const failed = [...is].filter(([, { phase }]) => phase === 'Failed').map(([step]) => step)
      const wanted = new Set(failed.flatMap((step) => [...descendantsOf(plan.graph, step)]))
      const skipped = [...is].filter(([, { phase }]) => phase === 'Skipped').map(([step]) => step)
      assert.deepEqual(skipped.sort(), [...wanted].sort())
    }),
    { numRuns: 500 },
  )
})

test('progress: what was decided is not decided again', () => {
  fc.assert(
    fc.property(plans, (plan) => {
      const { states: is } = perform(plan)
      assert.deepEqual(progressOf(plan.graph, is, easy), { start: [], skip: new Map(), isOver: true })
    }),
  )
})

test('progress: ten thousand steps between two are decided in one pass', () => {
  const wide = graph(Array.from({ length: 10_000 }, (_, index) => `first > s${index}, s${index} > last`).join(', '))
  assert.equal(progressOf(wide, states({ first: 'Succeeded' }), { ...easy, maxRunning: 20_000 }).start.length, 10_000)
  assert.equal(progressOf(wide, states({ first: 'Failed' }), easy).skip.size, 10_001)
})
