import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatTime, type Job, type PipelineInput, type PipelineRun, type PipelineRunStatus } from '@mnemos/api'
import { aJob, aModel, aPipeline, aRun, testEpochMs } from '@mnemos/testkit'
import { requesterAnnotation } from '../admission/requester.ts'
import { compilePipeline } from './check-pipeline.ts'
import { decidePipelineRun } from './pipeline-run.ts'
import { childOf, itemLabel, stepLabel } from './run-names.ts'
import type { RunPlan, RunWorld } from './run-world.ts'

type Spec = PipelineInput['spec']

const now = testEpochMs + 60_000
const ask = (prompt: string): object => ({ inference: { modelRef: { name: 'm' }, prompt } })
const run = (spec: Partial<PipelineRun['spec']> = {}, status?: Partial<PipelineRunStatus>): PipelineRun => aRun('r', spec, status)

function pipeline(steps: readonly object[], more: object = {}): RunWorld['revision'] {
  const compiled = compilePipeline(aPipeline('p', { steps, ...more } as Spec).spec)
  assert.ok(!('findings' in compiled), JSON.stringify(compiled))
  return { name: 'p-r1', number: 1, pipeline: compiled }
}

function job(step: string, phase: 'Running' | 'Succeeded' | 'Failed' | 'Cancelled', text = 'x', item?: number): Job {
  const made = aJob(childOf(run(), step, item)).createdAt(testEpochMs + 1000)
  const result = { uri: 'artifact://x', sha256: '0'.repeat(64), sizeBytes: 1, inline: JSON.stringify({ text }) }
  const built = made.thatIs(phase, phase === 'Succeeded' ? { result, finishedAt: formatTime(now) } : {}).build()
  const labels = { [stepLabel]: step, ...(item === undefined ? {} : { [itemLabel]: String(item) }) }
  return { ...built, metadata: { ...built.metadata, labels } }
}

function world(of: Partial<RunWorld> = {}): RunWorld {
  const jobs = of.jobs ?? []
  return {
    ...{ run: run(), jobs, calls: [], revision: pipeline([{ name: 'a', ...ask('x') }]), made: new Set(), refused: new Map() },
    ...{ source: () => undefined, jobNamed: (name) => jobs.find(({ metadata }) => metadata.name === name), remembered: () => [] },
    ...{ modelNamed: () => aModel('m').thatIsReady().build(), before: () => [], isNeeded: false, sha256: (text) => text, dueInMs: 0 },
    ...of,
  }
}

/** `<phase> <reason>: <message>` of what is told; `-` for nothing. */
function told({ status, conditions }: RunPlan): string {
  const [first] = conditions ?? []
  return status === undefined ? '-' : `${status.phase} ${first?.reason ?? ''}: ${first?.message ?? ''}`
}
const approval = (steps: object = {}): RunWorld['revision'] => pipeline([{ name: 'ok', approval: { users: ['ann'], ...steps } }])
const ended = (name: string, phase: 'Failed' | 'Succeeded'): PipelineRun => aRun(name, {}, { phase, steps: [{ name: 'a', phase }] })
const schema = { type: 'string', pattern: '^y$' }

