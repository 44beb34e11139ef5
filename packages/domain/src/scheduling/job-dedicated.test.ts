import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobStatus } from '@mnemos/api'
import { aJob, type JobBuilder, testEpochMs } from '@mnemos/testkit'
import type { ContainerStatus, Pod } from '../workers/cluster-objects.ts'
import { podName, podOfAttempt } from './dedicated-pod.ts'
import { decideJob } from './job.ts'
import type { JobWorld, OwnPods } from './job-world.ts'

const now = testEpochMs + 10_000
const at = (ms: number): string => new Date(ms).toISOString()
const worker = { name: 'default/j-a1', instance: 'uid-j-a1' }
const pending = aJob('j').running('image')
const scheduled = pending.thatIs('Scheduled', { attempt: 1, worker, scheduledAt: at(now - 5000) })
const running = scheduled.thatIs('Running', { startedAt: at(now - 5000) })
const cancelled = (job: JobBuilder): JobBuilder => job.with({ cancel: true })
const heldSince = (ms: number): JobBuilder =>
  scheduled.thatIs('Scheduled', {
    conditions: [
      {
        ...{ type: 'Started', status: 'False', reason: 'ImagePullFailed', message: 'ErrImagePull: no such image' },
        ...{ observedGeneration: 1, lastTransitionTime: at(ms) },
      },
    ],
  })

function aPod(status: Pod['status'], { attempt = 1, isLeaving = false, isRecorded = false } = {}): Pod {
  const name = `j-a${attempt}`
  const leaving = isLeaving ? { deletionTimestamp: at(now) } : {}
  const annotations = isRecorded ? { 'mnemos.dev/logs-recorded': 'true' } : {}
  const metadata = { annotations, name, namespace: 'default', uid: `uid-${name}`, creationTimestamp: at(now - 5000), ...leaving }
  return { apiVersion: 'v1', kind: 'Pod', metadata, ...(status === undefined ? {} : { status }) }
}

const main = (state: ContainerStatus['state']): Pick<NonNullable<Pod['status']>, 'containerStatuses'> => ({
  containerStatuses: [{ name: 'main', ...(state === undefined ? {} : { state }) }],
})
const ended = (exitCode: number, reason: string): Pod['status'] => ({
  phase: 'Failed',
  ...main({ terminated: { exitCode, reason, startedAt: at(now - 5000) } }),
})
const startedAgo = (ms: number): Pod['status'] => ({ phase: 'Running', ...main({ running: { startedAt: at(now - ms) } }) })
const waiting = (reason: string, message: string): Pod['status'] => ({ phase: 'Pending', ...main({ waiting: { reason, message } }) })
const unplaced = (reason: string, message: string): Pod['status'] => ({
  phase: 'Pending',
  conditions: [{ type: 'PodScheduled', status: 'False', reason, message }],
})
const succeeded: Pod['status'] = { phase: 'Succeeded', ...main({ terminated: { exitCode: 0, startedAt: at(now - 500) } }) }

function world(job: JobBuilder, own: Partial<OwnPods> = {}, facts: Partial<JobWorld> = {}): JobWorld {
  return {
    job: job.build(),
    model: undefined,
    modelAllowed: false,
    otherModels: [],
    queueExists: true,
    queueAllowed: true,
    dependencies: [],
    placement: undefined,
    emptyPools: [],
    waiting: { position: 1, capable: 0, connected: 0, engine: undefined, startsPerSecond: 0 },
    worker: 'gone',
    report: undefined,
    strays: [],
    own: {
      pods: [],
      nameIsHeld: false,
      absent: 'unmade',
      refusal: undefined,
      recordsLogs: false,
      sidecar: { missing: 'no sidecar' },
      ...own,
    },
    ...facts,
  }
}
const withPod = (job: JobBuilder, status: Pod['status'], isLeaving = false): JobWorld =>
  world(job, { pods: [aPod(status, { isLeaving })], absent: 'gone' })

interface Want {
  readonly phase?: JobStatus['phase'] | 'unwritten'
  readonly reason?: string
  readonly failure?: string
  readonly says?: RegExp
  readonly creates?: readonly string[]
  readonly removes?: readonly string[]
  readonly nextSeconds?: number
}

