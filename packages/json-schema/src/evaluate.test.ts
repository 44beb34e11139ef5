import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { someSchema, someValue } from './arbitrary.test-kit.ts'
import { type CompiledSchema, compileSchema } from './compile.ts'
import { evaluate, isValid } from './evaluate.ts'

function compiled(document: unknown): CompiledSchema {
  const result = compileSchema(document, { formats: 'assert' })
  assert.ok(result.ok)
  return result.schema
}

test('the verdict is the one of another implementation, on generated schemas and values', () => {
  let valid = 0
  let judged = 0
  fc.assert(
    fc.property(someSchema({ whole: true }), fc.array(someValue, { minLength: 3, maxLength: 3 }), (document, values) => {
      const ours = compileSchema(document)
      // A schema that applies itself to the same place is refused here; the other implementation would not come back.
      if (!ours.ok) {
        assert.ok(ours.findings.every(({ message }) => message.includes('refers to itself')))
        return
      }
      // The other one forgets that `contains` counts for `unevaluatedItems` (2020-12, 11.2); the official suite, which we pass, says so.
      const text = JSON.stringify(document)
      if (text.includes('"contains"') && text.includes('"unevaluatedItems"')) return
      const theirs = new Ajv2020({ strict: false, allErrors: true, logger: false }).compile(document)
      for (const value of values) {
        judged += 1
        const is = isValid(ours.schema, value)
        if (is) valid += 1
        assert.equal(is, theirs(value), JSON.stringify({ document, value }))
      }
    }),
    { numRuns: 400 },
  )
  assert.ok(valid > judged / 20 && valid < judged * 0.95, `${valid} of ${judged} were valid: such a world proves little`)
})

const wanted: Record<string, { schema: unknown; value: unknown; want: readonly Record<string, unknown>[] }> = {
  'every mistake is told at once, each with its place': {
    schema: { type: 'object', required: ['name'], properties: { size: { minimum: 1 }, kind: { enum: ['small', 'large'] } } },
    value: { size: 0, kind: 'lrage' },
    want: [
      { pointer: '/name', keyword: 'required', found: 'nothing' },
      { pointer: '/size', keyword: 'minimum', expected: 'at least 1', found: 'number' },
      { pointer: '/kind', keyword: 'enum', found: 'string', suggestion: 'did you mean "large"?' },
    ],
  },
  'a slip in a name is told with the name that was meant': {
    schema: { properties: { maxTokens: { type: 'integer' } }, additionalProperties: false },
    value: { max_tokens: 4 },
    want: [{ pointer: '/max_tokens', keyword: 'additionalProperties', suggestion: 'did you mean "maxTokens"?' }],
  },
  'names that are known at the same place count for what is unevaluated': {
    schema: { $defs: { base: { properties: { maxTokens: {} } } }, $ref: '#/$defs/base', unevaluatedProperties: false },
    value: { maxToken: 4 },
    want: [{ pointer: '/maxToken', keyword: 'unevaluatedProperties', suggestion: 'did you mean "maxTokens"?' }],
  },
  'the nearest of several alternatives says what is wrong': {
    schema: {
      oneOf: [
        { properties: { kind: { const: 'file' }, path: { type: 'string' } }, required: ['kind', 'path'] },
        { properties: { kind: { const: 'url' }, url: { type: 'string', format: 'uri' } }, required: ['kind', 'url'] },
      ],
    },
    value: { kind: 'url', url: 'no uri' },
    want: [{ pointer: '', keyword: 'oneOf' }],
  },
}

for (const [sentence, { schema, value, want }] of Object.entries(wanted)) {
  test(sentence, () => {
    const found = evaluate(compiled(schema), value)
    assert.deepEqual(
      found.map((finding, at) => Object.fromEntries(Object.keys(want[at] ?? {}).map((key) => [key, Reflect.get(finding, key)]))),
      want,
    )
  })
}

test('the causes within alternatives are those of the nearest', () => {
  const { schema, value } = wanted['the nearest of several alternatives says what is wrong'] ?? {}
  const [finding] = evaluate(compiled(schema), value)
  assert.deepEqual(
    finding?.causes?.map(({ pointer, keyword }) => ({ pointer, keyword })),
    [{ pointer: '/url', keyword: 'format' }],
  )
})

test('no finding holds a text of the value', () => {
  const secret = 'hunter2-hunter2'
  const schema = compiled({
    properties: { a: { enum: ['x'] }, b: { pattern: '^x$' }, c: { format: 'email' }, d: { maxLength: 3 }, e: { type: 'integer' } },
  })
  const found = evaluate(schema, { a: secret, b: secret, c: secret, d: secret, e: secret })
  assert.equal(found.length, 5)
  assert.doesNotMatch(JSON.stringify(found), /hunter2/)
})