const rows: Record<string, readonly [of: Partial<RunWorld>, want: RegExp]> = {
  'a pipeline that is not there': [
    { revision: { missing: 'noPipeline', message: 'There is none.' } },
    /^Pending PipelineNotFound: There is none/,
  ],
  'a pipeline that was not looked at': [{ revision: { missing: 'notReady', message: 'Not yet.' } }, /^Pending PipelineNotReady/],
  'a revision that is gone before the start is waited for': [
    { revision: { missing: 'noRevision', message: 'Gone.' } },
    /^Pending RevisionNotFound/,
  ],
  'a revision that is gone after the start ends the run': [
    { run: run({}, { startedAt: formatTime(now) }), revision: { missing: 'noRevision', message: 'Gone.' } },
    /^Failed RevisionNotFound: Gone/,
  ],
  'a revision that is gone stops what is under way before the run ends': [
    { jobs: [job('a', 'Running')], revision: { missing: 'noRevision', message: 'Gone.' } },
    /^-$/,
  ],
  'a cancel before the first step': [
    { run: run({ cancel: true }), revision: { missing: 'noPipeline', message: '' } },
    /^Cancelled RunCancelled: .*before its first step/,
  ],
  'a parameter that nobody declared': [{ run: run({ parameters: { x: 1 } }) }, /^Failed ParametersInvalid: spec\.parameters\.x/],
  'an earlier run that is not there': [{ run: run({ retryFrom: { run: 'q' } }) }, /^Pending WaitingForRun: There is no run q here/],
  'an earlier run that goes on': [
    { run: run({ retryFrom: { run: 'q' } }), source: () => ({ run: aRun('q'), jobs: [], calls: [] }) },
    /^Pending WaitingForRun: Run q has not ended yet/,
  ],
  'an earlier run of another pipeline': [
    { run: run({ retryFrom: { run: 'q' } }), source: () => ({ run: aRun('q', { pipelineRef: { name: 'other' } }), jobs: [], calls: [] }) },
    /^Failed RetryInvalid: Run q is of Pipeline other/,
  ],
  'a retry of itself': [{ run: run({ retryFrom: { run: 'r' } }) }, /^Failed RetryInvalid: Run r cannot go on from itself/],
  'steps at work': [{ jobs: [job('a', 'Running')] }, /^Running StepsRunning: 0 of 1 steps have ended; at work: a/],
  'all steps succeeded': [{ jobs: [job('a', 'Succeeded')] }, /^Succeeded StepsSucceeded: 1 steps succeeded/],
  'a step failed': [{ jobs: [job('a', 'Failed')] }, /^Failed StepFailed: Step a failed.*mnemos pipelines retry r/],
  'a Job that somebody cancelled': [{ jobs: [job('a', 'Cancelled')] }, /^Failed StepFailed: Step a was cancelled/],
  'a cancelled run': [{ run: run({ cancel: true }), jobs: [job('a', 'Cancelled')] }, /^Cancelled RunCancelled/],
  'a suspended run': [{ run: run({ suspend: true }) }, /^Paused RunSuspended/],
  'an approval that is awaited': [{ revision: approval() }, /^Paused ApprovalNeeded: Step ok waits for the decision of ann/],
  'an approval by the wrong person': [
    { run: run({ approvals: [{ step: 'ok', decision: 'Approved', by: 'bob' }] }), revision: approval() },
    /^Paused ApprovalNeeded: .*bob is not one of those who may decide/,
  ],
  'an approval by whoever asked': [
    {
      run: {
        ...run({ approvals: [{ step: 'ok', decision: 'Approved', by: 'ann' }] }),
        metadata: { ...run().metadata, annotations: { [requesterAnnotation]: 'ann' } },
      },
      revision: approval({ byOther: true }),
    },
    /^Paused ApprovalNeeded: .*ann asked for the run and cannot decide/,
  ],
  'a rejection': [
    { run: run({ approvals: [{ step: 'ok', decision: 'Rejected', by: 'ann', comment: 'No.' }] }), revision: approval() },
    /^Failed StepFailed: Step ok failed: ann rejected it: No\./,
  ],
  'a tripped breaker': [
    {
      revision: pipeline([{ name: 'a', ...ask('x'), breaker: { failures: 2 } }]),
      before: () => [ended('q', 'Failed'), ended('p', 'Failed')],
    },
    /^Paused BreakerTripped: Step a failed in the last 2 runs/,
  ],
  'a child that was refused': [
    { refused: new Map([[childOf(run(), 'a'), 'it is wrong']]) },
    /^Failed StepFailed: Step a failed: refused: it is wrong/,
  ],
  'a list that is too long': [
    {
      run: run({ parameters: { l: Array.from({ length: 10_001 }, () => 1) } }),
      revision: pipeline([{ name: 'a', forEach: { items: '$(params.l)' }, ...ask('x') }], { parameters: [{ name: 'l', type: 'list' }] }),
    },
    /^Failed StepFailed: .*10001 items and may have 10000/,
  ],
  'an output that is not what its schema says': [
    { jobs: [job('a', 'Succeeded', 'n')], revision: pipeline([{ name: 'a', ...ask('x'), outputs: [{ name: 'text', schema }] }]) },
    /^Failed StepFailed: Step a failed: output text is not what its schema says/,
  ],
  'an output of an instance that is not what its schema says': [
    {
      jobs: [job('a', 'Succeeded', 'y', 0), job('a', 'Succeeded', 'n', 1)],
      revision: pipeline([{ name: 'a', forEach: { items: [1, 2] }, ...ask('x'), outputs: [{ name: 'text', schema }] }]),
    },
    /^Failed StepFailed: Step a failed: output text of item 1 is not/,
  ],
  'a run that took too long': [
    {
      run: run({}, { startedAt: formatTime(now - 11_000) }),
      jobs: [job('a', 'Cancelled')],
      revision: pipeline([{ name: 'a', ...ask('x') }], { timeoutSeconds: 10 }),
    },
    /^Failed RunTimedOut/,
  ],
}

