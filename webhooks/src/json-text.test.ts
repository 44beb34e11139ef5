import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { JsonTextError, parseJsonText } from './json-text.ts'

const refused: Record<string, { body: string | Uint8Array; wantMessage: RegExp }> = {
  'nothing at all': { body: '', wantMessage: /no JSON/ },
  'a cut text': { body: '{"a": "b', wantMessage: /no JSON/ },
  'a NUL byte': { body: '{"a":\u0000 1}', wantMessage: /no JSON/ },
  'a NUL byte in a string': { body: '{"a":"\u0000"}', wantMessage: /no JSON/ },
  'invalid UTF-8': { body: Uint8Array.from([0x22, 0xff, 0x22]), wantMessage: /UTF-8/ },
  'an overlong encoding of /': { body: Uint8Array.from([0x22, 0xc0, 0xaf, 0x22]), wantMessage: /UTF-8/ },
  'the same member twice': { body: '{"a":1,"b":{"a":1},"a":2}', wantMessage: /twice/ },
  'the same member twice, once escaped': { body: '{"a":1,"\\u0061":2}', wantMessage: /twice/ },
  'nesting of 10,000 lists': { body: '['.repeat(10_000), wantMessage: /deeper/ },
  'nesting of 10,000 objects': { body: '{"a":'.repeat(10_000), wantMessage: /deeper/ },
}

for (const [sentence, { body, wantMessage }] of Object.entries(refused)) {
  test(`refuses ${sentence}`, () => {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    assert.throws(
      () => parseJsonText(bytes),
      (error) => error instanceof JsonTextError && wantMessage.test(error.message),
    )
  })
}

test('a long run of backslashes takes linear time', () => {
  const text = JSON.stringify({ a: '\\'.repeat(1_000_000), b: '"'.repeat(1_000_000) })
  const started = performance.now()
  parseJsonText(Buffer.from(text))
  assert.ok(performance.now() - started < 2000)
})

test('accepts whatever JSON.stringify writes', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) =>
      assert.deepEqual(parseJsonText(Buffer.from(JSON.stringify(value))), JSON.parse(JSON.stringify(value))),
    ),
  )
})
