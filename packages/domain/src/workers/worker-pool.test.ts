import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reason, WorkerPoolSpec } from '@mnemos/api'
import { aPool, aWorker } from '@mnemos/testkit'
import type { ConfigMap, Deployment, Pod } from './cluster-objects.ts'
import { poolChildName } from './pool-names.ts'
import { aPod, applied, nothingMade, podSettings, poolWorld, settled } from './worker-pool.test-kit.ts'
import { decideWorkerPool, deletionCost, scalingOf, type WorkerPoolWorld } from './worker-pool.ts'

const making = (spec: Partial<WorkerPoolSpec> = {}) => aPool('gpu', { external: false, ...spec })
const kindsOf = (world: WorkerPoolWorld): string[] => decideWorkerPool(world).apply.map(({ kind }) => kind)
type Container = { image: string; env: { name: string; value?: string }[]; resources: object }
type WithTemplate = Deployment & {
  spec: { strategy: { rollingUpdate: object }; template: { spec: { containers: [Container] } & Record<string, unknown> } }
}
function deploymentOf(world: WorkerPoolWorld): WithTemplate {
  const found = applied(decideWorkerPool(world), 'Deployment') as WithTemplate | undefined
  assert.ok(found)
  return found
}
const containerOf = (world: WorkerPoolWorld): Container => deploymentOf(world).spec.template.spec.containers[0]
const environment = (world: WorkerPoolWorld): Record<string, string | undefined> =>
  Object.fromEntries(containerOf(world).env.map(({ name, value }) => [name, value]))

test('a pool becomes an account, a wall and a Deployment, in this order', () => {
  assert.deepEqual(kindsOf(poolWorld(making())), ['ServiceAccount', 'NetworkPolicy', 'Deployment'])
})

test('everything has the pool as its controller', () => {
  for (const { metadata } of decideWorkerPool(poolWorld(making())).apply) {
    assert.equal(metadata.name, 'mnemos-gpu')
    assert.deepEqual(
      metadata.ownerReferences?.map(({ uid, controller }) => [uid, controller]),
      [['uid-gpu', true]],
    )
  }
})

test('an authority is published before the pods that trust it, and shared with whoever needs it, too', () => {
  const other = { apiVersion: 'v1', kind: 'X', name: 'other', uid: 'a-first' }
  const configMap: ConfigMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'mnemos-ca', namespace: 'default', ownerReferences: [other] },
    data: { 'ca.crt': 'old' },
  }
  const world = poolWorld(making(), { authority: 'PEM', configMap })
  assert.deepEqual(kindsOf(world), ['ServiceAccount', 'ConfigMap', 'NetworkPolicy', 'Deployment'])
  const map = applied(decideWorkerPool(world), 'ConfigMap') as ConfigMap | undefined
  assert.deepEqual([map?.metadata.ownerReferences?.map(({ uid }) => uid), map?.data], [['a-first', 'uid-gpu'], { 'ca.crt': 'PEM' }])
  assert.equal(environment(world)['MNEMOS_WORKER_CA_FILE'], '/etc/mnemos/ca/ca.crt')
  assert.equal(environment(poolWorld(making()))['MNEMOS_WORKER_CA_FILE'], undefined)
})

for (const [sentence, spec] of Object.entries({
  'a plain pool': {},
  'a pool with devices': { resources: { requests: { cpu: 0.5, memory: '1024Mi' }, limits: { 'nvidia.com/gpu': 1 } } },
  'a pool scaled to zero': { replicas: 0 },
  'an open pool': { network: 'Open' as const },
})) {
  test(`${sentence} comes to rest: once all is there, nothing is written`, () => {
    const worker = (index: number) => aWorker(`mnemos-gpu-${index}`).inPool('gpu').thatIs('Available').build()
    const workers = Array.from({ length: making(spec).spec.replicas }, (_each, index) => worker(index))
    let world: WorkerPoolWorld = { ...poolWorld(making(spec), { authority: 'PEM' }), workers }
    for (let pass = 0; pass < 3; pass += 1) world = settled(world, decideWorkerPool(world))
    const { apply, remove, status, conditions } = decideWorkerPool(world)
    assert.deepEqual([apply, remove], [[], []])
    assert.deepEqual(
      conditions?.map(({ type, status: is }) => [type, is]),
      [['Ready', 'True']],
    )
    assert.equal(status?.ready, workers.length)
  })
}

