import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiVersion, type PipelineRun, type PipelineRunStatus } from '@mnemos/api'
import { runEvents } from './run-events.ts'

const aRun = (resourceVersion: string, phase: PipelineRunStatus['phase'], more: Partial<PipelineRunStatus> = {}): PipelineRun => ({
  ...{ apiVersion, kind: 'PipelineRun', metadata: { name: 'r', namespace: 'default', resourceVersion } },
  spec: { pipelineRef: { name: 'p' }, priority: 'normal', suspend: false, cancel: false },
  status: { phase, observedGeneration: 0, steps: [], conditions: [], ...more },
})
async function* of(...versions: PipelineRun[]): AsyncGenerator<PipelineRun> {
  for (const version of versions) yield await Promise.resolve(version)
}
const told = async (versions: PipelineRun[], lastEventId?: string, signal = new AbortController().signal): Promise<string[]> =>
  (await Array.fromAsync(runEvents(of(...versions), lastEventId, signal))).map(({ event, id, data }) =>
    event === 'run' ? `${id ?? ''} ${(JSON.parse(data) as { phase: string }).phase}` : event,
  )

const cases: Record<string, { versions: PipelineRun[]; lastEventId?: string; want: string[] }> = {
  'the run is told at once, at each change, and its end': {
    versions: [
      aRun('1', 'Pending'),
      aRun('2', 'Running'),
      aRun('3', 'Running', { progress: { jobs: '1/2', percent: 50 } }),
      aRun('4', 'Failed'),
    ],
    want: ['1 Pending', '2 Running', '3 Running', '4 Failed', 'end'],
  },
  'a change that is none of the status is not told': { versions: [aRun('1', 'Running'), aRun('2', 'Running')], want: ['1 Running', 'end'] },
  'who has this version already is not told of it again': {
    versions: [aRun('7', 'Running'), aRun('8', 'Paused')],
    lastEventId: '7',
    want: ['8 Paused', 'end'],
  },
  'who comes back after an end is told of the end alone': { versions: [aRun('9', 'Succeeded')], lastEventId: '9', want: ['end'] },
  'nothing is told after the end': {
    versions: [aRun('1', 'Cancelled'), aRun('2', 'Cancelled', { revision: 1 })],
    want: ['1 Cancelled', 'end'],
  },
}
for (const [sentence, { versions, lastEventId, want }] of Object.entries(cases)) {
  test(sentence, async () => assert.deepEqual(await told(versions, lastEventId), want))
}

test('a reader that has left is told no end', async () => {
  assert.deepEqual(await told([aRun('1', 'Running')], undefined, AbortSignal.abort()), ['1 Running'])
})
