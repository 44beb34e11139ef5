import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PipelineRunStatus } from '@mnemos/api'
import { piecesBehind, positionText, readPosition, runWork, type WorkFilter, type WorkPiece } from './run-work.ts'

const spec = {
  steps: [
    { name: 'split', container: { image: 'i' } },
    { name: 'ask', inference: {}, forEach: { items: [1, 2, 3, 4] } },
    { name: 'vote', gate: { expression: 'true' } },
  ],
  finally: [{ name: 'clean', container: { image: 'i' } }],
}
const steps: PipelineRunStatus['steps'] = [
  { name: 'split', phase: 'Succeeded', job: 'earlier' },
  { name: 'ask', phase: 'Running', items: 'S2R1W1', message: 'three of four' },
]
const inShort = ({ work, item, phase }: WorkPiece): string => `${work.step}${item === undefined ? '' : `:${item}`} ${phase}`
const told = (from?: string, filter?: WorkFilter, of = runWork(spec, { steps })): string[] =>
  [...piecesBehind(of, from === undefined ? undefined : readPosition(from), filter)].map(inShort)

const all = ['split Succeeded', 'ask:0 Succeeded', 'ask:1 Succeeded', 'ask:2 Running', 'ask:3 Waiting', 'vote Waiting', 'clean Waiting']

describe('the work of a run', () => {
  const cases: Record<string, { from?: string; filter?: WorkFilter; want: string[] }> = {
    'comes in the order of the revision, instances by their items, finally at the end': { want: all },
    'goes on behind a step': { from: 'split', want: all.slice(1) },
    'goes on behind an instance': { from: 'ask:1', want: all.slice(3) },
    'goes on behind the last instance with the next step': { from: 'ask:3', want: all.slice(5) },
    'begins with the piece that the reader is within': { from: 'ask:1+2', want: all.slice(2) },
    'begins with the step that the reader is within': { from: 'split+2', want: all },
    'tells the instances to who was told of the step before it had any': { from: 'ask', want: all.slice(1) },
    'ends behind the last piece': { from: 'clean', want: [] },
    'begins anew behind a step that there is not': { from: 'gone', want: all },
    'is that of one step when one is wanted': { filter: { step: 'ask' }, want: all.slice(1, 5) },
    'is that in one phase when one is wanted, of instances too': { filter: { phase: 'Waiting' }, want: all.slice(4) },
    'of one step goes on where the reader stands': { from: 'ask:0', filter: { step: 'ask', phase: 'Succeeded' }, want: all.slice(2, 3) },
  }
  for (const [sentence, { from, filter, want }] of Object.entries(cases)) {
    test(sentence, () => assert.deepEqual(told(from, filter), want))
  }

  test('is all waiting before anything began', () => {
    assert.deepEqual(told(undefined, {}, runWork(spec, undefined)), ['split Waiting', 'ask Waiting', 'vote Waiting', 'clean Waiting'])
  })

  test('is what the status says where the revision is gone', () => {
    const [split, ask] = runWork(undefined, { steps })
    assert.deepEqual(split, { step: 'split', type: 'unknown', phase: 'Succeeded', job: 'earlier' })
    assert.equal(ask?.items?.length, 4)
  })

  test('knows what each step does', () => {
    assert.deepEqual(
      runWork(spec, undefined).map(({ type }) => type),
      ['container', 'inference', 'gate', 'container'],
    )
  })

  test('is walked ten thousand wide without a list of it', () => {
    const wide = runWork(spec, { steps: [{ name: 'ask', phase: 'Running', items: 'S9000R1000' }] })
    assert.equal([...piecesBehind(wide, readPosition('ask:9998'))].length, 3)
  })
})

test('positions survive being written down, and others are none', () => {
  for (const text of ['train', 'train:0', 'train:9999+3', 'a-b+1']) {
    const position = readPosition(text)
    assert.equal(position === undefined ? undefined : positionText(position), text)
  }
  for (const text of ['', ':3', 'Train', 'a:b', 'a+', '../x', 'a:123456']) assert.equal(readPosition(text), undefined, text)
})