test('an amount that the API server writes its own way is no change, one by another hand is', () => {
  const world = poolWorld(making({ resources: { requests: { cpu: '1000m', memory: '2048Mi' } } }))
  const deployment = deploymentOf(world)
  const stored = JSON.parse(JSON.stringify(deployment).replaceAll('"1000m"', '"1"').replaceAll('"2048Mi"', '"2Gi"')) as Deployment
  const kinds = (found: Deployment): string[] => kindsOf({ ...world, making: { ...world.making, deployment: found } })
  assert.ok(!kinds(stored).includes('Deployment'))
  assert.ok(kinds({ ...stored, spec: { ...stored.spec, replicas: 9 } }).includes('Deployment'))
})

test('a worker with a device gets the image for devices, the device as a limit, and a rollout that needs no spare one', () => {
  const world = poolWorld(making({ resources: { requests: { cpu: 4, 'amd.com/gpu': 1 } } }))
  assert.equal(containerOf(world).image, 'mnemos-worker-gpu:1')
  assert.deepEqual(containerOf(world).resources, { requests: { cpu: '4', 'amd.com/gpu': '1' }, limits: { 'amd.com/gpu': '1' } })
  assert.deepEqual(deploymentOf(world).spec.strategy.rollingUpdate, { maxSurge: 0, maxUnavailable: 1 })
  assert.equal(containerOf(poolWorld(making())).image, 'mnemos-worker:1')
})

test('a claim is made by the pod and used by the worker', () => {
  const world = poolWorld(making({ resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'one' }] }))
  assert.deepEqual(deploymentOf(world).spec.template.spec['resourceClaims'], [{ name: 'gpu', resourceClaimTemplateName: 'one' }])
  assert.deepEqual(containerOf(world).resources, { requests: { cpu: '500m', memory: '1Gi' }, claims: [{ name: 'gpu' }] })
})

test('the environment ties a worker to its pool, whatever the overlay says, and takes the rest from it', () => {
  const env = [
    { name: 'MNEMOS_WORKER_POOL', value: 'other/pool' },
    { name: 'MNEMOS_WORKER_FILE_ROOT', value: '/mine' },
    { name: 'MNEMOS_WORKER_ENGINE_THREADS', value: '4' },
  ]
  const settings = { ...podSettings, fileRoot: '/models' }
  const found = environment(poolWorld(making({ podTemplate: { env } }), { settings }))
  assert.equal(found['MNEMOS_WORKER_POOL'], 'default/gpu')
  assert.equal(found['MNEMOS_WORKER_FILE_ROOT'], '/mine')
  assert.equal(found['MNEMOS_WORKER_ENGINE_THREADS'], '4')
  assert.equal(found['MNEMOS_WORKER_GRACE_MS'], '590000')
  assert.equal(environment(poolWorld(making(), { settings }))['MNEMOS_WORKER_FILE_ROOT'], '/models')
})

test('nothing comes in, and out only what the pool allows', () => {
  const egressOf = (network: WorkerPoolSpec['network']): readonly object[] => {
    const policy = applied(decideWorkerPool(poolWorld(making({ network }))), 'NetworkPolicy')
    return (policy?.['spec'] as { egress: readonly object[] } | undefined)?.egress ?? []
  }
  assert.equal(egressOf('Closed').length, 2)
  assert.match(JSON.stringify(egressOf('Sources')[2]), /"port":443/)
  assert.deepEqual(egressOf('Open'), [])
  const before = settled(poolWorld(making()), decideWorkerPool(poolWorld(making())))
  const { remove } = decideWorkerPool({ ...before, pool: making({ network: 'Open' }) })
  assert.deepEqual(
    remove.map(({ kind }) => kind),
    ['NetworkPolicy'],
  )
})

