import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Condition, JobStatus, Reason } from '@mnemos/api'
import { aDigest, aJob, aModel, type JobBuilder, testEpochMs } from '@mnemos/testkit'
import { decideJob } from './job.ts'
import type { JobPlan } from './job-status.ts'
import type { AttemptEnd, JobEffect, JobWorld } from './job-world.ts'

const now = testEpochMs + 10_000
const at = (ms: number): string => new Date(ms).toISOString()
const worker = { name: 'default/w', instance: 'i1' }

function world(job: JobBuilder, facts: Partial<JobWorld> = {}): JobWorld {
  return {
    job: job.build(),
    model: aModel('m').thatIsReady().build(),
    modelAllowed: true,
    otherModels: [],
    queueExists: true,
    queueAllowed: true,
    dependencies: [],
    placement: undefined,
    emptyPools: [],
    waiting: { position: 1, capable: 1, connected: 1, engine: 'llama-cpp', startsPerSecond: 0 },
    worker: 'has',
    report: undefined,
    strays: [],
    ...facts,
  }
}

const busyReasons = ['needs a Worker with engine llama-cpp with a free slot; all 3 that could run it are busy']
const busy = { position: 1, capable: 3, connected: 3, engine: 'llama-cpp', startsPerSecond: 0 }
const pending = aJob('j')
const scheduled = aJob('j').thatIs('Scheduled', { attempt: 1, worker, scheduledAt: at(now - 500) })
const running = scheduled.thatIs('Running', { startedAt: at(now - 5000) })
const retrying = aJob('j').thatIs('Retrying', {
  attempt: 1,
  failures: 1,
  worker,
  retryAt: at(now + 2000),
  attempts: [{ attempt: 1, outcome: 'EngineCrashed', endedAt: at(now - 100) }],
})
const success: AttemptEnd = {
  type: 'succeeded',
  uri: 'artifact://outputs/default/uid-j/a1/result.json',
  sha256: 'a'.repeat(64),
  sizeBytes: 2,
  inline: '{}',
  usage: { promptTokens: 1, completionTokens: 2, durationMs: 3 },
}
const failure = (failureClass: 'EngineCrashed' | 'BadInput' | 'Preempted'): AttemptEnd => ({
  type: 'failed',
  class: failureClass,
  reason: 'Why',
  message: 'It broke.',
  hint: undefined,
})

interface Case {
  readonly world: JobWorld
  readonly wantPhase?: JobStatus['phase'] | 'unwritten'
  readonly wantReason?: Reason
  readonly wantMessage?: RegExp
  readonly wantStatus?: Partial<JobStatus>
  readonly wantEffects?: readonly (JobEffect['type'] | `${JobEffect['type']} ${string}`)[]
  readonly wantNextSeconds?: number
  readonly wantRemoved?: true
}

