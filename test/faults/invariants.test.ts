/** A checker that cannot fail is no checker: each invariant is shown a world that breaks it. */
import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Job, JobStatus, PipelineRunStatus } from '@mnemos/api'
import { aJob, aRun } from '@mnemos/testkit'
import {
  fromFolder,
  type Observation,
  violationsAtRest,
  violationsOfBytes,
  violationsOfHistory,
  violationsOfRunHistory,
  violationsOfRuns,
  violationsOfSlots,
} from './invariants.ts'

const worker = { name: 'default/w', instance: 'i1' }
const status = (over: Partial<JobStatus>): JobStatus => ({
  phase: 'Pending',
  observedGeneration: 1,
  attempt: 0,
  failures: 0,
  attempts: [],
  conditions: [],
  ...over,
})
const seen = (uid: string, ...states: Partial<JobStatus>[]): Observation[] =>
  states.map((state) => ({ uid, name: uid, type: 'MODIFIED', status: status(state) }))
const job = (over: Partial<JobStatus>): Job => ({ ...aJob('j').build(), status: status(over) })

const histories: Record<string, { history: Observation[]; want: RegExp | undefined }> = {
  'an ordinary life is right': {
    history: seen('a', {}, { phase: 'Scheduled', attempt: 1, worker }, { phase: 'Succeeded', attempt: 1, worker }),
    want: undefined,
  },
  'an attempt that falls is seen': { history: seen('a', { attempt: 2 }, { attempt: 1 }), want: /attempt fell/ },
  'an attempt that jumps is seen': { history: seen('a', { attempt: 1 }, { attempt: 3 }), want: /attempt jumped/ },
  'an end that is none is seen': { history: seen('a', { phase: 'Failed' }, { phase: 'Running' }), want: /went from Failed to Running/ },
  'a worker that changes is seen': {
    history: seen('a', { attempt: 1, worker }, { attempt: 1, worker: { ...worker, instance: 'i2' } }),
    want: /moved from i1 to i2/,
  },
}
for (const [sentence, { history, want }] of Object.entries(histories)) {
  test(sentence, () => {
    const found = violationsOfHistory(history)
    if (want === undefined) assert.deepEqual(found, [])
    else assert.match(found.join(), want)
  })
}

const ends: Record<string, { job: Job; want: RegExp | undefined }> = {
  'a Job that succeeded once is right': {
    job: job({ phase: 'Succeeded', attempt: 2, attempts: [{ attempt: 2, outcome: 'Succeeded' }] }),
    want: undefined,
  },
  'a Job that did not end is seen': { job: job({ phase: 'Running' }), want: /is Running/ },
  'two attempts that succeeded are seen': {
    job: job({
      phase: 'Succeeded',
      attempt: 2,
      attempts: [
        { attempt: 1, outcome: 'Succeeded' },
        { attempt: 2, outcome: 'Succeeded' },
      ],
    }),
    want: /2 attempts succeeded/,
  },
  'an older attempt that committed is seen': {
    job: job({ phase: 'Succeeded', attempt: 2, attempts: [{ attempt: 1, outcome: 'Succeeded' }] }),
    want: /attempt 1 committed, 2 was the newest/,
  },
}
for (const [sentence, { job: ended, want }] of Object.entries(ends)) {
  test(sentence, () => {
    const found = violationsAtRest([ended])
    if (want === undefined) assert.deepEqual(found, [])
    else assert.match(found.join(), want)
  })
}

test('more Jobs than slots are seen', () => {
  const running = { phase: 'Running', attempt: 1, worker } as const
  assert.deepEqual(violationsOfSlots([...seen('a', running), ...seen('b', running)], 2), [])
  assert.match(violationsOfSlots([...seen('a', running), ...seen('b', running)], 1).join(), /2 Jobs at once/)
})

test('a result without bytes is seen', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'invariants-'))
  const succeeded = job({ phase: 'Succeeded', result: { uri: 'artifact://outputs/x', sha256: '0'.repeat(64), sizeBytes: 1 } })
  assert.match((await violationsOfBytes([succeeded], fromFolder(folder))).join(), /is not stored/)
})

const ofRun = (name: string, over: Partial<JobStatus>): Job => {
  const made = aJob(name).ownedBy(aRun('r')).build()
  return { ...made, metadata: { ...made.metadata, labels: { 'mnemos.dev/step': 'a' } }, status: status(over) }
}
const succeeded: Partial<PipelineRunStatus> = { phase: 'Succeeded', steps: [{ name: 'a', phase: 'Succeeded' }] }

const runs: Record<string, { run: Partial<PipelineRunStatus>; jobs: readonly Job[]; want: RegExp | undefined }> = {
  'an ordinary run is right': { run: succeeded, jobs: [ofRun('j', { phase: 'Succeeded' })], want: undefined },
  'a run that never ends is seen': { run: { phase: 'Running' }, jobs: [], want: /is Running, not ended/ },
  'a success in spite of a failed step is seen': {
    run: { ...succeeded, steps: [{ name: 'a', phase: 'Failed' }] },
    jobs: [],
    want: /succeeded, but step a is Failed/,
  },
  'a step that is left open is seen': {
    run: { phase: 'Failed', steps: [{ name: 'a', phase: 'Running' }] },
    jobs: [],
    want: /is over, but step a is Running/,
  },
  'a Job that is left at work is seen': { run: succeeded, jobs: [ofRun('j', { phase: 'Running' })], want: /is over, but Job j is Running/ },
  'two Jobs of one piece of work are seen': {
    run: succeeded,
    jobs: [ofRun('j', { phase: 'Failed' }), ofRun('k', { phase: 'Succeeded' })],
    want: /a\/ has two Jobs/,
  },
}

for (const [sentence, { run, jobs, want }] of Object.entries(runs)) {
  test(`runs: ${sentence}`, () => {
    const found = violationsOfRuns([aRun('r', {}, run)], jobs).join()
    if (want === undefined) assert.equal(found, '')
    else assert.match(found, want)
  })
}

test('runs: an end that is left again is seen, of a run and of a step', () => {
  const found = violationsOfRunHistory([
    aRun('r', {}, succeeded),
    aRun('r', {}, { phase: 'Running', steps: [{ name: 'a', phase: 'Running' }] }),
  ])
  assert.deepEqual(found, ['r: went from Succeeded to Running', 'r: step a went from Succeeded to Running'])
})
