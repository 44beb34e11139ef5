/** What holds for every pool: it comes to rest, it never shrinks before its pods are priced, it forgets nothing and takes nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkerPoolSpec } from '@mnemos/api'
import { aPool, aWorker } from '@mnemos/testkit'
import fc from 'fast-check'
import { poolChildName } from './pool-names.ts'
import { aPod, poolWorld, settled } from './worker-pool.test-kit.ts'
import { decideWorkerPool, deletionCost, scalingOf } from './worker-pool.ts'

const amount = fc.constantFrom<number | string>(1, 4, '1', '1000m', '0.5', '16Gi', '2048Mi')
const resources = fc.record(
  {
    requests: fc.dictionary(fc.constantFrom('cpu', 'memory', 'nvidia.com/gpu'), amount),
    limits: fc.dictionary(fc.constantFrom('cpu', 'memory', 'amd.com/gpu'), amount),
  },
  { requiredKeys: [] },
)
const specs: fc.Arbitrary<Partial<WorkerPoolSpec>> = fc
  .record({
    replicas: fc.integer({ min: 0, max: 6 }),
    slots: fc.integer({ min: 1, max: 4 }),
    network: fc.constantFrom('Closed', 'Sources', 'Open'),
    scaling: fc.option(fc.tuple(fc.nat(5), fc.nat(5)), { nil: undefined }),
    resources: fc.option(resources, { nil: undefined }),
    image: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
  })
  .map(({ scaling, resources: asked, image, ...spec }) => ({
    ...spec,
    ...(scaling === undefined ? {} : { scaling: { minReplicas: Math.min(...scaling), maxReplicas: Math.max(...scaling) } }),
    ...(asked === undefined ? {} : { resources: asked }),
    ...(image === undefined ? {} : { podTemplate: { image } }),
  }))
const pool = (spec: Partial<WorkerPoolSpec>) => aPool('p', { external: false, ...spec })

test('every pool comes to rest, and changing it to any other brings it to rest again', () => {
  fc.assert(
    fc.property(fc.array(specs, { minLength: 1, maxLength: 4 }), fc.boolean(), (edits, isSecured) => {
      let world = poolWorld(pool({}), isSecured ? { authority: 'PEM' } : {})
      for (const spec of edits) {
        world = { ...world, pool: { ...pool(spec), ...(world.pool.status === undefined ? {} : { status: world.pool.status }) } }
        for (let pass = 0; pass < 3; pass += 1) {
          const plan = decideWorkerPool(world)
          world = settled(world, plan)
          if (plan.remove.some(({ kind }) => kind === 'NetworkPolicy'))
            world = { ...world, making: { ...world.making, networkPolicy: undefined } }
        }
        const { apply, remove } = decideWorkerPool(world)
        assert.deepEqual([apply, remove], [[], []])
        assert.equal(world.making.deployment?.spec?.replicas, scalingOf(world.pool).desired)
      }
    }),
  )
})

test('a Deployment never shrinks before every pod says what it would cost to lose it', () => {
  const aWorkerPod = fc.record({ jobs: fc.nat(3), cost: fc.constantFrom(undefined, '0', '100', '200') })
  fc.assert(
    fc.property(fc.array(aWorkerPod, { minLength: 1, maxLength: 6 }), fc.nat(5), (given, replicas) => {
      const full = poolWorld(pool({ replicas: given.length }))
      const world = settled(full, decideWorkerPool(full))
      const pods = given.map(({ cost }, index) => aPod(`w${index}`, {}, cost === undefined ? {} : { [deletionCost]: cost }))
      const running = new Map(given.map(({ jobs }, index) => [`w${index}`, jobs]))
      const { apply } = decideWorkerPool({ ...world, pool: pool({ replicas }), making: { ...world.making, pods, running } })
      if (replicas >= given.length) return
      assert.equal(apply.at(-1)?.kind, 'Deployment')
      const priced = new Map(apply.slice(0, -1).map(({ metadata }) => [metadata.name, metadata.annotations?.[deletionCost]]))
      for (const [index, { jobs, cost }] of given.entries()) assert.equal(Number(priced.get(`w${index}`) ?? cost ?? '0'), 100 * jobs)
    }),
  )
})

test('no Worker is removed whose pod is there, or that is on the line', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ hasPod: fc.boolean(), isConnected: fc.boolean() }), { maxLength: 8 }), (given) => {
      const names = given.map((_each, index) => `w${index}`)
      const pods = names.filter((_name, index) => given[index]?.hasPod).map((name) => aPod(name))
      const connected = new Set(names.filter((_name, index) => given[index]?.isConnected))
      const workers = names.map((name) => aWorker(name).inPool('p').build())
      const removed = decideWorkerPool({ ...poolWorld(pool({}), { pods, connected }), workers }).remove.map(({ name }) => name)
      assert.deepEqual(
        removed,
        names.filter((_name, index) => given[index]?.hasPod === false && !given[index].isConnected),
      )
    }),
  )
})

test('two pools never share a name for their children', () => {
  const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9.]{0,60}[a-z0-9])?$/)
  fc.assert(
    fc.property(name, name, (a, b) => {
      assert.ok(poolChildName(a).length <= 46)
      if (a !== b) assert.notEqual(poolChildName(a), poolChildName(b))
    }),
  )
})
