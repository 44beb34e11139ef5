import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatTime, type Pipeline, type PipelineRun } from '@mnemos/api'
import { aPipeline, aRun, testEpochMs } from '@mnemos/testkit'
import { compilePipeline } from './check-pipeline.ts'
import { decidePipeline, type PipelineWorld } from './pipeline.ts'
import { type PipelineRevision, revisionName, revisionObject } from './revision.ts'

const now = testEpochMs + 60_000
const steps = [{ name: 'a', inference: { modelRef: { name: 'm' }, prompt: 'x' } }]

function at(generation: number, limit = 2): Pipeline {
  const made = aPipeline('p', { steps, revisionHistoryLimit: limit })
  return { ...made, metadata: { ...made.metadata, generation } }
}
const revisionOf = (generation: number): PipelineRevision => {
  const made = revisionObject(at(generation), [])
  return { ...made, metadata: { ...made.metadata, uid: `uid-r${generation}` } }
}
const using = (name: string, generation: number, createdAt = testEpochMs): PipelineRun => {
  const run = aRun(name, {}, { phase: 'Running', revisionName: revisionName(at(generation)) })
  return { ...run, metadata: { ...run.metadata, creationTimestamp: formatTime(createdAt) } }
}
const world = (of: Partial<PipelineWorld> = {}): PipelineWorld => ({
  ...{ pipeline: at(1), compiled: compilePipeline(at(1).spec), revisions: [], runs: [], dueInMs: 0 },
  ...of,
})
const owners = (object: { metadata: PipelineRevision['metadata'] } | undefined): readonly string[] =>
  (object?.metadata.ownerReferences ?? []).map(({ name }) => name)

test('pipeline: its revision is there before the status names it', () => {
  const first = decidePipeline(world(), now)
  assert.equal(first.status, undefined)
  assert.deepEqual(
    first.apply.map(({ metadata }) => metadata.name),
    [revisionName(at(1))],
  )
  const second = decidePipeline(world({ revisions: [revisionOf(1)] }), now)
  assert.deepEqual([second.apply.length, second.status?.revision, second.status?.revisionName], [0, 1, revisionName(at(1))])
})

test('pipeline: old revisions go, and those in use stay', () => {
  const revisions = [1, 2, 3, 4, 5].map(revisionOf)
  const plan = decidePipeline(world({ pipeline: at(5), revisions, runs: [using('old', 2)] }), now)
  assert.deepEqual(plan.remove.map(({ name }) => name).sort(), [1, 3].map((each) => revisionName(at(each))).sort())
})

test('pipeline: a run that lasts becomes a co-owner of what it uses, and one that does not, not yet', () => {
  const lasting = decidePipeline(world({ revisions: [revisionOf(1)], runs: [using('long', 1)] }), now)
  assert.deepEqual(owners(lasting.apply[0]), ['p', 'long'])
  const short = decidePipeline(world({ revisions: [revisionOf(1)], runs: [using('short', 1, now - 500)] }), now)
  assert.deepEqual([short.apply.length, short.next], [0, { kind: 'after', seconds: 3.5 }], 'it is looked at again')
})

test('pipeline: an invalid spec keeps the last valid revision in force', () => {
  const findings = [{ field: 'spec.steps[0]', code: 'invalid', message: 'is wrong' }] as never
  const status = { observedGeneration: 1, revision: 1, revisionName: revisionName(at(1)), conditions: [] }
  const plan = decidePipeline(world({ pipeline: { ...at(2), status }, compiled: { findings }, revisions: [revisionOf(1)] }), now)
  assert.equal(plan.status?.revision, 1)
  assert.deepEqual(
    plan.conditions?.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`),
    ['Ready False GraphInvalid', 'GraphValid False GraphInvalid', 'Stalled True GraphInvalid'],
  )
  assert.deepEqual([plan.apply, plan.remove], [[], []])
})

test('pipeline: one that is being deleted is left alone', () => {
  const gone = at(1)
  const plan = decidePipeline(world({ pipeline: { ...gone, metadata: { ...gone.metadata, deletionTimestamp: formatTime(now) } } }), now)
  assert.deepEqual([plan.apply, plan.remove, plan.status], [[], [], undefined])
})
