/**
 * Jobs in a small simulated cluster: whatever happens in whatever order, every Job ends once, no attempt is ever taken back,
 * and once all is done nothing is written any more.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Job, JobStatus } from '@mnemos/api'
import { aJob, aModel, testEpochMs } from '@mnemos/testkit'
import fc from 'fast-check'
import { decideJob } from './job.ts'
import { isActive, isTerminal, statusOf } from './job-status.ts'
import type { AttemptEnd, AttemptReport, JobEffect, JobWorld, Stray, WorkerLink } from './job-world.ts'
import { Placement } from './placement.ts'

const model = aModel('m').thatIsReady().build()

interface Process {
  readonly instance: string
  online: boolean
  /** Silent for so long that its work is given to others, although it may still come back. */
  givenUp: boolean
  /** What it works on or has ended without an answer, by `<job>/<attempt>`. */
  readonly work: Map<string, { startedAt?: number; end?: AttemptEnd; answered?: string }>
}

/** The operator, its workers and the stored Jobs. Messages arrive at once, or not at all. */
class Simulation {
  now = testEpochMs
  writes = 0
  readonly jobs = new Map<string, Job>()
  readonly workers = new Map<string, Process>()
  readonly answers: string[] = []
  #instances = 0
  #placement = new Placement()
  #reports = new Map<string, AttemptReport>()

  constructor(jobs: readonly Job[], workers: readonly string[]) {
    for (const job of jobs) this.jobs.set(job.metadata.name, job)
    for (const worker of workers) this.startWorker(worker)
  }

  startWorker(name: string): void {
    this.#instances += 1
    this.workers.set(name, { instance: `i${this.#instances}`, online: true, givenUp: false, work: new Map() })
    this.connect(name)
  }

