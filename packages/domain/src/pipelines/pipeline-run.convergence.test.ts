/**
 * Random pipelines in a small simulated cluster, under an operator that is killed, forgets and sees late: whatever happens in whatever
 * order, a run ends once, as the same pipeline ends without any trouble.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PipelineRun, RunStepStatus } from '@mnemos/api'
import fc from 'fast-check'
import { descendantsOf } from './graph.ts'
import { isOver } from './pipeline-run.ts'
import { placeText, RunSimulation } from './run.test-kit.ts'
import { type Topology, topology } from './run-topology.test-kit.ts'

const anyRun = 'b'
const stop = fc.record({ after: fc.nat(4), isKilled: fc.boolean() })
type Act = (simulation: RunSimulation) => void
/** Everything that may go wrong without changing how the run ends. */
const trouble: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Act>((simulation) => void simulation.reconcile(anyRun)) },
  {
    weight: 5,
    arbitrary: fc.nat(20).map(
      (nth): Act =>
        (simulation) =>
          simulation.finish(nth),
    ),
  },
  {
    weight: 5,
    arbitrary: fc.tuple(fc.nat(6), fc.nat(2)).map(
      ([jobs, runs]): Act =>
        (simulation) =>
          simulation.see(jobs, runs),
    ),
  },
  {
    weight: 3,
    arbitrary: stop.map(
      (at): Act =>
        (simulation) =>
          void simulation.reconcile(anyRun, at),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 1, max: 5000 }).map(
      (ms): Act =>
        (simulation) =>
          simulation.pass(ms),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Act>((simulation) => simulation.restart()) },
  {
    weight: 1,
    arbitrary: fc.boolean().map(
      (suspend): Act =>
        (simulation) =>
          simulation.edit(anyRun, () => ({ suspend })),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.nat(7).map(
      (nth): Act =>
        (simulation) =>
          approve(simulation, anyRun, `s${nth}`),
    ),
  },
)
const cancel: Act = (simulation) => simulation.edit(anyRun, () => ({ cancel: true }))
const acts = fc.array(trouble, { minLength: 5, maxLength: 60, size: 'max' })

function approve(simulation: RunSimulation, run: string, step: string): void {
  const approval = { step, decision: 'Approved' } as const
  simulation.edit(run, ({ approvals = [] }) =>
    approvals.some((each) => each.step === step) ? {} : { approvals: [...approvals, approval] },
  )
}

/** Everybody decides, nothing is held, and Jobs end. */
function comesToRest(simulation: RunSimulation, name: string, order = 0): PipelineRun {
  simulation.edit(name, () => ({ suspend: false }))
  for (const step of simulation.pipeline.steps.values()) if (step.type === 'approval') approve(simulation, name, step.name)
  assert.ok(simulation.settle(order), 'it never rests')
  const run = simulation.run(name)
  assert.ok(isOver(run), `the run rests and is ${JSON.stringify(run.status)}`)
  assert.equal(simulation.alive().length, 0)
  const before = simulation.writes
  simulation.pass(60_000)
  simulation.restart()
  assert.ok(simulation.settle())
  assert.equal(simulation.writes, before, 'the second pass writes nothing')
  return run
}

function clean({ spec, outcome, refused }: Topology, order = 0): { readonly simulation: RunSimulation; readonly run: PipelineRun } {
  const simulation = new RunSimulation(spec, outcome, refused)
  simulation.create('a')
  return { simulation, run: comesToRest(simulation, 'a', order) }
}

const entriesOf = ({ status }: PipelineRun): readonly RunStepStatus[] => status?.steps ?? []
/** How it ended, without what timing may decide: which instances of a failed fan-out had begun. */
function endOf(run: PipelineRun): object {
  const steps = entriesOf(run).map(({ name, phase, why, items }) => [name, phase, why, phase === 'Failed' ? undefined : items])
  return { phase: run.status?.phase, steps, outputs: run.status?.outputs }
}

/** What failed takes its descendants with it, and nothing else is skipped because of it. */
function assertSkips({ pipeline }: RunSimulation, run: PipelineRun): void {
  for (const graph of [pipeline.main, pipeline.last]) {
    const entries = entriesOf(run).filter(({ name }) => graph.dependencies.has(name))
    const broken = entries.filter(({ phase, why }) => phase === 'Failed' || phase === 'Cancelled' || why === 'RunEnded')
    const below = new Set(broken.flatMap(({ name }) => [...descendantsOf(graph, name)]))
    const skipped = entries.filter(({ why }) => why === 'Upstream').map(({ name }) => name)
    const wanted = entries.filter(({ name, why }) => below.has(name) && why !== 'NoOutput').map(({ name }) => name)
    assert.deepEqual(
      [...skipped].sort(),
      wanted.filter((name) => skipped.includes(name) || entries.find((each) => each.name === name)?.phase !== 'Skipped').sort(),
    )
  }
}

