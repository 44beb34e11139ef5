import assert from 'node:assert/strict'
import { test } from 'node:test'
import { priorities } from '@mnemos/api'
import fc from 'fast-check'
import { anyEngine, type Demand, goesBefore, Placement, type WorkerSlots } from './placement.ts'

const aDemand = (uid: string, of: Partial<Demand> = {}): Demand => ({
  uid,
  namespace: 'a',
  name: `job-${uid}`,
  priority: 'normal',
  createdAt: 0,
  engine: 'llama-cpp',
  digest: 'sha256:m',
  ...of,
})

const aWorker = (name: string, of: Partial<WorkerSlots> = {}): WorkerSlots => ({
  name,
  instance: `${name}-1`,
  engines: ['llama-cpp'],
  slots: 1,
  accepting: true,
  models: new Map(),
  mayServe: () => true,
  ...of,
})

function placementOf(workers: readonly WorkerSlots[], demands: readonly Demand[]): Placement {
  const placement = new Placement()
  for (const worker of workers) placement.setWorker(worker)
  for (const demand of demands) placement.enqueue(demand)
  return placement
}

const holds = (state: 'Cached' | 'Loaded'): Partial<WorkerSlots> => ({ models: new Map([['sha256:m', state]]) })

const cases: Record<string, { workers: readonly WorkerSlots[]; demands: readonly Demand[]; want: Record<string, string> }> = {
  'priority goes first': {
    workers: [aWorker('w')],
    demands: [aDemand('old', { priority: 'low' }), aDemand('new', { priority: 'critical', createdAt: 5 })],
    want: { new: 'w' },
  },
  'within a priority age goes first': {
    workers: [aWorker('w')],
    demands: [aDemand('young', { createdAt: 5 }), aDemand('old', { createdAt: 1 })],
    want: { old: 'w' },
  },
  'everything that fits is placed in one pass': {
    workers: [aWorker('w', { slots: 2 }), aWorker('v')],
    demands: [aDemand('1'), aDemand('2', { createdAt: 1 }), aDemand('3', { createdAt: 2 }), aDemand('4', { createdAt: 3 })],
    want: { 1: 'w', 2: 'v', 3: 'w' },
  },
  'a worker with the model loaded is better than one that has it cached': {
    workers: [aWorker('none', { slots: 8 }), aWorker('cached', { slots: 8, ...holds('Cached') }), aWorker('loaded', holds('Loaded'))],
    demands: [aDemand('1'), aDemand('2', { createdAt: 1 })],
    want: { 1: 'loaded', 2: 'cached' },
  },
  'a served model goes to its pool first, and elsewhere when that is full': {
    workers: [aWorker('loaded', { pool: 'a/other', slots: 8, ...holds('Loaded') }), aWorker('home', { pool: 'a/home' })],
    demands: [aDemand('1', { preferredPool: 'a/home' }), aDemand('2', { preferredPool: 'a/home', createdAt: 1 })],
    want: { 1: 'home', 2: 'loaded' },
  },
  'what must run in a pool runs nowhere else': {
    workers: [aWorker('other', { pool: 'a/other', slots: 8 }), aWorker('home', { pool: 'a/home' })],
    demands: [
      aDemand('1', { requiredPool: 'a/home' }),
      aDemand('2', { requiredPool: 'a/home', createdAt: 1 }),
      aDemand('3', { createdAt: 2 }),
    ],
    want: { 1: 'home', 3: 'other' },
  },
  'a worker without the engine gets nothing': { workers: [aWorker('w', { engines: ['vllm'] })], demands: [aDemand('1')], want: {} },
  'work without an engine runs anywhere': {
    workers: [aWorker('w', { engines: ['vllm'] })],
    demands: [aDemand('1', { engine: anyEngine, digest: undefined })],
    want: { 1: 'w' },
  },
  'a pool serves only namespaces that it allows': {
    workers: [aWorker('w', { mayServe: (namespace) => namespace === 'b', slots: 2 })],
    demands: [aDemand('1'), aDemand('2', { namespace: 'b', createdAt: 1 })],
    want: { 2: 'w' },
  },
  'who cannot be placed holds up nobody else': {
    workers: [aWorker('w')],
    demands: [aDemand('1', { engine: 'vllm', priority: 'critical' }), aDemand('2', { priority: 'low' })],
    want: { 2: 'w' },
  },
  'a worker that takes no work gets none': { workers: [aWorker('w', { accepting: false })], demands: [aDemand('1')], want: {} },
}

for (const [sentence, { workers, demands, want }] of Object.entries(cases)) {
  test(sentence, () => {
    const made = placementOf(workers, demands).place()
    assert.deepEqual(Object.fromEntries(made.map(({ uid, worker }) => [uid, worker.name])), want)
  })
}

test('a slot is given once, and again when it is free', () => {
  const placement = placementOf([aWorker('w')], [aDemand('1'), aDemand('2', { createdAt: 1 })])
  assert.deepEqual(
    placement.place().map(({ uid }) => uid),
    ['1'],
  )
  assert.deepEqual(placement.place(), [])
  placement.occupy('1', 'w')
  assert.deepEqual(placement.place(), [])
  placement.vacate('1')
  assert.deepEqual(
    placement.place().map(({ uid }) => uid),
    ['2'],
  )
})

