import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WorkFailure } from '../failure.ts'
import { filled } from './input-texts.ts'

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
