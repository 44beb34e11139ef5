import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileSchema } from './compile.ts'
import { evaluate } from './evaluate.ts'

const nested = (depth: number, inner: unknown, wrap: (inner: unknown) => unknown): unknown => {
  let value = inner
  for (let at = 0; at < depth; at += 1) value = wrap(value)
  return value
}
const doubling = Object.fromEntries(
  Array.from({ length: 60 }, (_, at) => [`d${at}`, { allOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] }]),
)

const refused: Record<string, { schema: unknown; want: RegExp }> = {
  'a reference to itself': { schema: { $ref: '#' }, want: /refers to itself/ },
  'two that refer to one another': {
    schema: { $ref: '#/$defs/a', $defs: { a: { anyOf: [{ $ref: '#/$defs/b' }] }, b: { not: { $ref: '#/$defs/a' } } } },
    want: /refers to itself/,
  },
  'a schema nested 10,000 deep': { schema: nested(10_000, true, (not) => ({ not })), want: /nested deeper than 64/ },
  'a schema of 2 MB': { schema: { enum: ['x'.repeat(2_000_000)] }, want: /larger than/ },
  'a list of a million schemas': { schema: { allOf: Array.from({ length: 1_000_000 }, () => true) }, want: /more than 20000 values/ },
  'thousands of references': {
    schema: { allOf: Array.from({ length: 3000 }, () => ({ $ref: '#/$defs/a' })), $defs: { a: true } },
    want: /references/,
  },
  'references on top of one another': {
    schema: {
      $ref: '#/$defs/d0',
      $defs: { ...Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`d${at}`, { $ref: `#/$defs/d${at + 1}` }])), d500: {} },
    },
    want: /on top of one another/,
  },
  'a reference to another host': { schema: { $ref: 'http://169.254.169.254/latest/meta-data' }, want: /nothing is fetched/ },
  'a reference to a file': { schema: { $ref: 'file:///etc/passwd' }, want: /nothing is fetched/ },
  'a reference to nothing': { schema: { $ref: '#/$defs/nmae', $defs: { name: {} } }, want: /leads to nothing/ },
  'a pattern that looks back': { schema: { pattern: '(a)\\1' }, want: /linear time/ },
  'a pattern that looks ahead': { schema: { pattern: '^(?=a)' }, want: /linear time/ },
  'a pattern that unfolds into millions': { schema: { pattern: '((a{1,1000}){1,1000}){1,1000}' }, want: /linear time/ },
  'a pattern that is none': { schema: { pattern: '(' }, want: /no regular expression/ },
  'a keyword of another shape': { schema: { required: 'name', minLength: -1, properties: [] }, want: /list of names/ },
  'another dialect': { schema: { $schema: 'http://json-schema.org/draft-07/schema#' }, want: /another dialect/ },
  'something that is no schema': { schema: 7, want: /must be an object or a boolean/ },
  'something that JSON cannot say': { schema: { const: Number.NaN }, want: /JSON cannot say/ },
}

for (const [sentence, { schema, want }] of Object.entries(refused)) {
  test(`${sentence} is refused at once`, () => {
    const started = performance.now()
    const result = compileSchema(schema)
    assert.ok(!result.ok)
    assert.match(result.findings.map(({ message }) => message).join('\n'), want)
    assert.ok(performance.now() - started < 3000)
  })
}

const bounded: Record<string, { schema: unknown; value: unknown; want: 'valid' | 'invalid' }> = {
  'references that double sixty times': {
    schema: { $ref: '#/$defs/d0', $defs: { ...doubling, d60: { type: 'string' } } },
    value: 'x',
    want: 'valid',
  },
  'alternatives that double, and never fit': {
    schema: {
      $ref: '#/$defs/d0',
      $defs: {
        ...Object.fromEntries(
          Array.from({ length: 60 }, (_, at) => [`d${at}`, { anyOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] }]),
        ),
        d60: { type: 'string' },
      },
    },
    value: 7,
    want: 'invalid',
  },
  'a pattern that ruins backtracking': { schema: { pattern: '^(a+)+$' }, value: `${'a'.repeat(50_000)}!`, want: 'invalid' },
  'a list judged by itself on all levels': {
    schema: {
      $defs: { t: { anyOf: [{ type: 'null' }, { items: { $ref: '#/$defs/t' } }, { items: { $ref: '#/$defs/t' } }] } },
      $ref: '#/$defs/t',
    },
    value: nested(100, 7, (inner) => [inner]),
    want: 'valid',
  },
  'an enum of thousands': { schema: { enum: Array.from({ length: 15_000 }, (_, at) => at) }, value: 'x', want: 'invalid' },
  'a value nested 10,000 deep': { schema: {}, value: nested(10_000, 1, (inner) => [inner]), want: 'invalid' },
  'a list of 50,000 equal entries that must be unique': {
    schema: { uniqueItems: true },
    value: Array.from({ length: 50_000 }, () => ({ a: 1 })),
    want: 'invalid',
  },
  'many patterns on many names': {
    schema: { patternProperties: Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`^x${at}`, true])) },
    value: Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`y${at}`, 1])),
    want: 'invalid',
  },
}

for (const [sentence, { schema, value, want }] of Object.entries(bounded)) {
  test(`${sentence}: an answer in bounded time`, () => {
    const result = compileSchema(schema)
    assert.ok(result.ok)
    const started = performance.now()
    const found = evaluate(result.schema, value)
    const elapsed = performance.now() - started
    assert.equal(found.length === 0 ? 'valid' : 'invalid', want)
    assert.ok(elapsed < 3000, `took ${elapsed} ms`)
  })
}

test('a keyword that nobody knows is noted, with the one that was meant', () => {
  const result = compileSchema({ propertees: {} })
  assert.ok(result.ok)
  assert.deepEqual(
    result.schema.notes.map(({ pointer, suggestion }) => ({ pointer, suggestion })),
    [{ pointer: '/propertees', suggestion: 'did you mean "properties"?' }],
  )
})

test('compiling and judging are total on anything', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (document, value) => {
      const result = compileSchema(document)
      if (result.ok) evaluate(result.schema, value)
    }),
  )
  const keywords = fc.constantFrom(
    '$ref',
    '$id',
    '$anchor',
    '$dynamicRef',
    'type',
    'pattern',
    'properties',
    'allOf',
    'if',
    '$defs',
    '__proto__',
  )
  fc.assert(
    fc.property(fc.dictionary(keywords, fc.jsonValue()), fc.jsonValue(), (document, value) => {
      const result = compileSchema(document)
      if (result.ok) evaluate(result.schema, value)
    }),
  )
})