test('what was reserved on a process that went away is placed elsewhere', () => {
  const placement = placementOf([aWorker('w')], [aDemand('1')])
  placement.place()
  placement.setWorker(aWorker('w', { accepting: false }))
  assert.equal(placement.reservationOf('1'), undefined)
  placement.setWorker(aWorker('v'))
  assert.deepEqual(
    placement.place().map(({ worker }) => worker.name),
    ['v'],
  )
})

test('a reservation on another process of the same name does not hold', () => {
  const placement = placementOf([aWorker('w')], [aDemand('1')])
  placement.place()
  placement.setWorker(aWorker('w', { instance: 'w-2' }))
  assert.deepEqual(
    placement.place().map(({ worker }) => worker.instance),
    ['w-2'],
  )
})

test('a worker that connects late finds its slots taken by what it runs', () => {
  const placement = new Placement()
  placement.occupy('1', 'w')
  placement.setWorker(aWorker('w'))
  placement.enqueue(aDemand('2'))
  assert.deepEqual(placement.place(), [])
})

test('a Job whose priority is raised moves forward', () => {
  const placement = placementOf([], [aDemand('1'), aDemand('2', { createdAt: 1 })])
  placement.enqueue(aDemand('2', { createdAt: 1, priority: 'high' }))
  placement.setWorker(aWorker('w'))
  assert.deepEqual(
    placement.place().map(({ uid }) => uid),
    ['2'],
  )
})

test('the first hundred know their place', () => {
  const demands = Array.from({ length: 300 }, (_, index) => aDemand(String(index), { createdAt: index }))
  const placement = placementOf([], demands)
  const positions = [0, 41, 99, 100, 299].map((index) => placement.standing(aDemand(String(index), { createdAt: index })).position)
  assert.deepEqual(positions, [1, 42, 100, undefined, undefined])
})

const anyDemand = fc.record({
  priority: fc.constantFrom(...priorities),
  createdAt: fc.nat(20),
  namespace: fc.constantFrom('a', 'b'),
  digest: fc.constantFrom('sha256:m', 'sha256:n', undefined),
  engine: fc.constantFrom('llama-cpp', 'vllm'),
})
const anyWorker = fc.record({
  slots: fc.integer({ min: 1, max: 3 }),
  engines: fc.subarray(['llama-cpp', 'vllm']),
  serves: fc.subarray(['a', 'b']),
  accepting: fc.boolean(),
})

test('no slot is given twice, nobody passes a wall, nobody who fits is left, and nobody overtakes within a class', () => {
  fc.assert(
    fc.property(fc.array(anyDemand, { maxLength: 30 }), fc.array(anyWorker, { maxLength: 5 }), (some, shapes) => {
      const demands = some.map((each, index) => aDemand(String(index), each))
      const workers = shapes.map(({ serves, ...shape }, index) =>
        aWorker(`w${index}`, { ...shape, mayServe: (namespace) => serves.includes(namespace) }),
      )
      const made = placementOf(workers, demands).place()
      const placed = new Map(made.map(({ uid, worker }) => [uid, worker.name]))
      const fits = (demand: Demand, worker: WorkerSlots): boolean =>
        worker.accepting && worker.engines.includes(demand.engine) && worker.mayServe(demand.namespace)
      const freeOf = (worker: WorkerSlots): number => worker.slots - made.filter((each) => each.worker.name === worker.name).length
      assert.equal(placed.size, made.length)
      for (const worker of workers) assert.ok(freeOf(worker) >= 0)
      for (const demand of demands) {
        const worker = workers.find(({ name }) => name === placed.get(demand.uid))
        if (worker !== undefined) assert.ok(fits(demand, worker))
        else assert.ok(!workers.some((each) => freeOf(each) > 0 && fits(demand, each)), 'a free slot fits')
      }
      for (const waits of demands.filter(({ uid }) => !placed.has(uid))) {
        const overtakers = demands.filter(
          (each) =>
            placed.has(each.uid) &&
            each.namespace === waits.namespace &&
            each.engine === waits.engine &&
            each.digest === waits.digest &&
            goesBefore(waits, each),
        )
        assert.deepEqual(overtakers, [])
      }
    }),
    { numRuns: 500 },
  )
})

test('an admission among 50,000 costs about what it costs among 100', () => {
  const costOf = (count: number): number => {
    const placement = placementOf(
      [],
      Array.from({ length: count }, (_, index) => aDemand(`${index}`, { createdAt: (index * 7919) % count })),
    )
    placement.setWorker(aWorker('w'))
    const started = performance.now()
    for (let admissions = 0; admissions < 100; admissions += 1) {
      for (const { uid } of placement.place()) {
        placement.occupy(uid, 'w')
        placement.vacate(uid)
      }
    }
    return performance.now() - started
  }
  costOf(100)
  const small = Math.min(...Array.from({ length: 5 }, () => costOf(100)))
  const large = Math.min(...Array.from({ length: 5 }, () => costOf(50_000)))
  assert.ok(large < 4 * small + 5, `${large.toFixed(2)} ms against ${small.toFixed(2)} ms`)
})