  /** What a worker says when it connects: what it works on, and the results it kept. */
  connect(name: string): void {
    const process = this.#process(name)
    process.online = true
    process.givenUp = false
    this.#placement.setWorker({
      name,
      instance: process.instance,
      engines: ['llama-cpp'],
      slots: 2,
      accepting: true,
      models: new Map(),
      mayServe: () => true,
    })
    for (const key of process.work.keys()) this.#report(process, key)
  }

  disconnect(name: string): void {
    this.#process(name).online = false
    this.#placement.removeWorker(name)
  }

  giveUp(name: string): void {
    this.disconnect(name)
    this.#process(name).givenUp = true
  }

  /** Another operator takes over: all it knows comes from the stored Jobs and what workers say. */
  restartOperator(): void {
    this.#placement = new Placement()
    this.#reports = new Map()
    for (const job of this.jobs.values()) if (isActive(job)) this.#placement.occupy(uidOf(job), statusOf(job).worker?.name ?? '')
    for (const [name, process] of this.workers) if (process.online) this.connect(name)
  }

  /** The worker gets on with everything it has: starts what has not started, ends what has. */
  work(name: string, end: AttemptEnd): void {
    const process = this.#process(name)
    for (const [key, item] of process.work) {
      if (item.startedAt === undefined) item.startedAt = this.now
      else item.end ??= end
      if (process.online) this.#report(process, key)
    }
  }

  reconcile(name: string): void {
    const job = this.jobs.get(name)
    if (job === undefined) return
    const plan = decideJob(this.#observe(job), this.now)
    if (plan.status !== undefined) this.#store(job, plan.status)
    for (const effect of plan.effects ?? []) this.#perform(effect)
    for (const reservation of this.#placement.place()) this.reconcile(reservation.name)
  }

  pass(ms: number): void {
    this.now += ms
  }

  set(name: string, change: Partial<Job['spec']>): void {
    const job = this.jobs.get(name)
    if (job !== undefined) this.jobs.set(name, { ...job, spec: { ...job.spec, ...change } })
  }

  #observe(job: Job): JobWorld {
    const { attempt, worker } = statusOf(job)
    const uid = uidOf(job)
    return {
      job,
      model,
      modelAllowed: true,
      otherModels: [],
      queueExists: true,
      queueAllowed: true,
      dependencies: (job.spec.dependsOn ?? []).map((name) => ({ name, job: this.jobs.get(name) })),
      placement: this.#placement.reservationOf(uid)?.worker,
      emptyPools: [],
      waiting: { position: 1, capable: 1, connected: 1, engine: 'llama-cpp', startsPerSecond: 0 },
      worker: this.#linkOf(job),
      report: this.#reports.get(`${uid}/${attempt}/${worker?.instance ?? ''}`),
      strays: this.#straysOf(job),
    }
  }

  /** A process that is off the line may come back, until another took its place or it was given up. */
  #linkOf(job: Job): WorkerLink {
    const { worker, attempt } = statusOf(job)
    const process = this.workers.get(worker?.name ?? '')
    if (process?.instance !== worker?.instance || process?.givenUp === true) return 'gone'
    if (process?.online !== true) return 'silent'
    return process.work.has(`${uidOf(job)}/${attempt}`) ? 'has' : 'lacks'
  }

  #straysOf(job: Job): Stray[] {
    const { attempt, worker } = statusOf(job)
    return [...this.#reports].flatMap(([key, report]) => {
      const [uid, reported = '', instance = ''] = key.split('/')
      const isCurrent = Number(reported) === attempt && instance === worker?.instance
      return uid !== uidOf(job) || isCurrent
        ? []
        : [{ attempt: Number(reported), worker: { name: '', instance }, ended: report.end !== undefined }]
    })
  }

  /** Refuses what the API server's rules would refuse. */
  #store(job: Job, status: JobStatus): void {
    const before = statusOf(job)
    assert.ok(!isTerminal(job) || status.phase === before.phase, 'a terminal phase never changes')
    assert.ok(status.attempt >= before.attempt, 'attempt never falls')
    if (status.attempt === before.attempt) assert.deepEqual(status.worker, before.worker, 'the worker is fixed within an attempt')
    else assert.ok(!isActive(job), 'a new attempt only after the last one ended')
    if (JSON.stringify(status) === JSON.stringify(before)) return
    this.writes += 1
    const next = { ...job, status }
    this.jobs.set(job.metadata.name, next)
    if (isActive(next)) this.#placement.occupy(uidOf(next), status.worker?.name ?? '')
    else this.#placement.vacate(uidOf(next))
  }

  #perform(effect: JobEffect): void {
    switch (effect.type) {
      case 'queue': {
        const { uid = '', namespace = '', name } = effect.job.metadata
        const { priority } = effect.job.spec
        this.#placement.enqueue({ uid, namespace, name, priority, createdAt: testEpochMs, engine: 'llama-cpp', digest: undefined })
        return
      }
      case 'leaveQueue':
        this.#placement.withdraw(effect.uid)
        return
      case 'assign': {
        const { worker, attempt } = statusOf(effect.job)
        const process = this.workers.get(worker?.name ?? '')
        const key = `${uidOf(effect.job)}/${attempt}`
        if (process?.online === true && process.instance === worker?.instance && !process.work.has(key)) process.work.set(key, {})
        return
      }
      case 'stop': {
        const process = this.#byInstance(effect.worker.instance)
        const key = `${effect.uid}/${effect.attempt}`
        if (process?.online !== true) return
        const item = process.work.get(key) ?? {}
        item.end ??= { type: 'cancelled' }
        process.work.set(key, item)
        this.#report(process, key)
        return
      }
      case 'answer': {
        const { uid, attempt, worker, verdict } = effect
        this.#reports.delete(`${uid}/${attempt}/${worker.instance}`)
        this.#byInstance(worker.instance)?.work.delete(`${uid}/${attempt}`)
        this.answers.push(`${uid}/${attempt} ${verdict}`)
        return
      }
      case 'podMade':
        assert.fail('these Jobs have no pods')
    }
  }

  #report({ instance }: Process, key: string): void {
    const { startedAt, end } = this.#byInstance(instance)?.work.get(key) ?? {}
    if (startedAt !== undefined || end !== undefined) this.#reports.set(`${key}/${instance}`, { startedAt, end })
  }

  #process(name: string): Process {
    const process = this.workers.get(name)
    assert.ok(process)
    return process
  }

  #byInstance(instance: string): Process | undefined {
    return [...this.workers.values()].find((process) => process.instance === instance)
  }
}

const uidOf = (job: Job): string => job.metadata.uid ?? ''
const names = ['a', 'b', 'c', 'd']
const workerNames = ['w1', 'w2']
const ends: readonly AttemptEnd[] = [
  {
    type: 'succeeded',
    uri: 'artifact://x',
    sha256: '0'.repeat(64),
    sizeBytes: 1,
    inline: undefined,
    usage: { promptTokens: 1, completionTokens: 1, durationMs: 1 },
  },
  { type: 'failed', class: 'EngineCrashed', reason: 'Crashed', message: 'It crashed.', hint: undefined },
  { type: 'failed', class: 'BadInput', reason: 'Bad', message: 'It is bad.', hint: undefined },
  { type: 'released', reason: 'draining' },
]