test('scaling bounds what replicas asks for, and says so', () => {
  const decided = (replicas: number, minReplicas: number, maxReplicas: number) =>
    scalingOf(making({ replicas, scaling: { minReplicas, maxReplicas } }))
  assert.equal(decided(5, 1, 3).desired, 3)
  assert.match(decided(5, 1, 3).reason, /maxReplicas allows 3/)
  assert.equal(decided(0, 2, 3).desired, 2)
  assert.equal(decided(2, 1, 3).desired, 2)
})

test('before a pool gets smaller, busy pods are made dear and idle ones cheap again', () => {
  const three = poolWorld(making({ replicas: 3 }))
  const world = settled(three, decideWorkerPool(three))
  const pods = [aPod('a'), aPod('b', {}, { [deletionCost]: '100' }), aPod('c', {}, { [deletionCost]: '100' })]
  const running = new Map([
    ['a', 2],
    ['c', 1],
  ])
  const { apply } = decideWorkerPool({ ...world, pool: making({ replicas: 1 }), making: { ...world.making, pods, running } })
  assert.deepEqual(
    apply.map(({ kind, metadata }) => [kind, metadata.name, metadata.annotations?.[deletionCost]]),
    [
      ['Pod', 'a', '200'],
      ['Pod', 'b', '0'],
      ['Deployment', 'mnemos-gpu', undefined],
    ],
  )
  assert.ok(
    apply.every(({ kind, metadata }) => kind !== 'Pod' || metadata.uid !== undefined),
    'no pod is made by this',
  )
})

test('a Worker whose pod is gone for good is removed; one that is connected is not', () => {
  const workers = ['here', 'gone', 'connected'].map((name) => aWorker(name).inPool('gpu').build())
  const world = { ...poolWorld(making(), { pods: [aPod('here')], connected: new Set(['connected']) }), workers }
  assert.deepEqual(
    decideWorkerPool(world).remove.map(({ kind, name }) => [kind, name]),
    [['Worker', 'gone']],
  )
  assert.deepEqual(decideWorkerPool({ ...world, pool: aPool('gpu') }).remove, [], 'an external worker comes back')
})

test('a pool that becomes external gives back what it made', () => {
  const before = settled(poolWorld(making()), decideWorkerPool(poolWorld(making())))
  const { apply, remove } = decideWorkerPool({ ...before, pool: aPool('gpu') })
  assert.deepEqual([apply, remove.map(({ kind }) => kind)], [[], ['Deployment', 'NetworkPolicy', 'ServiceAccount']])
})

test('no pods are made that would not know whom to trust', () => {
  const settings = { ...podSettings, needsAuthority: true }
  const { apply, conditions } = decideWorkerPool(poolWorld(making(), { settings }))
  assert.deepEqual([apply, conditions?.[1]?.type], [[], 'Reconciling'])
  assert.ok(kindsOf(poolWorld(making(), { settings, authority: 'PEM' })).includes('Deployment'))
})

test('without an image nothing is made, and the pool says which setting is missing', () => {
  const world = poolWorld(making(), { settings: { ...podSettings, workerImage: undefined, gpuWorkerImage: undefined } })
  const { apply, conditions } = decideWorkerPool(world)
  assert.deepEqual([apply, conditions?.map(({ type }) => type)], [[], ['Ready', 'Stalled']])
  assert.match(conditions?.[0]?.message ?? '', /MNEMOS_WORKER_IMAGE/)
})