const cases: Record<string, Case> = {
  'a fresh Job gets in line and writes nothing': {
    world: world(pending.createdAt(now)),
    wantPhase: 'unwritten',
    wantEffects: ['queue'],
    wantNextSeconds: 2,
  },
  'a Job with a slot gets its first attempt, and the worker hears of it after the write': {
    world: world(pending, { placement: worker }),
    wantPhase: 'Scheduled',
    wantStatus: { attempt: 1, worker, scheduledAt: at(now) },
    wantEffects: ['assign'],
  },
  'a Job without any worker says so after a while': {
    world: world(pending, { waiting: { position: 1, capable: 0, connected: 0, engine: 'llama-cpp', startsPerSecond: 0 } }),
    wantPhase: 'Pending',
    wantReason: 'NoWorker',
    wantMessage: /needs a Worker with engine llama-cpp; none that takes work is connected/,
    wantEffects: ['queue'],
  },
  'a Job for a pool whose pods do not start says what that pool says': {
    world: world(pending, {
      waiting: { position: 1, capable: 0, connected: 3, engine: 'llama-cpp', startsPerSecond: 0 },
      emptyPools: ['WorkerPool gpu has no ready worker: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu; free or add such a node.'],
    }),
    wantPhase: 'Pending',
    wantReason: 'NoWorker',
    wantMessage: /^WorkerPool gpu has no ready worker: 0\/1 nodes are available: 1 Insufficient nvidia\.com\/gpu/,
    wantEffects: ['queue'],
  },
  'a Job near the front says that all workers are busy, and where it stands': {
    world: world(pending, { waiting: { ...busy, position: 7 } }),
    wantPhase: 'Pending',
    wantReason: 'WorkersBusy',
    wantStatus: {
      queue: { position: 7, reasons: busyReasons },
    },
  },
  'a Job that the line will have brought to its front soon writes nothing': {
    world: world(pending.createdAt(now - 60_000), { waiting: { ...busy, position: 50, startsPerSecond: 2 } }),
    wantPhase: 'unwritten',
    wantNextSeconds: 10,
  },
  'nor does one far back in a line that moves fast': {
    world: world(pending.createdAt(now - 60_000), { waiting: { ...busy, position: undefined, startsPerSecond: 50 } }),
    wantPhase: 'unwritten',
    wantNextSeconds: 10,
  },
  'a Job in a line that moves slowly says when its turn will come': {
    world: world(pending, { waiting: { ...busy, position: 60, startsPerSecond: 0.5 } }),
    wantReason: 'WorkersBusy',
    wantStatus: { queue: { reasons: busyReasons, position: 60, startEta: at(now + 120_000) } },
  },
  'an estimate is kept while the place is the same, so that it costs no write': {
    world: world(pending.thatIs('Pending', { queue: { position: 60, reasons: [], startEta: '2026-01-01T01:00:00Z' } }), {
      waiting: { ...busy, position: 60, startsPerSecond: 0.5 },
    }),
    wantStatus: { queue: { reasons: busyReasons, position: 60, startEta: '2026-01-01T01:00:00Z' } },
  },
  'a Job far back in a line that moves slowly says so, without a place': {
    world: world(pending.createdAt(now - 60_000), { waiting: { ...busy, position: undefined, startsPerSecond: 1 } }),
    wantReason: 'WorkersBusy',
    wantStatus: { queue: { reasons: busyReasons } },
  },
  'a missing Model is named with the likely one': {
    world: world(pending.asking('smol'), { model: undefined, modelAllowed: false, otherModels: ['llama', 'smollm'] }),
    wantPhase: 'Pending',
    wantReason: 'ModelNotFound',
    wantMessage: /no Model smol in namespace default; did you mean smollm\?/,
    wantEffects: ['leaveQueue'],
  },
  'a Model that is closed to the namespace holds the Job': {
    world: world(pending, { modelAllowed: false }),
    wantReason: 'ModelNotAllowed',
  },
  'a Model that is not verified yet holds the Job': {
    world: world(pending, { model: aModel('m').build() }),
    wantReason: 'ModelNotReady',
  },
  'a Queue that is closed to the namespace holds the Job': {
    world: world(pending, { queueAllowed: false }),
    wantReason: 'QueueNotAllowed',
    wantMessage: /Queue default does not take Jobs of namespace default; set spec\.queue to another/,
  },
  'a Queue that does not exist holds the Job': { world: world(pending, { queueExists: false }), wantReason: 'QueueNotFound' },
  'a suspended Job is held even with a slot': {
    world: world(pending.with({ suspend: true }), { placement: worker }),
    wantReason: 'Suspended',
    wantEffects: ['leaveQueue'],
  },
  'a Job waits for those it depends on, also for one that does not exist yet': {
    world: world(pending, {
      dependencies: [
        { name: 'a', job: undefined },
        { name: 'b', job: aJob('b').thatIs('Succeeded').build() },
      ],
    }),
    wantReason: 'WaitingForDependencies',
    wantMessage: /a \(does not exist\)/,
  },
  'a Job fails when one that it depends on was cancelled': {
    world: world(pending, { dependencies: [{ name: 'a', job: aJob('a').thatIs('Cancelled').build() }] }),
    wantPhase: 'Failed',
    wantReason: 'DependencyFailed',
  },
  'the queue deadline fails a Job that never started': {
    world: world(pending.with({ deadlines: { queueSeconds: 5 } })),
    wantPhase: 'Failed',
    wantReason: 'DeadlineExceeded',
  },
  'the queue deadline says nothing about later attempts': {
    world: world(retrying.with({ deadlines: { queueSeconds: 5 } })),
    wantPhase: 'unwritten',
  },
  'a Job that is cancelled while it waits ends at once': {
    world: world(pending.with({ cancel: true })),
    wantPhase: 'Cancelled',
    wantEffects: ['leaveQueue'],
  },
  'a Job that backs off waits out its pause': {
    world: world(retrying),
    wantPhase: 'unwritten',
    wantNextSeconds: 2,
    wantEffects: ['leaveQueue'],
  },
  'a pause that is over lets the next attempt start': {
    world: world(retrying.thatIs('Retrying', { retryAt: at(now - 1) }), { placement: { name: 'default/v', instance: 'i2' } }),
    wantPhase: 'Scheduled',
    wantStatus: { attempt: 2, worker: { name: 'default/v', instance: 'i2' } },
  },
  'an attempt that its worker lacks goes back in line when its Model is gone': {
    world: world(scheduled, { worker: 'lacks', model: undefined }),
    wantPhase: 'Retrying',
    wantMessage: /Model m was deleted or changed before the worker had the attempt/,
  },
  'an attempt that its worker lacks goes back in line when its alias was moved meanwhile: it has its bytes for good': {
    world: world(scheduled.thatIs('Scheduled', { model: { name: 'm', namespace: 'default', digest: aDigest('before') } }), {
      worker: 'lacks',
    }),
    wantPhase: 'Retrying',
    wantStatus: { failures: 0 },
  },
  'an attempt is issued with the Model that it is given': {
    world: world(pending, { placement: worker }),
    wantPhase: 'Scheduled',
    wantStatus: { model: { name: 'm', namespace: 'default', digest: aDigest() } },
    wantEffects: ['assign'],
  },
  'of an alias the attempt says where it led': {
    world: world(retrying.thatIs('Retrying', { retryAt: at(now - 1) }), {
      placement: worker,
      model: aModel('m').from('model://m-2').thatIsReady(aDigest('second')).thatIs({ target: 'm-2' }).build(),
    }),
    wantPhase: 'Scheduled',
    wantStatus: { attempt: 2, model: { name: 'm', namespace: 'default', digest: aDigest('second'), target: 'm-2' } },
    wantEffects: ['assign'],
  },
  'an import has no Model': {
    world: world(aJob('j').importing('https://models.example/m.gguf'), { placement: worker, model: undefined }),
    wantPhase: 'Scheduled',
    wantStatus: { model: undefined },
    wantEffects: ['assign'],
  },
  'an import of an output that nobody gave a key fails': {
    world: world(aJob('j').importing('job://train/model'), { placement: worker, model: undefined }),
    wantPhase: 'Failed',
    wantReason: 'BadInput',
    wantMessage: /needs parameters\.key/,
    wantEffects: ['leaveQueue'],
  },
  'a Job that asks an alias without bytes is told where to look': {
    world: world(pending.createdAt(now - 9000), { model: aModel('m').from('model://m-2').build() }),
    wantPhase: 'Pending',
    wantReason: 'ModelNotReady',
    wantMessage: /waits for Model m: it is an alias that leads to no verified bytes, see its conditions/,
    wantEffects: ['leaveQueue'],
  },
  'an attempt that its worker lacks is handed over again': {
    world: world(scheduled, { worker: 'lacks' }),
    wantEffects: ['assign'],
    wantPhase: 'unwritten',
  },
  'an attempt that its worker has is left alone': { world: world(scheduled), wantEffects: [], wantPhase: 'unwritten' },
  'a start is not written before it is a second old': {
    world: world(scheduled, { report: { startedAt: now - 400 } }),
    wantPhase: 'unwritten',
    wantNextSeconds: 0.6,
  },
  'what still runs after a second is Running, with its progress': {
    world: world(scheduled, {
      report: { startedAt: now - 1000, progress: { percent: 40, tokens: 9, bytes: 0, totalBytes: 0, message: '' } },
    }),
    wantPhase: 'Running',
    wantStatus: { startedAt: at(now - 1000), progress: { percent: 40, tokens: 9 } },
  },
  'a result that comes before Running was written needs no other write': {
    world: world(scheduled, { report: { startedAt: now - 100, end: success } }),
    wantPhase: 'Succeeded',
    wantEffects: ['answer committed'],
    wantStatus: { finishedAt: at(now), startedAt: at(now - 100), usage: success.usage },
  },
  'a result that comes before the cancel was obeyed wins': {
    world: world(running.with({ cancel: true }), { report: { startedAt: now - 5000, end: success } }),
    wantPhase: 'Succeeded',
  },
  'a result from a worker that has gone since wins': {
    world: world(running, { worker: 'gone', report: { end: success } }),
    wantPhase: 'Succeeded',
  },
  'a cancel asks the worker to stop and writes nothing yet': {
    world: world(running.with({ cancel: true })),
    wantPhase: 'unwritten',
    wantEffects: ['stop cancelled'],
  },
  'a deleted Job that a finalizer keeps is stopped as though it were cancelled': {
    world: world(running.deletedAt(now)),
    wantPhase: 'unwritten',
    wantEffects: ['stop cancelled'],
  },
  'a deleted Job that a finalizer keeps is not started': { world: world(pending.deletedAt(now)), wantPhase: 'Cancelled' },
  'a cancelled attempt that was let go is Cancelled': {
    world: world(running.with({ cancel: true }), { report: { end: { type: 'released', reason: '' } } }),
    wantPhase: 'Cancelled',
    wantEffects: ['answer committed'],
  },
  'a cancel waits for a silent worker': { world: world(running.with({ cancel: true }), { worker: 'silent' }), wantPhase: 'unwritten' },
  'a cancel does not wait for a worker that is gone': {
    world: world(running.with({ cancel: true }), { worker: 'gone' }),
    wantPhase: 'Cancelled',
  },
  'the run deadline asks the worker to stop': {
    world: world(running.with({ deadlines: { runSeconds: 5 } }), { report: { startedAt: now - 5000 } }),
    wantPhase: 'unwritten',
    wantEffects: ['stop deadline'],
  },
  'an attempt stopped by its deadline fails the Job': {
    world: world(running.with({ deadlines: { runSeconds: 5 } }), { report: { startedAt: now - 5000, end: { type: 'cancelled' } } }),
    wantPhase: 'Failed',
    wantReason: 'DeadlineExceeded',
    wantStatus: { failures: 1 },
  },
  'a deadline wakes the Job in time': {
    world: world(scheduled.with({ deadlines: { runSeconds: 2 } })),
    wantPhase: 'unwritten',
    wantNextSeconds: 1.5,
  },
  'a failed attempt is tried again after a pause': {
    world: world(running, { report: { end: failure('EngineCrashed') } }),
    wantPhase: 'Retrying',
    wantReason: 'BackingOff',
    wantStatus: { failures: 1 },
  },
  'a preempted attempt is tried again at once and costs no retry': {
    world: world(running, { report: { end: failure('Preempted') } }),
    wantPhase: 'Retrying',
    wantStatus: { failures: 0, retryAt: undefined },
  },
  'an attempt that the worker handed back costs no retry': {
    world: world(running, { report: { end: { type: 'released', reason: 'draining' } } }),
    wantPhase: 'Retrying',
    wantStatus: { failures: 0 },
  },
  'a lost worker costs no retry': {
    world: world(running, { worker: 'gone' }),
    wantPhase: 'Retrying',
    wantStatus: { failures: 0, retryAt: undefined },
    wantMessage: /NodeLost/,
  },
  'bad input is never tried again': {
    world: world(running, { report: { end: failure('BadInput') } }),
    wantPhase: 'Failed',
    wantReason: 'BadInput',
  },
  'spent retries are a dead letter': {
    world: world(running.thatIs('Running', { failures: 3 }), { report: { end: failure('EngineCrashed') } }),
    wantPhase: 'Failed',
    wantReason: 'RetriesExhausted',
    wantStatus: { failures: 4 },
  },
  'no retries means one attempt': {
    world: world(running.with({ retry: { limit: 0 } }), { report: { end: failure('EngineCrashed') } }),
    wantPhase: 'Failed',
  },
  'a late success of an attempt that was given up is refused': {
    world: world(retrying, { report: { end: success } }),
    wantPhase: 'unwritten',
    wantEffects: ['leaveQueue', 'answer superseded'],
  },
  'a committed result that is told again is acknowledged again': {
    world: world(scheduled.thatIs('Succeeded'), { report: { end: success } }),
    wantEffects: ['leaveQueue', 'answer committed'],
    wantPhase: 'unwritten',
  },
  'a success that comes after Cancelled is refused': {
    world: world(scheduled.thatIs('Cancelled'), { report: { end: success } }),
    wantEffects: ['leaveQueue', 'answer superseded'],
  },
  'a process that runs an older attempt is stopped, and one that ended it is refused': {
    world: world(running, {
      strays: [
        { attempt: 0, worker: { ...worker, instance: 'old' }, ended: false },
        { attempt: 0, worker: { ...worker, instance: 'older' }, ended: true },
      ],
    }),
    wantEffects: ['stop superseded', 'answer superseded'],
  },
  'an ended Job is kept until its time has come': {
    world: world(
      aJob('j')
        .with({ ttlSecondsAfterFinished: 60 })
        .thatIs('Succeeded', { finishedAt: at(now - 20_000) }),
    ),
    wantPhase: 'unwritten',
    wantNextSeconds: 40,
  },
  'a Job is deleted when its time has come': {
    world: world(
      aJob('j')
        .with({ ttlSecondsAfterFinished: 0 })
        .thatIs('Failed', { finishedAt: at(now) }),
    ),
    wantRemoved: true,
  },
  'one that is kept in Git stays: it would be made again and run again': {
    world: world(
      aJob('j')
        .annotated({ 'argocd.argoproj.io/tracking-id': 'app:mnemos.dev/Job:default/j' })
        .with({ ttlSecondsAfterFinished: 0 })
        .thatIs('Failed', { finishedAt: at(now) }),
    ),
    wantPhase: 'unwritten',
  },
  'a new leader that hears late of a running attempt keeps the time of its start': {
    world: world(running, { report: { startedAt: now - 100, end: success } }),
    wantPhase: 'Succeeded',
    wantStatus: { startedAt: at(now - 5000) },
  },
}