test('whatever happens, a run ends as it ends without trouble, and no step has two Jobs', () => {
  fc.assert(
    fc.property(topology, acts, fc.nat(10), (of, steps, order) => {
      const without = clean(of)
      const simulation = new RunSimulation(of.spec, of.outcome, of.refused)
      simulation.create(anyRun)
      for (const act of steps) act(simulation)
      const run = comesToRest(simulation, anyRun, order)
      assert.deepEqual(endOf(run), endOf(without.run))
      assertSkips(simulation, run)
      for (const [name, times] of simulation.created) assert.equal(times, 1, `${name} was created ${times} times`)
    }),
    { numRuns: 400 },
  )
})

test('a cancelled run ends once, stops what runs, and its last steps still run', () => {
  fc.assert(
    fc.property(topology, acts, acts, (of, before, after) => {
      const simulation = new RunSimulation(of.spec, of.outcome, of.refused)
      simulation.create(anyRun)
      for (const act of [...before, cancel, ...after]) act(simulation)
      const run = comesToRest(simulation, anyRun)
      assertSkips(simulation, run)
      for (const [name, times] of simulation.created) assert.equal(times, 1, `${name} was created ${times} times`)
    }),
    { numRuns: 400 },
  )
})

test('what was done before with the same inputs is not done again, and comes to the same', () => {
  fc.assert(
    fc.property(topology, acts, (of, steps) => {
      const { simulation, run: earlier } = clean(of)
      const before = new Set(simulation.jobs.keys())
      const done = new Set([...simulation.jobs.values()].filter(({ status }) => status?.phase === 'Succeeded').map(placeText))
      simulation.create(anyRun)
      for (const act of steps) act(simulation)
      const run = comesToRest(simulation, anyRun)
      assert.deepEqual(endOf(run), endOf(earlier))
      for (const job of simulation.jobs.values()) {
        const step = simulation.pipeline.steps.get(placeText(job).split('/')[0] ?? '')
        const isAgain = !before.has(job.metadata.name) && done.has(placeText(job))
        assert.ok(!isAgain || step?.spec.memoize === undefined, `${placeText(job)} was done again`)
      }
    }),
    { numRuns: 200 },
  )
})

test('a retry does what had not succeeded and what comes after it, and keeps the rest', () => {
  fc.assert(
    fc.property(topology, acts, (of, steps) => {
      let isMended = false
      const plain = { ...of.spec, steps: of.spec.steps.map(({ memoize: _memoize, ...step }) => step) }
      const simulation = new RunSimulation(
        plain,
        (prompt) => (isMended ? 'Succeeded' : of.outcome(prompt)),
        (place) => !isMended && of.refused(place),
      )
      simulation.create('a')
      const earlier = comesToRest(simulation, 'a')
      isMended = true
      const before = new Set(simulation.jobs.keys())
      simulation.create(anyRun, { retryFrom: { run: 'a' } })
      for (const act of steps) act(simulation)
      const run = comesToRest(simulation, anyRun)
      const mended = clean({ spec: plain, outcome: () => 'Succeeded', refused: () => false }).run
      assert.deepEqual(phasesOf(run, simulation), phasesOf(mended, simulation))
      const done = [...simulation.jobs.values()].filter(({ metadata }) => !before.has(metadata.name)).map(placeText)
      const kept = keptOf(earlier, simulation)
      assert.deepEqual(
        done.filter((place) => kept.has(place)),
        [],
        'what had succeeded is kept',
      )
    }),
    { numRuns: 300 },
  )
})

const phasesOf = (run: PipelineRun, { pipeline }: RunSimulation): object =>
  entriesOf(run)
    .filter(({ name }) => pipeline.main.dependencies.has(name))
    .map(({ name, phase, why }) => [name, phase, why])

/** Steps that succeeded and come after nothing that is done again. */
function keptOf(earlier: PipelineRun, { pipeline: { main } }: RunSimulation): ReadonlySet<string> {
  const roots = entriesOf(earlier).filter(
    ({ phase, why, name }) => main.dependencies.has(name) && phase !== 'Succeeded' && why !== 'Condition',
  )
  const again = new Set(roots.flatMap(({ name }) => [name, ...descendantsOf(main, name)]))
  return new Set(
    entriesOf(earlier)
      .filter(({ name, phase }) => main.dependencies.has(name) && phase === 'Succeeded' && !again.has(name))
      .flatMap(({ name, items }) => [name, ...Array.from({ length: items === undefined ? 0 : 20 }, (_, item) => `${name}/${item}`)]),
  )
}