for (const [sentence, [of, want]] of Object.entries(rows))
  test(`run: ${sentence}`, () => {
    assert.match(told(decidePipelineRun(world(of), now)), want)
  })

const a = childOf(run(), 'a')
const names = (plan: RunPlan): readonly string[] => (plan.create ?? []).map(({ metadata }) => metadata.labels?.[stepLabel] ?? '')

test('run: waiting for its pipeline is no part of its time', () => {
  const late = now + 3_600_000
  const plan = decidePipelineRun(world({ revision: pipeline([{ name: 'a', ...ask('x') }], { timeoutSeconds: 10 }) }), late)
  assert.deepEqual(names(plan), ['a'])
})

test('run: it began when its first Job was made, however late that is told', () => {
  assert.equal(decidePipelineRun(world({ jobs: [job('a', 'Succeeded')] }), now).status?.startedAt, formatTime(testEpochMs + 1000))
})

test('run: what is under way is stopped when the revision is gone', () => {
  const plan = decidePipelineRun(world({ jobs: [job('a', 'Running')], revision: { missing: 'noRevision', message: '' } }), now)
  assert.deepEqual(
    plan.patch?.map(({ name, patch }) => [name, patch]),
    [[a, { spec: { cancel: true } }]],
  )
})

test('run: a cancel waits for a child that was made and is yet to be seen', () => {
  const plan = decidePipelineRun(world({ run: run({ cancel: true }), made: new Set([a]) }), now)
  assert.notEqual(plan.status?.phase, 'Cancelled')
  assert.equal(plan.next.kind, 'after', 'it may have come and gone')
})

test('run: what was refused, and a Model that a step made, take the room of no Job', () => {
  const two = pipeline(
    [
      { name: 'a', ...ask('x') },
      { name: 'b', ...ask('x') },
    ],
    { concurrency: 1 },
  )
  assert.deepEqual(names(decidePipelineRun(world({ revision: two, made: new Set([a]), refused: new Map([[a, 'no']]) }), now)), ['b'])
  assert.deepEqual(names(decidePipelineRun(world({ revision: two, made: new Set(['some-model']) }), now)), ['a'])
})

test('run: an instance that was recorded as running and has no Job is made again', () => {
  const fan = pipeline([{ name: 'a', forEach: { items: [1] }, ...ask('x') }])
  const plan = decidePipelineRun(
    world({ run: run({}, { startedAt: formatTime(now), steps: [{ name: 'a', phase: 'Running', items: 'R1' }] }), revision: fan }),
    now,
  )
  assert.deepEqual(names(plan), ['a'])
})

test('run: a list that is gone does not end a step whose instances are at work', () => {
  const fan = pipeline([
    { name: 'l', pipeline: { name: 'q' } },
    { name: 'a', forEach: { items: '$(steps.l.outputs.list)', concurrency: 1 }, ...ask('x') },
  ])
  const steps = [
    { name: 'l', phase: 'Succeeded' },
    { name: 'a', phase: 'Running', items: 'R1W1' },
  ] as const
  const plan = decidePipelineRun(
    world({ run: run({}, { startedAt: formatTime(now), steps: [...steps] }), jobs: [job('a', 'Running', 'x', 0)], revision: fan }),
    now,
  )
  assert.equal(plan.status?.steps.find(({ name }) => name === 'a')?.phase, 'Running')
})

test('run: a run that is over goes when its time has come, unless somebody keeps work of it', () => {
  const over = run({ ttlSecondsAfterFinished: 60 }, { phase: 'Succeeded', finishedAt: formatTime(now - 59_000) })
  assert.deepEqual(decidePipelineRun(world({ run: over }), now).next, { kind: 'after', seconds: 1 })
  assert.equal(decidePipelineRun(world({ run: over }), now + 1000).remove.length, 1)
  assert.equal(decidePipelineRun(world({ run: over, isNeeded: true }), now + 1000).remove.length, 0)
})