for (const [sentence, wanted] of Object.entries(cases)) {
  test(sentence, () => check(decideJob(wanted.world, now), wanted))
}

function check(plan: JobPlan, { wantPhase, wantReason, wantMessage, wantStatus, wantEffects, wantNextSeconds, wantRemoved }: Case): void {
  if (wantPhase !== undefined) assert.equal(plan.status?.phase ?? 'unwritten', wantPhase)
  if (wantReason !== undefined)
    assert.ok(
      plan.conditions?.every(({ reason }) => reason === wantReason),
      JSON.stringify(plan.conditions),
    )
  if (wantMessage !== undefined) assert.match(plan.conditions?.[0]?.message ?? '', wantMessage)
  for (const [field, value] of Object.entries(wantStatus ?? {})) assert.deepEqual(plan.status?.[field as keyof JobStatus], value, field)
  if (wantEffects !== undefined)
    assert.deepEqual(
      (plan.effects ?? []).map((effect, index) => wordFor(effect, wantEffects[index])),
      wantEffects,
    )
  if (wantNextSeconds !== undefined) assert.deepEqual(plan.next, { kind: 'after', seconds: wantNextSeconds })
  assert.equal(plan.remove.length, wantRemoved === true ? 1 : 0)
}

/** An effect as its case names it: alone, or with its verdict or reason. */
function wordFor(effect: JobEffect, wanted: string | undefined): string {
  if (wanted?.includes(' ') !== true) return effect.type
  return effect.type === 'answer' ? `answer ${effect.verdict}` : effect.type === 'stop' ? `stop ${effect.reason}` : effect.type
}

