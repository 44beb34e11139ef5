import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RunStepStatus } from '@mnemos/api'
import { aRun, because, ensembleSpec, now } from './pipelines.test-kit.ts'
import { type ShownRun, type StepRow, shownSteps } from './run-steps.ts'
import { runTree, stepTree } from './run-tree.ts'

const plainly = (_colour: string, text: string): string => text
const drawn = (run: ShownRun, { width = 100, height, rows = [] }: { width?: number; height?: number; rows?: StepRow[] } = {}): string[] => [
  ...runTree(run, shownSteps(ensembleSpec, run, rows), { width, now, paint: plainly, ...(height === undefined ? {} : { height }) }),
]

const fanned: RunStepStatus[] = [
  { name: 'read', phase: 'Succeeded' },
  { name: 'ask', phase: 'Running' },
  { name: 'each', phase: 'Running', items: 'S4210R72F3W5715' },
]
const rows: StepRow[] = [
  {
    ...{ step: 'read', type: 'container', phase: 'Succeeded' },
    ...{ startedAt: '2026-01-01T11:58:30Z', finishedAt: '2026-01-01T11:58:42Z' },
  },
  { step: 'ask', type: 'inference', phase: 'Running', startedAt: '2026-01-01T11:58:42Z' },
]

const pictures: Record<string, { lines: string[]; want: string[] }> = {
  'ten thousand instances are one line': {
    lines: drawn(aRun('Running', fanned, { progress: { jobs: '4214/10004', percent: 41 } }), { rows }),
    want: [
      'ensemble-7  Running  4214/10004 done, 41 %  90s',
      '✓ read     container  12s',
      '├─ ● ask   inference  78s',
      '└─ ● each  inference          █████░░░░░░░ 4213/10000, 72 running, 3 failed',
      '○ vote     container          after ask, each',
      '○ review   approval           after vote',
      '○ go       gate               after review',
      'finally',
      '○ tidy     container',
    ],
  },
  'a narrow terminal has no types and no bars, and no line is longer than it is wide': {
    lines: drawn(aRun('Running', fanned), { rows, width: 34 }),
    want: [
      'ensemble-7  Running  90s',
      '✓ read     12s',
      '├─ ● ask   78s',
      '└─ ● each          4213/10000, 72…',
      '○ vote             after ask, each',
      '○ review           after vote',
      '○ go               after review',
      'finally',
      '○ tidy',
    ],
  },
  'a pipeline that nobody runs': {
    lines: [...stepTree(shownSteps(ensembleSpec), { width: 100, now, paint: plainly })],
    want: [
      '○ read     container',
      '├─ ○ ask   inference',
      '└─ ○ each  inference  for each item',
      '○ vote     container  after ask, each',
      '○ review   approval',
      '○ go       gate',
      'finally',
      '○ tidy     container',
    ],
  },
  'a person is waited for, and some work was done before': {
    lines: drawn(
      aRun(
        'Paused',
        [
          { name: 'read', phase: 'Succeeded', run: 'ensemble-6' },
          { name: 'ask', phase: 'Succeeded', job: 'old-job' },
          { name: 'each', phase: 'Succeeded', items: 'S2' },
          { name: 'vote', phase: 'Succeeded' },
          { name: 'review', phase: 'Running' },
        ],
        { conditions: [because('Reconciling', 'True', 'ApprovalNeeded', 'Step review waits for a decision.')] },
      ),
    ),
    want: [
      'ensemble-7  Paused  90s',
      'Step review waits for a decision.',
      '✓ read     container          kept from run ensemble-6',
      '├─ ✓ ask   inference          kept from Job old-job',
      '└─ ✓ each  inference          ████████████ 2/2',
      '✓ vote     container',
      '? review   approval           waits for you: mnemos pipelines approve ensemble-7 review',
      '○ go       gate               after review',
      'finally',
      '○ tidy     container',
    ],
  },
  'what failed says why, what was skipped too, and nothing that a message holds moves the cursor': {
    lines: drawn(
      aRun(
        'Failed',
        [
          { name: 'read', phase: 'Failed', message: 'exit code 3\u001b[2J\nand more' },
          { name: 'ask', phase: 'Skipped', why: 'Upstream' },
          { name: 'each', phase: 'Skipped', why: 'Condition' },
          { name: 'go', phase: 'Cancelled' },
        ],
        { finishedAt: '2026-01-01T11:58:35Z' },
      ),
    ).slice(0, 4),
    want: [
      'ensemble-7  Failed  5s',
      '✗ read     container          exit code 3 [2J and more',
      '├─ – ask   inference          skipped: a step before it failed',
      '└─ – each  inference          skipped: its condition did not hold',
    ],
  },
  'of a revision that is gone the steps are those that the run tells of': {
    lines: [...runTree(aRun('Running', fanned), shownSteps(undefined, aRun('Running', fanned)), { width: 70, now, paint: plainly })],
    want: ['ensemble-7  Running  90s', '├─ ✓ read  step', '├─ ● ask   step', '└─ ● each  step          4213/10000, 72 running, 3 failed'],
  },
}

for (const [sentence, { lines, want }] of Object.entries(pictures)) {
  test(`picture: ${sentence}`, () => {
    assert.deepEqual(lines, want)
  })
}

test('a thousand steps fit a terminal: what is at work or failed is kept, the rest is counted', () => {
  const steps = Array.from({ length: 1000 }, (_, at) => ({ name: `s${at}`, gate: { expression: 'true' } }))
  const status = steps
    .slice(0, 500)
    .map(({ name }, at): RunStepStatus => ({ name, phase: at === 7 ? 'Failed' : at > 495 ? 'Running' : 'Succeeded' }))
  const run = aRun('Running', status)
  const lines = runTree(run, shownSteps({ steps }, run), { width: 80, height: 12, now, paint: plainly })
  assert.equal(lines.length, 11)
  assert.ok(lines.some((line) => line.includes('✗ s7 ')))
  assert.equal(lines.filter((line) => line.includes('●')).length, 4)
  assert.match(lines.at(-1) ?? '', /^… 991 more steps: 495 succeeded, 496 waiting$/)
})

test('every phase has a mark of its own, so colours only repeat what is there', () => {
  const phases = ['Waiting', 'Running', 'Succeeded', 'Failed', 'Cancelled', 'Skipped'] as const
  const run = aRun(
    'Failed',
    phases.map((phase, at) => ({ name: `s${at}`, phase })),
  )
  const lines = runTree(run, shownSteps(undefined, run), { width: 80, now, paint: plainly }).slice(1)
  assert.equal(new Set(lines.map((line) => line[3])).size, phases.length)
})
