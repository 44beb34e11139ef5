import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Job } from '@mnemos/api'
import { aJob } from '@mnemos/testkit'
import { madeFiles, needsStoredResult, ownKey } from './made-file.ts'

const sha256 = 'a'.repeat(64)
const result = { uri: 'artifact://outputs/default/uid-j/a2/result.json', sha256, sizeBytes: 7 }
const asked = (uri = result.uri): Job =>
  aJob('j')
    .thatIs('Succeeded', { attempt: 2, result: { ...result, uri } })
    .build()
const ran = (inline?: string): Job =>
  aJob('j')
    .running('i')
    .thatIs('Succeeded', { attempt: 2, result: { ...result, ...(inline === undefined ? {} : { inline }) } })
    .build()
const file = { name: 'out', uri: 'artifact://outputs/default/uid-j/a2/files/out', sha256, sizeBytes: 9 }

const cases: Record<string, { job: Job; stored?: string; want: string[] }> = {
  'an inference leaves its answer': { job: asked(), want: ['result outputs/default/uid-j/a2/result.json'] },
  'a container leaves its files': {
    job: ran(JSON.stringify({ exitCode: 0, outputs: [file] })),
    want: ['out outputs/default/uid-j/a2/files/out'],
  },
  'a result that is not in the status is read where it is stored': {
    job: ran(),
    stored: JSON.stringify({ exitCode: 0, outputs: [file] }),
    want: ['out outputs/default/uid-j/a2/files/out'],
  },
  'a Job that goes on has left nothing': { job: aJob('j').thatIs('Running').build(), want: [] },
  'a result in the place of another Job is nobody’s': { job: asked('artifact://outputs/default/uid-k/a2/result.json'), want: [] },
  'a result that climbs out of its place is nobody’s': { job: asked('artifact://outputs/default/uid-j/a2/../../uid-k/x'), want: [] },
  'a file of another Job is left out, its neighbours stay': {
    job: ran(JSON.stringify({ outputs: [{ ...file, uri: 'artifact://outputs/other/uid-j/a2/files/out' }, file, { name: 7 }] })),
    want: ['out outputs/default/uid-j/a2/files/out'],
  },
  'what is no JSON is nothing': { job: ran('{'), want: [] },
}
for (const [sentence, { job, stored, want }] of Object.entries(cases)) {
  test(sentence, () =>
    assert.deepEqual(
      madeFiles(job, stored).map(({ output, key }) => `${output} ${key}`),
      want,
    ),
  )
}

test('only a container whose result is not in the status needs the stored one', () => {
  assert.deepEqual([asked(), ran('{}'), ran()].map(needsStoredResult), [false, false, true])
})

test('a key tells its attempt', () => assert.equal(ownKey(asked(), result.uri)?.attempt, 2))