test('kstatus reads every phase right', () => {
  const typesOf = (plan: JobPlan): string[] =>
    (plan.conditions ?? []).map(({ type, status }: Pick<Condition, 'type' | 'status'>) => `${type}=${status}`)
  const read = (facts: string[]): string =>
    facts.includes('Stalled=True') ? 'Failed' : facts.includes('Reconciling=True') ? 'InProgress' : 'Current'
  const wanted: Record<string, [JobWorld, string]> = {
    Pending: [world(pending, { queueExists: false }), 'InProgress'],
    Scheduled: [world(pending, { placement: worker }), 'Current'],
    Running: [world(scheduled, { report: { startedAt: now - 2000 } }), 'Current'],
    Retrying: [world(running, { report: { end: failure('EngineCrashed') } }), 'InProgress'],
    Succeeded: [world(running, { report: { end: success } }), 'Current'],
    Failed: [world(running, { report: { end: failure('BadInput') } }), 'Failed'],
    Cancelled: [world(pending.with({ cancel: true })), 'Current'],
  }
  for (const [phase, [of, want]] of Object.entries(wanted)) {
    const plan = decideJob(of, now)
    assert.equal(plan.status?.phase, phase)
    assert.equal(read(typesOf(plan)), want, phase)
  }
})

test('a Job keeps its last ten attempts', () => {
  const attempts = Array.from({ length: 10 }, (_, index) => ({ attempt: index + 1, outcome: 'NodeLost' }))
  const plan = decideJob(world(running.thatIs('Running', { attempt: 11, attempts }), { worker: 'gone' }), now)
  assert.deepEqual(
    plan.status?.attempts.map(({ attempt }) => attempt),
    [2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  )
})
