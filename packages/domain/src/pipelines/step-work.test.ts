import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PipelineStep } from '@mnemos/api'
import { compileStep } from './compile-step.ts'
import { workOf } from './step-work.ts'

const schema = { type: 'string' }
const rows: Record<string, { mediaType: string | undefined; wantFile: object; wantJudged: boolean }> = {
  'a file that nobody reads is judged where it is stored, and here only its place is known': {
    ...{ mediaType: undefined, wantFile: { schema }, wantJudged: false },
  },
  'a small JSON is judged there, and read': { mediaType: 'application/json', wantFile: { inline: true, schema }, wantJudged: true },
  'a small text is no JSON: it is read, and judged as the text that it is': {
    ...{ mediaType: 'text/plain', wantFile: { inline: true }, wantJudged: true },
  },
  'a file of another type is judged as JSON where it is stored': { mediaType: 'text/csv', wantFile: { schema }, wantJudged: false },
}

for (const [what, { mediaType, wantFile, wantJudged }] of Object.entries(rows)) {
  test(`work of a step: ${what}`, () => {
    const file = { name: 'x', path: '/out/x' }
    const step = {
      name: 'a',
      container: { image: 'i', outputs: [file] },
      outputs: [{ name: 'x', schema, ...(mediaType === undefined ? {} : { mediaType }) }],
    } satisfies PipelineStep
    assert.deepEqual(workOf(step)['container'], { image: 'i', outputs: [{ ...file, ...wantFile }] })
    assert.equal(compileStep(step, new Set()).schemas.has('x'), wantJudged)
  })
}

test('work of a step: what an inference says is judged here alone', () => {
  const step = { name: 'a', inference: { prompt: 'x' }, outputs: [{ name: 'text', schema }] } satisfies PipelineStep
  assert.deepEqual(workOf(step), { inference: { prompt: 'x' } })
  assert.ok(compileStep(step, new Set()).schemas.has('text'))
})
