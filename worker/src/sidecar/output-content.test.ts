import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WorkFailure } from '../failure.ts'
import { type AskedOutput, asksForContent, checkContent, checkReport, checkSize } from './output-content.ts'

const schema = { type: 'object', required: ['score'], properties: { score: { type: 'number' }, name: { const: 'x' } } }
const output = (asked: Partial<AskedOutput>): AskedOutput => ({ name: 'report', path: '/out/report.json', ...asked })
const contentOf = (asked: Partial<AskedOutput>, content: string | Buffer): string | undefined => {
  const bytes = Buffer.from(content)
  checkSize(output(asked), bytes.length)
  return checkContent(output(asked), bytes)
}
function failureOf(run: () => unknown): WorkFailure {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof WorkFailure)
    return error
  }
  throw new assert.AssertionError({ message: 'nothing was thrown' })
}

const taken: Record<string, { readonly asked: Partial<AskedOutput>; readonly content: string; readonly want: string | undefined }> = {
  'an inline text is repeated as it is': { asked: { inline: true }, content: '0.93\n', want: '0.93\n' },
  'an empty text is one': { asked: { inline: true }, content: '', want: '' },
  'a mark at the start is part of the text': { asked: { inline: true }, content: '\ufeffx', want: '\ufeffx' },
  'what fits its schema is not repeated unasked': { asked: { schema }, content: '{"score":1}', want: undefined },
  'what fits its schema is repeated when asked for': { asked: { schema, inline: true }, content: ' {"score":1}', want: ' {"score":1}' },
  'one KiB is inline': { asked: { inline: true }, content: 'x'.repeat(1024), want: 'x'.repeat(1024) },
}

for (const [what, { asked, content, want }] of Object.entries(taken)) test(what, () => assert.equal(contentOf(asked, content), want))

const refused: Record<
  string,
  { readonly asked: Partial<AskedOutput>; readonly content: string | Buffer; readonly want: [string, RegExp]; readonly wantHint?: RegExp }
> = {
  'more than one KiB is not inline, and what to do is said': {
    asked: { inline: true },
    content: 'x'.repeat(1025),
    want: ['OutputTooLarge', /^Output report: \/out\/report.json has 1025 bytes; at most 1024 can be inline\.$/],
    wantHint: /take inline off the output in a new Job/,
  },
  'more than 8 MiB is not judged': {
    asked: { schema },
    content: Buffer.alloc(8 * 1024 ** 2 + 1),
    want: ['OutputTooLarge', /8388609 bytes; at most 8388608 are judged by a schema/],
  },
  'what is no UTF-8 is no text': {
    asked: { inline: true },
    content: Buffer.from([0xc3, 0x28]),
    want: ['OutputInvalid', /is no text in UTF-8/],
  },
  'what is no JSON is not repeated': {
    asked: { schema },
    content: 'geheim',
    want: ['OutputInvalid', /\/out\/report.json is no JSON, and its schema asks for it\.$/],
  },
  'what does not fit is told by place, expectation and kind': {
    asked: { schema },
    content: '{"score":"geheim"}',
    want: ['OutputInvalid', /does not satisfy its schema: at \/score .*number.*string/],
  },
  'what is missing is told': { asked: { schema }, content: '{}', want: ['OutputInvalid', /at \/score /] },
  'many findings are counted': {
    asked: { schema: { items: { type: 'number' } } },
    content: JSON.stringify(Array.from({ length: 9 }, () => 'geheim')),
    want: ['OutputInvalid', /at \/0 .*; at \/1 .*; at \/2 .* \(and 6 more\)\.$/],
  },
  'a value that costs too much to judge is refused': {
    asked: { schema: { items: {} } },
    content: JSON.stringify(Array.from({ length: 300_000 }, () => 0)),
    want: ['OutputInvalid', /too many nodes to be judged/],
  },
  'a schema that is none is named': {
    asked: { schema: { type: 'nothing' } },
    content: '{}',
    want: ['OutputInvalid', /its schema is none/],
  },
}

for (const [what, { asked, content, want, wantHint }] of Object.entries(refused)) {
  test(what, () => {
    const failure = failureOf(() => contentOf(asked, content))
    assert.deepEqual([failure.class, failure.reason], ['ContainerFailed', want[0]])
    assert.match(failure.message, want[1])
    assert.match(failure.hint, wantHint ?? /./)
    assert.doesNotMatch(failure.message + failure.hint, /geheim/)
  })
}

test('only what asks for it is read', () => {
  assert.deepEqual(
    [{}, { inline: false }, { inline: true }, { schema }].map((asked) => asksForContent(output(asked))),
    [false, false, true, true],
  )
})

test('inline outputs that do not fit into a report fail together, by name; others may be left out', () => {
  assert.match(failureOf(() => checkReport(['a', 'b'], 5000, 4096)).message, /The inline outputs \(a, b\) .* 5000 bytes .* 4096/)
  checkReport([], 5000, 4096)
  checkReport(['a'], 4096, 4096)
})