const cases: Record<string, readonly [JobWorld, Want]> = {
  'a Job is issued before its pod is made': [world(pending), { phase: 'Scheduled', reason: 'Scheduled', creates: [] }],
  'the pod of an issued attempt is made': [world(scheduled), { phase: 'unwritten', creates: ['j-a1'] }],
  'a pod that was made and is not seen yet is waited for': [
    world(cancelled(scheduled), { absent: 'made' }),
    { phase: 'unwritten', creates: [], nextSeconds: 5 },
  ],
  'a suspended Job is not issued': [world(pending.with({ suspend: true })), { phase: 'Pending', reason: 'Suspended', creates: [] }],
  'a Job without its Queue is not issued': [world(pending, {}, { queueExists: false }), { phase: 'Pending', reason: 'QueueNotFound' }],
  'a Job that waits is cancelled at once': [world(cancelled(pending)), { phase: 'Cancelled', removes: [] }],
  'no attempt is issued while another pod may still run': [
    world(pending.thatIs('Retrying', { attempt: 1 }), { pods: [aPod({ phase: 'Running' })] }),
    { phase: 'unwritten', removes: ['j-a1'] },
  ],
  'the pod of an earlier attempt goes when the next is issued': [
    world(scheduled.thatIs('Scheduled', { attempt: 2 }), { pods: [aPod(ended(1, 'Error'))] }),
    { phase: 'unwritten', creates: ['j-a2'], removes: ['j-a1'] },
  ],
  'where logs are stored, an ended pod stays until its own is': [
    world(scheduled.thatIs('Scheduled', { attempt: 2 }), { pods: [aPod(ended(1, 'Error'))], recordsLogs: true }),
    { phase: 'unwritten', creates: ['j-a2'], removes: [] },
  ],
  'and goes then, also the last one of a Job that has ended': [
    world(running.thatIs('Succeeded'), { pods: [aPod(succeeded, { isRecorded: true })], recordsLogs: true }),
    { phase: 'unwritten', removes: ['j-a1'] },
  ],
  'where nobody stores logs, a mark says nothing': [
    world(running.thatIs('Succeeded'), { pods: [aPod(succeeded, { isRecorded: true })] }),
    { phase: 'unwritten', removes: [] },
  ],
  'the pod of the attempt that is out stays whatever is marked on it': [
    world(scheduled, { pods: [aPod({ phase: 'Pending' }, { isRecorded: true })], recordsLogs: true }),
    { removes: [] },
  ],
  'a name that a Job before it still holds is waited for': [world(scheduled, { nameIsHeld: true }), { phase: 'unwritten', creates: [] }],
  'a refused pod fails the Job for good, in the words of who refused': [
    world(scheduled, { refusal: { message: 'exceeded quota', nameIsTaken: false } }),
    { phase: 'Failed', reason: 'PodRefused', failure: 'BadInput', says: /^The pod was refused: exceeded quota/, creates: [] },
  ],
  "a name that is somebody else's is tried again": [
    world(scheduled, { refusal: { message: 'exists already', nameIsTaken: true } }),
    { phase: 'Scheduled', reason: 'PodRefused', says: /exists already/, creates: ['j-a1'] },
  ],
  'a container that just started is worth no write': [withPod(scheduled, startedAgo(1400)), { phase: 'unwritten', nextSeconds: 0.6 }],
  'one that runs for two seconds, of which one is sure, is Running': [
    withPod(scheduled, startedAgo(2000)),
    { phase: 'Running', reason: 'Running' },
  ],
  'exit code 0 is success': [withPod(scheduled, succeeded), { phase: 'Succeeded', says: /exit code 0/ }],
  'a success that came before the cancel wins': [withPod(cancelled(running), succeeded, true), { phase: 'Succeeded' }],
  'exit code 1 is tried again': [
    withPod(running, ended(1, 'Error')),
    { phase: 'Retrying', reason: 'BackingOff', failure: 'ContainerFailed', says: /exit code 1/, removes: [] },
  ],
  'what used too much memory says so': [withPod(running, ended(137, 'OOMKilled')), { phase: 'Retrying', failure: 'OutOfMemory' }],
  'a pod that was evicted costs no retry': [
    withPod(running, { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' }),
    { phase: 'Retrying', failure: 'NodeLost', says: /low on resource/ },
  ],
  'one that filled its own disk does': [
    withPod(running, { phase: 'Failed', reason: 'Evicted', message: 'Pod ephemeral local storage usage exceeds the total limit' }),
    { phase: 'Retrying', failure: 'DiskFull' },
  ],
  'a pod that made room for another was preempted': [
    withPod(running, {
      ...ended(143, 'Error'),
      conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', message: 'made room' }],
    }),
    { phase: 'Retrying', failure: 'Preempted', says: /made room/ },
  ],
  'a pod that somebody deletes is waited for': [withPod(running, startedAgo(5000), true), { phase: 'unwritten', removes: [] }],
  'once it is gone the attempt is lost': [world(running, { absent: 'gone' }), { phase: 'Retrying', failure: 'NodeLost' }],
  'a new leader finds no pod of an attempt that ran': [world(running), { phase: 'Retrying', failure: 'NodeLost', creates: [] }],
  'the pod of a deleted Job that a finalizer keeps is deleted': [
    withPod(running.deletedAt(now), startedAgo(5000)),
    { phase: 'unwritten', removes: ['j-a1'] },
  ],
  'a cancel deletes the pod first': [withPod(cancelled(running), startedAgo(5000)), { phase: 'unwritten', removes: ['j-a1'] }],
  'and takes effect when it is gone': [world(cancelled(running), { absent: 'gone' }), { phase: 'Cancelled' }],
  'or when it has ended': [withPod(cancelled(running), ended(143, 'Error'), true), { phase: 'Cancelled' }],
  'the run deadline deletes the pod': [
    withPod(running.with({ deadlines: { runSeconds: 5 } }), startedAgo(5000)),
    { phase: 'unwritten', removes: ['j-a1'] },
  ],
  'and fails the Job when it is gone': [
    world(running.with({ deadlines: { runSeconds: 5 } }), { absent: 'gone' }),
    { phase: 'Failed', failure: 'DeadlineExceeded' },
  ],
  'what waits for a node does not run yet': [
    withPod(scheduled.with({ deadlines: { runSeconds: 1 } }), unplaced('Unschedulable', '0/1 nodes')),
    { phase: 'Scheduled', removes: [] },
  ],
  'and is still in the queue': [
    withPod(scheduled.with({ deadlines: { queueSeconds: 10 } }), unplaced('Unschedulable', '0/1 nodes')),
    { phase: 'unwritten', removes: ['j-a1'] },
  ],
  'a pod that no node takes says why': [
    withPod(scheduled, unplaced('Unschedulable', '0/1 nodes')),
    { phase: 'Scheduled', reason: 'PodUnschedulable', says: /^0\/1 nodes$/ },
  ],
  'a pod that is held back says so': [
    withPod(scheduled, unplaced('SchedulingGated', 'gated')),
    { phase: 'Scheduled', reason: 'PodGated', says: /^gated$/ },
  ],
  'an image that cannot be pulled is told of': [
    withPod(scheduled, waiting('ErrImagePull', 'no such image')),
    { phase: 'Scheduled', reason: 'ImagePullFailed', says: /^ErrImagePull: no such image$/, nextSeconds: 60, removes: [] },
  ],
  'for a minute it is waited for': [
    withPod(heldSince(now - 59_000), waiting('ImagePullBackOff', 'Back-off')),
    { phase: 'Scheduled', nextSeconds: 1, removes: [] },
  ],
  'then the pod is given up': [
    withPod(heldSince(now - 60_000), waiting('ImagePullBackOff', 'Back-off')),
    { phase: 'unwritten', removes: ['j-a1'] },
  ],
  'and its cause stays when it is gone, whoever leads': [
    world(heldSince(now - 60_000)),
    { phase: 'Retrying', failure: 'ContainerFailed', says: /ErrImagePull: no such image/, creates: [] },
  ],
  'an image that came after all runs': [withPod(heldSince(now - 70_000), startedAgo(2000)), { phase: 'Running', removes: [] }],
  'a Job that ended keeps its last pod': [withPod(pending.thatIs('Failed', { attempt: 1 }), ended(1, 'Error')), { removes: [] }],
  'but nothing of it runs on': [withPod(pending.thatIs('Failed', { attempt: 1 }), startedAgo(1)), { removes: ['j-a1'] }],
}

for (const [sentence, [of, want]] of Object.entries(cases)) {
  test(sentence, () => {
    const plan = decideJob(of, now)
    if (want.phase !== undefined) assert.equal(plan.status?.phase ?? 'unwritten', want.phase)
    if (want.reason !== undefined) assert.equal(plan.conditions?.[0]?.reason, want.reason)
    if (want.failure !== undefined) assert.equal(plan.status?.failure?.class, want.failure)
    if (want.says !== undefined) assert.match(plan.status?.failure?.message ?? plan.conditions?.[0]?.message ?? '', want.says)
    if (want.creates !== undefined)
      assert.deepEqual(
        (plan.create ?? []).map(({ metadata }) => metadata.name),
        want.creates,
      )
    if (want.removes !== undefined)
      assert.deepEqual(
        plan.remove.map(({ name, uid }) => [name, uid]),
        want.removes.map((name) => [name, `uid-${name}`]),
      )
    if (want.nextSeconds !== undefined) assert.deepEqual(plan.next, { kind: 'after', seconds: want.nextSeconds })
    for (const { type } of plan.effects ?? []) assert.ok(type === 'leaveQueue' || type === 'podMade', 'no worker hears of it')
  })
}

test('a pod has a name of at most 63 characters that follows from Job and attempt', () => {
  const long = aJob('x'.repeat(70)).running('image').build()
  const other = aJob(`${'x'.repeat(69)}y`)
    .running('image')
    .build()
  const names = [podName(long, 1), podName(long, 2), podName(other, 1)]
  assert.equal(new Set(names).size, 3)
  assert.ok(names.every((name) => name.length <= 63))
  assert.equal(podName(aJob('j').running('image').build(), 12), 'j-a12')
})

test('a pod has no credential, no right and no root', () => {
  const job = pending.with({
    container: { image: 'image', env: [{ name: 'A', value: '' }] },
    resources: { requests: { 'nvidia.com/gpu': 1 } },
  })
  const spec = podOfAttempt(job.build(), { image: 'image', env: [{ name: 'A', value: '' }] }, 1).spec
  assert.deepEqual(spec, {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'main',
        image: 'image',
        env: [{ name: 'A', value: '' }],
        resources: { requests: { 'nvidia.com/gpu': '1' }, limits: { 'nvidia.com/gpu': '1' } },
        securityContext: {
          allowPrivilegeEscalation: false,
          runAsNonRoot: true,
          capabilities: { drop: ['ALL'] },
          seccompProfile: { type: 'RuntimeDefault' },
        },
      },
    ],
  })
})