const waiting = (reason: string, message = ''): Pod['status'] => ({
  phase: 'Pending',
  containerStatuses: [{ name: 'worker', state: { waiting: { reason, message } } }],
})
const insufficient = '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.'
const troubles: Record<string, { status: Pod['status']; wantReason: Reason; wantMessage: RegExp }> = {
  'a pod that no node can take': {
    status: { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: insufficient }] },
    wantReason: 'PodUnschedulable',
    wantMessage: /^WorkerPool gpu has no ready worker: 0\/1 nodes are available: 1 Insufficient nvidia\.com\/gpu; free or add such a node/,
  },
  'an image that cannot be pulled': {
    status: waiting('ImagePullBackOff', 'Back-off pulling image "mnemos-worker:1"'),
    wantReason: 'ImagePullFailed',
    wantMessage: /Back-off pulling image "mnemos-worker:1"; correct the image/,
  },
  'a container that cannot be created': {
    status: waiting('CreateContainerConfigError', 'configmap "mnemos-ca" not found'),
    wantReason: 'PodNotStarting',
    wantMessage: /configmap "mnemos-ca" not found; see kubectl describe pod p/,
  },
  'a worker that crashes': {
    status: {
      containerStatuses: [
        {
          name: 'worker',
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: { terminated: { exitCode: 1, reason: 'Error', message: 'starting\nno such engine\n' } },
        },
      ],
    },
    wantReason: 'WorkerCrashing',
    wantMessage: /exit code 1\): no such engine; see kubectl logs p --previous/,
  },
  'a pod that only takes its time': {
    status: waiting('ContainerCreating'),
    wantReason: 'NoWorkers',
    wantMessage: /1 of its pods are starting/,
  },
}

for (const [sentence, { status, wantReason, wantMessage }] of Object.entries(troubles)) {
  test(`${sentence} is said in the words of whoever said it, with the next step`, () => {
    const { conditions } = decideWorkerPool(poolWorld(making(), { pods: [aPod('p', status)] }))
    const [ready, rollout] = conditions ?? []
    assert.match(ready?.message ?? '', wantMessage)
    assert.deepEqual([ready?.type, ready?.reason, rollout?.type], ['Ready', wantReason, 'Reconciling'])
  })
}

test('pods that admission refuses are said, and a Deployment that gave up is stalled', () => {
  const world = poolWorld(making())
  const message = 'pods "mnemos-gpu-1" is forbidden: exceeded quota: gpus'
  const conditions = [
    { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message },
    { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' },
  ]
  const made = settled(world, decideWorkerPool(world))
  const deployment: Deployment = { ...(made.making.deployment ?? assert.fail()), status: { replicas: 0, conditions } }
  const plan = decideWorkerPool({ ...made, making: { ...made.making, deployment, pods: [] } })
  const said = (plan.conditions ?? []).map((each) => [each.type, each.reason, each.message.includes(message)])
  assert.deepEqual(said, [
    ['Ready', 'PodRefused', true],
    ['Stalled', 'PodRefused', true],
  ])
})

test('what the API server refuses altogether is said, too, and is for a person', () => {
  const { conditions } = decideWorkerPool(poolWorld(making(), { refusal: 'Deployment.apps "mnemos-gpu" is invalid: bad toleration' }))
  assert.deepEqual(
    (conditions ?? []).map(({ type, reason }) => [type, reason]),
    [
      ['Ready', 'PodRefused'],
      ['Stalled', 'PodRefused'],
    ],
  )
})

test('counts alone wait for their time; a worker that became ready does not', () => {
  const world = poolWorld(making(), nothingMade())
  const known = settled(world, decideWorkerPool(world))
  const quiet = { ...known, dueInMs: 3000 }
  assert.equal(decideWorkerPool(settled(known, decideWorkerPool(known))).status?.ready, 0)
  const again = settled(known, decideWorkerPool(known))
  assert.deepEqual(decideWorkerPool({ ...again, dueInMs: 3000 }).next, { kind: 'after', seconds: 3 })
  const workers = [aWorker('mnemos-gpu-0').inPool('gpu').thatIs('Available').build()]
  assert.equal(decideWorkerPool({ ...quiet, workers }).status?.ready, 1)
})

test('names fit, stay apart and never hold a dot', () => {
  const long = 'a'.repeat(80)
  for (const name of ['gpu', 'a.b', long, `${long}b`, 'x'.repeat(39)]) {
    assert.ok(poolChildName(name).length <= 46, poolChildName(name))
    assert.match(poolChildName(name), /^mnemos-[a-z0-9-]*[a-z0-9]$/)
  }
  assert.equal(new Set(['a.b', 'a-b', long, `${long}b`].map(poolChildName)).size, 4)
})
