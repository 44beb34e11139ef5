import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Job, ModelStatus, Reason, WorkerPool } from '@mnemos/api'
import { aDigest, aJob, aModel, aPool, type ModelBuilder, testEpochMs } from '@mnemos/testkit'
import { decideModel, importJobName, type ModelPlan, type ModelWorld } from './model.ts'
import { ownPoolName, type ServingWorld, servingPoolOf, warmUpJobName } from './model-serving.ts'

const digest = aDigest('bytes')
const at = '2026-01-01T00:00:30Z'
const verifiedFact = {
  type: 'ArtifactVerified',
  status: 'True',
  reason: 'ArtifactVerified',
  message: '',
  observedGeneration: 1,
  lastTransitionTime: at,
} as const
function verified(model: ModelBuilder, status: Partial<ModelStatus> = {}): ModelBuilder {
  return model.thatIsReady(digest).thatIs({ conditions: [verifiedFact], importedBy: importJobName(model.build()), ...status })
}
const byPool = verified(aModel('m').with({ serving: { poolRef: { name: 'gpu' } } }))
const byOwn = verified(aModel('m').with({ serving: { resources: { limits: { 'nvidia.com/gpu': 1 } }, maxReplicas: 2 } }))

function pool(reason: Reason = 'WorkersReady', status: 'True' | 'False' = 'True', name = 'gpu'): WorkerPool {
  const ready = {
    type: 'Ready',
    status,
    reason,
    message: `WorkerPool ${name} says ${reason}.`,
    observedGeneration: 1,
    lastTransitionTime: at,
  }
  const counts = { observedGeneration: 1, replicas: 1, workers: 1, ready: 1, idle: 1 }
  return { ...aPool(name, { external: false }), status: { ...counts, conditions: [ready] } }
}

function world(model: ModelBuilder, serving: Partial<ServingWorld> = {}): ModelWorld {
  const none = { pool: undefined, poolAllowed: true, ownPool: undefined, warmUp: undefined, serverUrl: 'https://server:8080/' }
  return {
    model: model.build(),
    alias: undefined,
    sourceJob: undefined,
    importJob: undefined,
    missedAt: undefined,
    cachedOn: [],
    loadedOn: [],
    violation: undefined,
    dueInMs: 0,
    serving: { ...none, ...serving },
  }
}

const warmUp = (phase: 'Running' | 'Succeeded' | 'Failed', status: Partial<NonNullable<Job['status']>> = {}): Job =>
  aJob('warm').thatIs(phase, status).build()
const answered = { generation: 1, digest, at }

interface Case {
  readonly world: ModelWorld
  readonly wantReady: 'True' | 'False'
  readonly wantReason: Reason
  readonly wantToken: 'True' | 'False'
  readonly wantKstatus: 'Current' | 'InProgress' | 'Failed'
  readonly wantMessage?: RegExp
}

const cases: Record<string, Case> = {
  'a pool that does not exist is waited for': {
    world: world(byPool),
    ...{ wantReady: 'False', wantReason: 'PoolNotFound', wantToken: 'False', wantKstatus: 'InProgress' },
    wantMessage: /WorkerPool gpu; create it, or correct spec\.serving\.poolRef/,
  },
  'a pool that does not let the namespace in says who can change that': {
    world: world(byPool, { pool: pool(), poolAllowed: false }),
    ...{ wantReady: 'False', wantReason: 'PoolNotAllowed', wantToken: 'False', wantKstatus: 'InProgress' },
  },
  'a pool without a worker says why in its own words': {
    world: world(byPool, { pool: pool('PodUnschedulable', 'False') }),
    ...{ wantReady: 'False', wantReason: 'WaitingForPool', wantToken: 'False', wantKstatus: 'InProgress' },
    wantMessage: /WorkerPool gpu says PodUnschedulable/,
  },
  'a worker is there: a Job asks for the first token': {
    world: world(byPool, { pool: pool() }),
    ...{ wantReady: 'False', wantReason: 'WarmingUp', wantToken: 'False', wantKstatus: 'InProgress' },
  },
  'a Job that asks is waited for': {
    world: world(byPool, { pool: pool(), warmUp: warmUp('Running') }),
    ...{ wantReady: 'False', wantReason: 'WarmingUp', wantToken: 'False', wantKstatus: 'InProgress' },
  },
  'a token came out: ready': {
    world: world(byPool, { pool: pool(), warmUp: warmUp('Succeeded', { finishedAt: at }) }),
    ...{ wantReady: 'True', wantReason: 'Serving', wantToken: 'True', wantKstatus: 'Current' },
  },
  'a Job with the name and owner of the warm-up that asked another Model shows nothing': {
    world: world(byPool, {
      pool: pool(),
      warmUp: aJob('warm').asking('small').thatIs('Succeeded', { finishedAt: at }).build(),
    }),
    ...{ wantReady: 'False', wantReason: 'WarmUpFailed', wantToken: 'False', wantKstatus: 'Failed' },
  },
  'no token came out: stalled, with the reason and what to do': {
    world: world(byPool, {
      pool: pool(),
      warmUp: warmUp('Failed', { failure: { class: 'OutOfMemory', reason: 'OutOfMemory', message: 'It does not fit.' } }),
    }),
    ...{ wantReady: 'False', wantReason: 'WarmUpFailed', wantToken: 'False', wantKstatus: 'Failed' },
    wantMessage: /It does not fit\. Delete Job m-warmup-\w+ to try again/,
  },
  'what was shown holds when the Job is gone': {
    world: world(byPool.thatIs({ firstToken: answered }), { pool: pool() }),
    ...{ wantReady: 'True', wantReason: 'Serving', wantToken: 'True', wantKstatus: 'Current' },
  },
  'what was shown of other bytes proves nothing': {
    world: world(byPool.thatIs({ firstToken: { ...answered, digest: aDigest('other') } }), { pool: pool() }),
    ...{ wantReady: 'False', wantReason: 'WarmingUp', wantToken: 'False', wantKstatus: 'InProgress' },
  },
  'what was shown of another generation proves nothing': {
    world: world(byPool.thatIs({ firstToken: { ...answered, generation: 0 } }), { pool: pool() }),
    ...{ wantReady: 'False', wantReason: 'WarmingUp', wantToken: 'False', wantKstatus: 'InProgress' },
  },
  'a pool that is scaled to zero is asleep, and that is as wanted': {
    world: world(byPool, { pool: pool('ScaledToZero') }),
    ...{ wantReady: 'True', wantReason: 'Asleep', wantToken: 'False', wantKstatus: 'Current' },
    wantMessage: /raise its spec\.replicas/,
  },
  'a pool that lost its workers makes the Model unready, and what was shown stays shown': {
    world: world(byPool.thatIs({ firstToken: answered }), { pool: pool('NoWorkers', 'False') }),
    ...{ wantReady: 'False', wantReason: 'WaitingForPool', wantToken: 'True', wantKstatus: 'InProgress' },
  },
}