test('a Job is not deleted before the logs of its pods are stored', () => {
  const over = running.with({ ttlSecondsAfterFinished: 1 }).thatIs('Succeeded', { finishedAt: at(now - 5000) })
  const left = (own: Partial<OwnPods>): readonly string[] => decideJob(world(over, own), now).remove.map(({ kind }) => kind)
  assert.deepEqual(left({ pods: [aPod(succeeded)], recordsLogs: true }), [])
  assert.deepEqual(left({ pods: [aPod(succeeded, { isRecorded: true })], recordsLogs: true }), ['Job', 'Pod'])
  assert.deepEqual(left({ pods: [aPod(succeeded)] }), ['Job'])
})

test('the status says where the log of the newest attempt is, where logs are stored', () => {
  assert.equal(decideJob(world(pending, { recordsLogs: true }), now).status?.logs, 'artifact://logs/default/uid-j/a1')
  assert.equal(decideJob(world(pending), now).status?.logs, undefined)
})

test('marks of ours are not the user’s to set', () => {
  const given = { 'mnemos.dev/logs-recorded': 'true', 'mnemos.dev/pool': 'p', team: 'sky' }
  const { metadata } = podOfAttempt(pending.with({ podMetadata: { labels: given, annotations: given } }).build(), { image: 'image' }, 1)
  assert.deepEqual(Object.keys(metadata.annotations ?? {}).sort(), ['kubectl.kubernetes.io/default-container', 'team'])
  assert.equal(metadata.labels?.['mnemos.dev/pool'], undefined)
  assert.equal(metadata.labels?.['team'], 'sky')
})
