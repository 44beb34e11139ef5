/**
 * Runs of a pipeline in a small simulated cluster: a store that enforces what the API server enforces, caches that lag behind it, an
 * operator that forgets, stops after any of its writes, or is killed there, and Jobs that end when a test says so.
 *
 * What must hold at every moment is asserted at every write. Jobs and runs reach their caches each in order, as watches deliver them.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { formatTime, type Job, type PipelineRun, type PipelineSpec } from '@mnemos/api'
import type { KubeObject } from '@mnemos/kube'
import { aJob, aModel, aPipeline, aRun, testEpochMs } from '@mnemos/testkit'
import { fraction } from '../scheduling/retry.ts'
import { compilePipeline } from './check-pipeline.ts'
import type { CompiledPipeline } from './compiled.ts'
import { decidePipelineRun, isOver } from './pipeline-run.ts'
import { memoLabel, placeOf } from './run-names.ts'
import type { RunPlan, RunSource, RunWorld } from './run-world.ts'

const terminal = ['Succeeded', 'Failed', 'Cancelled']
const isEnded = ({ status }: Pick<Job, 'status'>): boolean => terminal.includes(status?.phase ?? '')
const model = aModel('m').thatIsReady().build()
const unseenMs = 30_000

/** How a Job ends, by what it asks: the same ends the same. */
export type Outcome = (prompt: string) => 'Succeeded' | 'Failed'

/** What is written when the operator stops in the middle of a plan. */
export interface Stop {
  /** Writes that come through. */
  readonly after: number
  /** The process is killed; otherwise a write fails, and it goes on with what it knows. */
  readonly isKilled: boolean
}

export class RunSimulation {
  now = testEpochMs
  writes = 0
  readonly runs = new Map<string, PipelineRun>()
  readonly jobs = new Map<string, Job>()
  /** How often each child was created. */
  readonly created = new Map<string, number>()
  readonly pipeline: CompiledPipeline
  readonly #outcome: Outcome
  /** Every version of every object, in the order of the writes; caches hold a prefix. */
  readonly #jobLog: Job[] = []
  readonly #runLog: PipelineRun[] = []
  #seenJobs = 0
  #seenRuns = 0
  readonly #jobCache = new Map<string, Job>()
  readonly #runCache = new Map<string, PipelineRun>()
  #made = new Map<string, number>()
  #refused = new Map<string, string>()
  #floor = new Map<string, number>()
  #toldAt = new Map<string, number>()
  /** When the operator looks at a run again. */
  readonly #wakeAt = new Map<string, number>()
  /** Children that the API server does not take. */
  readonly refusals: (place: string) => boolean

  constructor(spec: PipelineSpec, outcome: Outcome, refusals: (place: string) => boolean = () => false) {
    const compiled = compilePipeline(aPipeline('p', spec).spec)
    assert.ok(!('findings' in compiled), 'findings' in compiled ? JSON.stringify(compiled.findings) : '')
    this.pipeline = compiled
    this.#outcome = outcome
    this.refusals = refusals
  }

  create(name: string, spec: Partial<PipelineRun['spec']> = {}): void {
    const run = aRun(name, spec)
    const creationTimestamp = formatTime(Math.floor(this.now / 1000) * 1000)
    this.#storeRun({ ...run, metadata: { ...run.metadata, creationTimestamp } })
  }

  edit(name: string, change: (spec: PipelineRun['spec']) => Partial<PipelineRun['spec']>): void {
    const run = this.run(name)
    if (!isOver(run)) this.#storeRun({ ...run, spec: { ...run.spec, ...change(run.spec) } })
  }

  run(name: string): PipelineRun {
    const run = this.runs.get(name)
    assert.ok(run)
    return run
  }

  /** Caches take this many more changes in. */
  see(jobs: number, runs: number): void {
    for (; jobs > 0 && this.#seenJobs < this.#jobLog.length; jobs -= 1) {
      const job = this.#jobLog[this.#seenJobs++]
      if (job === undefined) continue
      this.#jobCache.set(job.metadata.name, job)
      const owner = [...this.runs.values()].find(({ metadata }) => metadata.uid === job.metadata.ownerReferences?.[0]?.uid)
      this.#wakeAt.set(owner?.metadata.name ?? '', this.now)
    }
    for (; runs > 0 && this.#seenRuns < this.#runLog.length; runs -= 1) {
      const run = this.#runLog[this.#seenRuns++]
      if (run === undefined) continue
      this.#runCache.set(run.metadata.name, run)
      for (const name of this.runs.keys()) this.#wakeAt.set(name, this.now)
    }
  }

  seeAll(): void {
    this.see(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)
  }

  /** Another process: it lists everything and remembers nothing. */
  restart(): void {
    this.#made = new Map()
    this.#refused = new Map()
    this.#floor = new Map()
    this.#toldAt = new Map()
    this.seeAll()
    for (const name of this.runs.keys()) this.#wakeAt.set(name, this.now)
  }

  pass(ms: number): void {
    this.now += ms
  }