function kstatus({ conditions = [] }: ModelPlan): string {
  const holds = (type: string): boolean => conditions.some((fact) => fact.type === type && fact.status === 'True')
  return holds('Stalled') ? 'Failed' : holds('Reconciling') ? 'InProgress' : holds('Ready') ? 'Current' : 'unclear'
}

for (const [sentence, { world: of, wantReady, wantReason, wantToken, wantKstatus, wantMessage }] of Object.entries(cases)) {
  test(sentence, () => {
    const plan = decideModel(of, testEpochMs)
    const fact = (type: string) => plan.conditions?.find((each) => each.type === type)
    if (wantMessage !== undefined) assert.match(fact('Ready')?.message ?? '', wantMessage)
    assert.deepEqual([fact('Ready')?.status, fact('Ready')?.reason], [wantReady, wantReason])
    assert.equal(fact('FirstToken')?.status, wantToken)
    assert.equal(fact('ArtifactVerified')?.status, 'True', 'the bytes are what they were')
    assert.equal(kstatus(plan), wantKstatus)
    assert.deepEqual(plan.status?.endpoint, { url: 'https://server:8080/v1/jobs', model: 'm' })
  })
}

test('the warm-up Job belongs to the Model, asks it for one token, and is another for another generation', () => {
  const [job] = decideModel(world(byPool, { pool: pool() }), testEpochMs).create ?? []
  assert.equal(job?.metadata.name, warmUpJobName(byPool.build()))
  assert.equal(job.metadata.ownerReferences?.[0]?.uid, 'uid-m')
  assert.match(JSON.stringify(job), /"maxTokens":1[,}]/)
  const next = { ...byPool.build(), metadata: { ...byPool.build().metadata, generation: 2 } }
  assert.notEqual(warmUpJobName(next), job.metadata.name)
})

test('resources make a pool that the Model owns, and with it the Model comes to rest', () => {
  const first = decideModel(world(byOwn), testEpochMs)
  const [made] = first.apply as WorkerPool[]
  assert.equal(made?.metadata.name, 'm-serving')
  assert.equal(made.metadata.ownerReferences?.[0]?.uid, 'uid-m')
  assert.deepEqual(made.spec.scaling, { minReplicas: 1, maxReplicas: 2 })
  assert.equal(made.spec.replicas, undefined, 'how many there are is left to whoever scales')
  const own = { ...pool('WorkersReady', 'True', 'm-serving'), ...made, status: pool().status } as WorkerPool
  const { apply, create, conditions } = decideModel(world(byOwn.thatIs({ firstToken: answered }), { pool: own, ownPool: own }), testEpochMs)
  assert.deepEqual([apply, create], [[], []])
  assert.equal(conditions?.[0]?.reason, 'Serving')
})

test('a Model that is served no more gives its pool back and names no endpoint', () => {
  const own = aPool('m-serving', { external: false })
  const before = verified(aModel('m'), { endpoint: { url: 'u', model: 'm' }, firstToken: answered })
  const { remove, status } = decideModel(world(before, { ownPool: own }), testEpochMs)
  assert.deepEqual(
    [remove.map(({ name }) => name), status?.endpoint, status?.firstToken, status?.phase],
    [['m-serving'], undefined, undefined, 'Ready'],
  )
})

test('pools are named by what the Model says', () => {
  assert.deepEqual(servingPoolOf(byPool.build()), { namespace: 'default', name: 'gpu' })
  assert.equal(servingPoolOf(aModel('m').build()), undefined)
  const long = aModel('m'.repeat(80)).build()
  assert.ok(ownPoolName(long).length <= 63)
})
