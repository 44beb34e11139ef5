import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkerStatus } from '@mnemos/api'
import { aPool, aWorker, type WorkerBuilder } from '@mnemos/testkit'
import { decideWorker, type WorkerSession, type WorkerWorld } from './worker.ts'
import { nothingMade } from './worker-pool.test-kit.ts'
import { decideWorkerPool } from './worker-pool.ts'

const session: WorkerSession = {
  instance: 'i1',
  link: 'fresh',
  engines: ['llama-cpp'],
  slots: 2,
  version: '1',
  connectedAt: 0,
  models: [{ digest: 'sha256:a', loaded: true }],
}
const known = aWorker('w').thatIs('Available', { instance: 'i1' })

function world(worker: WorkerBuilder, of: Partial<WorkerWorld> = {}): WorkerWorld {
  return { worker: worker.build(), session, isGone: false, running: 0, dueInMs: 0, ...of }
}

const cases: Record<string, { world: WorkerWorld; wantState: WorkerStatus['state'] | 'unwritten'; wantReady?: 'True' | 'False' }> = {
  'a worker that connects is available': { world: world(aWorker('w')), wantState: 'Available', wantReady: 'True' },
  'one whose slots are all taken is busy, and ready': { world: world(known, { running: 2 }), wantState: 'Busy', wantReady: 'True' },
  'one that drains is not ready': { world: world(known.draining()), wantState: 'Draining', wantReady: 'False' },
  'one whose pod is being ended drains, too': { world: world(known, { isLeaving: true }), wantState: 'Draining', wantReady: 'False' },
  'a late heartbeat makes it suspect': {
    world: world(known, { session: { ...session, link: 'suspect' } }),
    wantState: 'Suspect',
    wantReady: 'False',
  },
  'long silence makes it offline, even while it drains': {
    world: world(known.draining(), { session: { ...session, link: 'offline' } }),
    wantState: 'Offline',
    wantReady: 'False',
  },
  'a new leader waits for it to come over': { world: world(known, { session: undefined }), wantState: 'unwritten' },
  'one that did not come over is offline': { world: world(known, { session: undefined, isGone: true }), wantState: 'Offline' },
  'counts wait for their turn': { world: world(known, { running: 2, dueInMs: 1000 }), wantState: 'unwritten' },
  'that it takes no work does not wait': {
    world: world(known, { session: { ...session, link: 'suspect' }, dueInMs: 1000 }),
    wantState: 'Suspect',
  },
  'another process does not wait': {
    world: world(known, { session: { ...session, instance: 'i2' }, dueInMs: 1000 }),
    wantState: 'Available',
  },
}

for (const [sentence, { world: of, wantState, wantReady }] of Object.entries(cases)) {
  test(sentence, () => {
    const plan = decideWorker(of)
    assert.equal(plan.status?.state ?? 'unwritten', wantState)
    if (wantReady !== undefined) assert.equal(plan.conditions?.find(({ type }) => type === 'Ready')?.status, wantReady)
  })
}

test('a pool counts its workers', () => {
  const workers = [
    aWorker('a').thatIs('Available').build(),
    aWorker('b').thatIs('Busy', { running: 1 }).build(),
    aWorker('c').build(),
    aWorker('d').thatIs('Suspect').build(),
  ]
  const { status, conditions } = decideWorkerPool({ pool: aPool('pool'), workers, dueInMs: 0, making: nothingMade() })
  assert.deepEqual([status?.workers, status?.ready, status?.idle], [4, 2, 1])
  assert.equal(conditions?.[0]?.reason, 'WorkersReady')
})

test('an empty pool says how to fill it', () => {
  const { conditions } = decideWorkerPool({ pool: aPool('pool'), workers: [], dueInMs: 0, making: nothingMade() })
  assert.match(conditions?.[0]?.message ?? '', /start a worker with the join token of Secret mnemos-join-default.pool/)
})