  alive(run?: string): readonly Job[] {
    const uid = run === undefined ? undefined : this.run(run).metadata.uid
    return [...this.jobs.values()].filter((job) => !isEnded(job) && (uid === undefined || job.metadata.ownerReferences?.[0]?.uid === uid))
  }

  /** One of the Jobs at work ends; one that was asked to stop may have ended before it heard of that. */
  finish(nth: number, hears = true): void {
    const open = this.alive()
    const job = open[nth % Math.max(1, open.length)]
    if (job === undefined) return
    const place = placeText(job)
    const asked = job.spec.inference?.prompt ?? ''
    const phase = job.spec.cancel && hears ? 'Cancelled' : this.#outcome(asked)
    const inline = JSON.stringify({ text: `of ${asked.split(' ')[0] ?? ''} ${fraction(asked)}`, finishReason: 'stop' })
    const result = { uri: `artifact://${place}`, sha256: '0'.repeat(64), sizeBytes: 1, inline }
    const failure = { class: 'BadInput', reason: 'Bad', message: 'It is bad.' } as const
    const more = phase === 'Succeeded' ? { result } : phase === 'Failed' ? { failure } : {}
    this.#storeJob({ ...job, status: { ...statusFor(phase), finishedAt: formatTime(this.now), ...more } })
  }