const anyName = fc.constantFrom(...names)
const anyWorker = fc.constantFrom(...workerNames)
const anyStep: fc.Arbitrary<(simulation: Simulation) => void> = fc.oneof(
  { weight: 6, arbitrary: anyName.map((name) => (simulation: Simulation) => simulation.reconcile(name)) },
  {
    weight: 4,
    arbitrary: fc.tuple(anyWorker, fc.constantFrom(...ends)).map(
      ([name, end]) =>
        (simulation: Simulation) =>
          simulation.work(name, end),
    ),
  },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 10_000 }).map((ms) => (simulation: Simulation) => simulation.pass(ms)) },
  { weight: 1, arbitrary: anyWorker.map((name) => (simulation: Simulation) => simulation.startWorker(name)) },
  { weight: 1, arbitrary: anyWorker.map((name) => (simulation: Simulation) => simulation.disconnect(name)) },
  { weight: 1, arbitrary: anyWorker.map((name) => (simulation: Simulation) => simulation.giveUp(name)) },
  { weight: 2, arbitrary: anyWorker.map((name) => (simulation: Simulation) => simulation.connect(name)) },
  { weight: 1, arbitrary: fc.constant((simulation: Simulation) => simulation.restartOperator()) },
  { weight: 1, arbitrary: anyName.map((name) => (simulation: Simulation) => simulation.set(name, { cancel: true })) },
)

const manySteps = fc.array(anyStep, { minLength: 10, maxLength: 80, size: 'max' })

function newSimulation(): Simulation {
  const jobs = names.map((name) =>
    aJob(name)
      .with({ retry: { limit: 2 }, ...(name === 'd' ? { dependsOn: ['a'] } : {}) })
      .build(),
  )
  return new Simulation(jobs, workerNames)
}

/** Everybody is on the line and gets on with it, until nobody has written for five rounds. @returns whether it came to rest */
function settle(simulation: Simulation): boolean {
  for (const name of workerNames) simulation.connect(name)
  let quiet = 0
  for (let round = 0; round < 200 && quiet < 5; round += 1) {
    const before = simulation.writes
    for (const name of names) simulation.reconcile(name)
    for (const name of workerNames) simulation.work(name, ends[0] ?? { type: 'cancelled' })
    simulation.pass(400_000)
    quiet = simulation.writes === before && [...simulation.jobs.values()].every(isTerminal) ? quiet + 1 : 0
  }
  return quiet === 5
}

test('whatever happens, every Job ends once and then nothing is written', () => {
  fc.assert(
    fc.property(manySteps, (steps) => {
      const simulation = newSimulation()
      for (const step of steps) step(simulation)
      assert.ok(settle(simulation), [...simulation.jobs.values()].map((job) => JSON.stringify(job.status)).join('\n'))
      for (const { work } of simulation.workers.values()) assert.equal(work.size, 0, 'no worker keeps what nobody wants')
    }),
    { numRuns: 1000 },
  )
})

test('a Job that succeeded has committed one attempt, its newest', () => {
  fc.assert(
    fc.property(manySteps, (steps) => {
      const simulation = newSimulation()
      for (const step of steps) step(simulation)
      settle(simulation)
      for (const job of simulation.jobs.values()) {
        const { phase, attempt, attempts } = statusOf(job)
        if (phase !== 'Succeeded') continue
        assert.equal(attempts.filter(({ outcome }) => outcome === 'Succeeded').length, 1)
        assert.equal(attempts.at(-1)?.attempt, attempt)
        assert.equal(new Set(attempts.map((each) => each.attempt)).size, attempts.length, 'each attempt ended once')
      }
    }),
    { numRuns: 300 },
  )
})

test('an undisturbed Job costs two writes', () => {
  const simulation = new Simulation([aJob('a').build()], ['w1'])
  simulation.reconcile('a')
  simulation.reconcile('a')
  simulation.work('w1', ends[0] ?? { type: 'cancelled' })
  simulation.reconcile('a')
  simulation.work('w1', ends[0] ?? { type: 'cancelled' })
  simulation.reconcile('a')
  simulation.reconcile('a')
  assert.equal(simulation.jobs.get('a')?.status?.phase, 'Succeeded')
  assert.equal(simulation.writes, 2)
  assert.deepEqual(simulation.answers, ['uid-a/1 committed'])
})
