import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobStatus } from '@mnemos/api'
import { answerText, jobPage, type ShownJob, whyWaiting } from './job-view.ts'

const now = Date.UTC(2026, 0, 1, 12, 0, 0)

function aJob(status: Partial<JobStatus> = {}): ShownJob {
  return {
    apiVersion: 'mnemos.dev/v1alpha1',
    kind: 'Job',
    metadata: { name: 'hello', namespace: 'default', creationTimestamp: '2026-01-01T11:59:30Z' },
    spec: {
      inference: { modelRef: { name: 'smollm2' }, prompt: 'why?', parameters: { maxTokens: 10 } },
      queue: 'default',
      priority: 'normal',
      retry: { limit: 3 },
      suspend: false,
      cancel: false,
    },
    status: { phase: 'Pending', observedGeneration: 1, attempt: 0, failures: 0, attempts: [], conditions: [], ...status },
  }
}

const because = (reason: string, message: string): JobStatus['conditions'][number] => ({
  type: 'Succeeded',
  status: 'Unknown',
  reason,
  message,
  observedGeneration: 1,
  lastTransitionTime: '2026-01-01T11:59:30Z',
})

const waits: Record<string, { status: Partial<JobStatus>; want: string | undefined }> = {
  'a missing Model': {
    status: { conditions: [because('ModelNotFound', 'Model default/smollm2 does not exist yet.')] },
    want: 'Model default/smollm2 does not exist yet.',
  },
  'a pause after a failure says until when': {
    status: { phase: 'Retrying', retryAt: '2026-01-01T12:00:08Z', conditions: [because('BackingOff', 'Attempt 1 failed.')] },
    want: 'Attempt 1 failed. Until about 12:00:08 UTC (in 8s).',
  },
  'a place in the queue': {
    status: { queue: { position: 4, reasons: [] }, conditions: [because('WorkersBusy', 'Both workers are busy.')] },
    want: 'Both workers are busy. Place 4 in queue default.',
  },
  'a fresh Job': { status: {}, want: 'it was just accepted.' },
  'a running Job waits for nothing': { status: { phase: 'Running' }, want: undefined },
}

for (const [sentence, { status, want }] of Object.entries(waits)) {
  test(`why it waits: ${sentence}`, () => {
    assert.equal(whyWaiting(aJob(status), now), want)
  })
}

test('the page of a finished Job shows its answer, its checksum and its attempts', () => {
  const page = jobPage(
    aJob({
      phase: 'Succeeded',
      attempt: 2,
      failures: 1,
      worker: { name: 'local-1', instance: 'x' },
      usage: { promptTokens: 12, completionTokens: 40, durationMs: 500 },
      result: { uri: 'artifact://outputs/a', sha256: 'abc', sizeBytes: 60, inline: '{"text":"Rayleigh."}' },
      attempts: [
        { attempt: 1, outcome: 'EngineCrashed', worker: 'local-1', message: 'SIGSEGV' },
        { attempt: 2, outcome: 'Succeeded', worker: 'local-1' },
      ],
    }),
    now,
  )
  assert.equal(
    page,
    `Job:       default/hello
Phase:     Succeeded
Model:     smollm2
Queue:     default, priority normal
Attempt:   2 on local-1, 1 of 3 retries used
Usage:     12 tokens read, 40 written in 0.5 s, 80 tokens/s
Result:    artifact://outputs/a (60 B)
sha256:    abc
Age:       30s
Attempts:
  1  EngineCrashed on local-1: SIGSEGV
  2  Succeeded on local-1

Rayleigh.
`,
  )
})

test('a result that is no JSON of ours is shown as it is', () => {
  assert.equal(answerText('plain'), 'plain')
  assert.equal(answerText('{"digest":"x"}'), '{"digest":"x"}')
})