  /** One pass over a run. @returns what was planned, unless nothing could be looked at */
  reconcile(name: string, stop: Stop = { after: Number.POSITIVE_INFINITY, isKilled: false }): RunPlan | undefined {
    const seen = this.#runCache.get(name)
    if (seen === undefined || version(seen) < (this.#floor.get(name) ?? 0)) return undefined
    const plan = decidePipelineRun(this.#observe(seen), this.now)
    const refused = this.#refused.size
    this.#wakeAt.delete(name)
    if (plan.next.kind === 'after') this.#wakeAt.set(name, this.now + plan.next.seconds * 1000)
    if (!this.#carryOut(seen, plan, stop)) {
      if (stop.isKilled) this.restart()
      // Whoever failed waits for longer than caches lag.
      else this.seeAll()
      // What did not work is tried again.
      this.#wakeAt.set(name, this.now)
    }
    if (this.#refused.size > refused) this.#wakeAt.set(name, this.now)
    return plan
  }

  /**
   * No more trouble: caches catch up, Jobs end one after the other, and the operator looks at a run only when a change, or a time that
   * it asked for, wakes it. @returns whether nobody has anything left to do
   */
  settle(order = 0): boolean {
    for (let turn = 0; turn < 3000; turn += 1) {
      this.seeAll()
      const due = [...this.#wakeAt].find(([, at]) => at <= this.now)?.[0]
      if (due !== undefined) this.reconcile(due)
      else if (this.alive().length > 0) this.finish(order + turn)
      else {
        const next = Math.min(...this.#wakeAt.values())
        if (!Number.isFinite(next)) return true
        this.now = next
      }
    }
    return false
  }

  /** @returns whether everything was written */
  #carryOut(seen: PipelineRun, plan: RunPlan, { after }: Stop): boolean {
    let left = after
    if (plan.status !== undefined) {
      const facts = plan.conditions ?? []
      const conditions = facts.map((fact) => ({ ...fact, observedGeneration: 1, lastTransitionTime: '2026-01-01T00:00:00Z' }))
      const status = { ...plan.status, conditions, observedGeneration: 1 }
      if (JSON.stringify(status) !== JSON.stringify(seen.status)) {
        if (left-- <= 0) return false
        // Somebody else has changed it meanwhile.
        if (version(this.run(seen.metadata.name)) !== version(seen)) return false
        this.#judgeStatus(seen, { ...seen, status })
        this.writes += 1
        this.#storeRun({ ...seen, status })
        this.#floor.set(seen.metadata.name, version(this.run(seen.metadata.name)))
      }
    }
    for (const child of plan.create ?? []) {
      if (left-- <= 0) return false
      this.#createChild(seen, child)
    }
    for (const { name, uid, patch } of plan.patch ?? []) {
      if (left-- <= 0) return false
      const job = this.jobs.get(name)
      assert.deepEqual(patch, { spec: { cancel: true } })
      if (job?.metadata.uid === uid && !isEnded(job)) {
        this.writes += 1
        this.#storeJob({ ...job, spec: { ...job.spec, cancel: true } })
      }
    }
    assert.equal(plan.remove.length, 0)
    for (const effect of plan.effects ?? []) {
      if (effect.type === 'written') this.#toldAt.set(seen.metadata.name, this.now)
      else for (const child of effect.names) this.#made.set(child, this.now)
    }
    return true
  }

  #createChild(run: PipelineRun, child: KubeObject): void {
    const { name } = child.metadata
    assert.equal(child.kind, 'Job')
    const job = { ...(child as Job), spec: { ...aJob('x').build().spec, ...(child as Job).spec } }
    if (this.jobs.has(name)) return
    if (this.refusals(placeText(job))) {
      this.#refused.set(name, 'it is not taken')
      return
    }
    this.writes += 1
    this.created.set(name, (this.created.get(name) ?? 0) + 1)
    this.#judgeStart(run, job)
    const creationTimestamp = formatTime(Math.floor(this.now / 1000) * 1000)
    this.#storeJob({ ...job, metadata: { ...job.metadata, uid: `uid-${name}`, creationTimestamp } })
    this.#judgeRoom(run, placeOf(job).step)
  }

  /** A step starts after everything that it waits for; nothing starts in a run that is over. */
  #judgeStart(run: PipelineRun, job: Job): void {
    const { step } = placeOf(job)
    const stored = this.run(run.metadata.name)
    assert.ok(!isOver(stored), `${step} starts in a run that is ${stored.status?.phase ?? ''}`)
    for (const graph of [this.pipeline.main, this.pipeline.last])
      for (const on of graph.dependencies.get(step) ?? []) {
        const own = [...this.jobs.values()].filter(
          (each) => each.metadata.ownerReferences?.[0]?.uid === run.metadata.uid && placeOf(each).step === on,
        )
        assert.deepEqual(own.filter((each) => !isEnded(each)).map(placeText), [], `${step} starts although ${on} is at work`)
        if (this.pipeline.steps.get(on)?.spec.forEach === undefined)
          assert.ok(
            own.every(({ status }) => status?.phase === 'Succeeded'),
            `${step} starts although ${on} has not succeeded`,
          )
      }
  }

  #judgeRoom(run: PipelineRun, step: string): void {
    const own = this.alive(run.metadata.name)
    const { concurrency = Number.POSITIVE_INFINITY } = this.pipeline.spec
    assert.ok(own.length <= concurrency, `${own.length} Jobs at once, and there may be ${concurrency}`)
    const most = this.pipeline.steps.get(step)?.spec.forEach?.concurrency ?? Number.POSITIVE_INFINITY
    const same = own.filter((job) => placeOf(job).step === step).length
    assert.ok(same <= most, `${same} instances of ${step} at once, and there may be ${most}`)
  }

  #judgeStatus(before: PipelineRun, after: PipelineRun): void {
    if (isOver(before)) assert.equal(after.status?.phase, before.status?.phase, 'a terminal phase never changes')
    if (isOver(after)) assert.deepEqual(this.alive(after.metadata.name).map(placeText), [], 'Jobs are at work when their run is over')
    const later = new Map(after.status?.steps.map((step) => [step.name, step.phase]))
    for (const { name, phase } of before.status?.steps ?? [])
      if (phase !== 'Waiting' && phase !== 'Running') assert.equal(later.get(name), phase, `the end of ${name} never changes`)
  }

  #observe(run: PipelineRun): RunWorld {
    const own = isOver(run) ? { run, jobs: [], calls: [] } : this.#sourceOf(run)
    for (const { metadata } of own.jobs) this.#made.delete(metadata.name)
    for (const [name, at] of this.#made) if (at < this.now - unseenMs) this.#made.delete(name)
    return {
      ...own,
      revision: { name: 'p-r1', number: 1, pipeline: this.pipeline },
      made: new Set(this.#made.keys()),
      refused: this.#refused,
      source: (name) => {
        const found = this.#runCache.get(name)
        return found === undefined ? undefined : this.#sourceOf(found)
      },
      jobNamed: (name) => this.#jobCache.get(name),
      remembered: (memo) =>
        [...this.#jobCache.values()].filter((job) => job.metadata.labels?.[memoLabel] === memo && job.status?.phase === 'Succeeded'),
      modelNamed: (name) => (name === 'm' ? model : undefined),
      before: () => [...this.#runCache.values()].filter((each) => each !== run && isOver(each)),
      isNeeded: false,
      sha256: (text) => createHash('sha256').update(text).digest('hex'),
      dueInMs: Math.max(0, (this.#toldAt.get(run.metadata.name) ?? Number.NEGATIVE_INFINITY) + 2000 - this.now),
    }
  }

  #sourceOf(run: PipelineRun): RunSource {
    const jobs = [...this.#jobCache.values()].filter((job) => job.metadata.ownerReferences?.[0]?.uid === run.metadata.uid)
    return { run, jobs, calls: [] }
  }

  #storeRun(run: PipelineRun): void {
    const next = { ...run, metadata: { ...run.metadata, resourceVersion: String(this.#runLog.length + 1) } }
    this.runs.set(run.metadata.name, next)
    this.#runLog.push(next)
  }

  #storeJob(job: Job): void {
    this.jobs.set(job.metadata.name, job)
    this.#jobLog.push(job)
  }
}

function statusFor(phase: 'Succeeded' | 'Failed' | 'Cancelled'): NonNullable<Job['status']> {
  return { phase, observedGeneration: 1, attempt: 1, failures: 0, attempts: [], conditions: [] }
}

const version = ({ metadata }: KubeObject): number => Number(metadata.resourceVersion ?? 0)

/** `<step>` or `<step>/<item>`. */
export function placeText(job: Pick<Job, 'metadata'>): string {
  const { step, item } = placeOf(job)
  return item === undefined ? step : `${step}/${item}`
}
