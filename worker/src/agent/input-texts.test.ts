import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import type { InferenceWork } from '@mnemos/contract'
import { WorkFailure } from '../failure.ts'
import type { AttemptContext } from './attempt.ts'
import { filled, withInputTexts } from './input-texts.ts'

const texts = new Map([
  ['a', 'alpha'],
  ['sly', '$(inputs.a) $1 $& $$('],
])

const rows: Record<string, [text: string, want: string]> = {
  'a text stands where it is named, each time': ['$(inputs.a) and $(inputs.a).', 'alpha and alpha.'],
  'what is put in is not looked at again': ['<$(inputs.sly)>', '<$(inputs.a) $1 $& $$(>'],
  'two dollars make a plain one': ['echo $$(inputs.a) $$(date)', 'echo $(inputs.a) $(date)'],
  'what names nothing of ours stays': ['$(date) $(params.x) $ ( $(inputs.A)', '$(date) $(params.x) $ ( $(inputs.A)'],
}
for (const [sentence, [text, want]] of Object.entries(rows))
  test(`texts by reference: ${sentence}`, () => assert.equal(filled(text, texts), want))

test('texts by reference: a name that is not there is told, and nothing of the prompt', () => {
  assert.throws(
    () => filled('my secret $(inputs.b)', texts),
    (error: unknown) => error instanceof WorkFailure && error.class === 'BadInput' && error.message === 'There is no text for $(inputs.b).',
  )
})

test('texts by reference: bytes that are not those of their digest are never put in, and the attempt says so', async () => {
  const of = (sha256: string) => ({
    session: {
      head: () => Promise.resolve({ sha256, sizeBytes: 5 }),
      get: () => Promise.resolve({ body: Readable.from([Buffer.from('forged')]) }),
    },
    retrying: { forMs: 0, signal: new AbortController().signal },
    report: () => undefined,
  })
  const work = { type: 'inference', prompt: 'Say $(inputs.t)', inputs: [{ name: 't', key: 'outputs/default/x/a1/files/t' }] }
  const bringing = (sha256: string) => withInputTexts(work as unknown as InferenceWork, of(sha256) as unknown as AttemptContext) // the parts that are asked for
  await assert.rejects(
    bringing('0'.repeat(64)),
    (error: unknown) => error instanceof WorkFailure && error.class === 'StorageUnavailable' && !error.message.includes('forged'),
  )
  const right = createHash('sha256').update('forged').digest('hex')
  assert.equal((await bringing(right)).prompt, 'Say forged')
})
