import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RunStepStatus } from '@mnemos/api'
import { aJob } from '@mnemos/testkit'
import type { ShownJob } from './job-view.ts'
import { aRun, because, ensembleSpec, now } from './pipelines.test-kit.ts'
import { type ShownRun, shownSteps } from './run-steps.ts'
import { whyLines, whyRun } from './run-why.ts'

const reconciling = (reason: string, message: string) => ({ conditions: [because('Reconciling', 'True', reason, message)] })
const before: RunStepStatus[] = ['read', 'ask', 'each', 'vote'].map((name) => ({ name, phase: 'Succeeded' }))

const cases: Record<string, { run: ShownRun; job?: ShownJob; want: string; wantNext: string }> = {
  'a pipeline that is not there': {
    run: aRun('Pending', [], reconciling('PipelineNotFound', 'Pipeline ensemble does not exist.')),
    want: 'Run ensemble-7 was accepted and has not started: Pipeline ensemble does not exist.',
    wantNext: 'mnemos pipelines create -f FILE with a Pipeline ensemble',
  },
  'a step that failed': {
    run: aRun('Failed', [{ name: 'read', phase: 'Failed', message: 'The container ended with exit code 3' }]),
    want: 'Run ensemble-7 failed because step read failed: The container ended with exit code 3.',
    wantNext: 'mnemos pipelines logs ensemble-7 read, then: mnemos pipelines retry ensemble-7',
  },
  'several that failed, the first of which has no log': {
    run: aRun('Failed', [
      { name: 'go', phase: 'Failed', message: 'The gate is closed.' },
      { name: 'tidy', phase: 'Failed' },
    ]),
    want: 'Run ensemble-7 failed because step go failed: The gate is closed. 1 more steps failed, too.',
    wantNext: 'mnemos pipelines retry ensemble-7',
  },
  'a person': {
    run: aRun(
      'Paused',
      [...before, { name: 'review', phase: 'Running', message: 'Is it worth the cost?' }],
      reconciling('ApprovalNeeded', ''),
    ),
    want: 'Run ensemble-7 waits for a decision about step review: Is it worth the cost?',
    wantNext: 'mnemos pipelines approve ensemble-7 review (or --reject)',
  },
  'a breaker': {
    run: aRun(
      'Paused',
      [{ name: 'read', phase: 'Waiting', message: 'It failed in the last 3 runs.' }],
      reconciling('BreakerTripped', 'Step read failed in the last 3 runs.'),
    ),
    want: 'Run ensemble-7 waits for a decision about step read: It failed in the last 3 runs.',
    wantNext: 'mnemos pipelines approve ensemble-7 read (or --reject)',
  },
  'somebody who suspended it': {
    run: aRun('Paused', before, { ...reconciling('RunSuspended', ''), spec: { suspend: true } }),
    want: 'Run ensemble-7 is suspended and starts nothing new.',
    wantNext: 'mnemos pipelines resume ensemble-7',
  },
  'a Job that waits for a Model': {
    run: aRun('Running', [{ name: 'each', phase: 'Running', items: 'S1R1W1' }]),
    job: aJob('ensemble-7-each-1')
      .thatIs('Pending', { conditions: [because('Reconciling', 'True', 'ModelNotFound', 'Model default/smol does not exist yet.')] })
      .build(),
    want: 'Run ensemble-7 waits for step each (1/3, 1 running): Model default/smol does not exist yet.',
    wantNext: 'mnemos pipelines graph ensemble-7 --watch',
  },
  'work that goes on': {
    run: aRun('Running', [
      { name: 'ask', phase: 'Running' },
      { name: 'each', phase: 'Running' },
    ]),
    want: 'Run ensemble-7 is at step ask, 1 more steps at work.',
    wantNext: 'mnemos pipelines graph ensemble-7 --watch',
  },
  'a cancel': {
    run: aRun('Cancelled', [], { conditions: [because('Succeeded', 'False', 'RunCancelled', 'Cancelled by its user.')] }),
    want: 'Run ensemble-7 was cancelled: Cancelled by its user.',
    wantNext: 'mnemos pipelines retry ensemble-7',
  },
  success: { run: aRun('Succeeded'), want: 'Run ensemble-7 succeeded.', wantNext: 'mnemos pipelines artifacts ensemble-7' },
}

for (const [sentence, { run, job, want, wantNext }] of Object.entries(cases)) {
  test(`why: ${sentence}`, () => {
    const steps = shownSteps(ensembleSpec, run)
    assert.deepEqual(whyRun({ run, steps, now, ...(job === undefined ? {} : { job }) }), { sentence: want, next: wantNext })
  })
}

test('an answer is a sentence and a next step', () => {
  assert.equal(whyLines({ sentence: 'It waits.', next: 'mnemos up' }), 'It waits.\n  next: mnemos up\n')
})
