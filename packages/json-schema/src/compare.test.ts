import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { somePair, someSchema, someValue } from './arbitrary.test-kit.ts'
import { type CompatibilityMode, compareSchemas } from './compare.ts'
import { type CompiledSchema, compileSchema } from './compile.ts'
import { isValid } from './evaluate.ts'
import { samplesNear } from './sample.ts'

function compiled(document: unknown): CompiledSchema {
  const result = compileSchema(document, { formats: 'assert' })
  assert.ok(result.ok)
  return result.schema
}

const object = (properties: object, more: object = {}): object => ({ type: 'object', properties, ...more })
const text = { type: 'string' }
const tree = { $ref: '#/$defs/node', $defs: { node: object({ name: text, children: { type: 'array', items: { $ref: '#/$defs/node' } } }) } }
const rolled = {
  $ref: '#/$defs/node',
  $defs: {
    node: { allOf: [{ $ref: '#/$defs/base' }], properties: { children: { items: { $ref: '#/$defs/node' } } } },
    base: object({ name: text, children: { type: 'array' } }),
  },
}
const shapes = (kinds: readonly string[]): object => ({
  oneOf: kinds.map((kind) => object({ kind: { const: kind }, [kind]: text }, { required: ['kind', kind], additionalProperties: false })),
})

interface Case {
  readonly older: unknown
  readonly newer: unknown
  readonly mode?: CompatibilityMode
  /** `keyword pointer` of each difference; none: compatible. */
  readonly want: readonly string[]
}

const cases: Record<string, Case> = {
  'the same again': { older: object({ a: text }), newer: object({ a: text }), mode: 'FULL', want: [] },
  'other words about the same': {
    older: object({ a: text }, { title: 'x' }),
    newer: object({ a: text }, { description: 'y' }),
    mode: 'FULL',
    want: [],
  },
  'a member more, which may be left out': {
    older: object({ a: text }, { additionalProperties: false }),
    newer: object({ a: text, b: text }, { additionalProperties: false }),
    want: [],
  },
  'the same, looked at from the newer': {
    older: object({ a: text }, { additionalProperties: false }),
    newer: object({ a: text, b: text }, { additionalProperties: false }),
    mode: 'FORWARD',
    want: ['additionalProperties /b'],
  },
  'a member that was free gets a type': { older: object({ a: text }), newer: object({ a: text, b: text }), want: ['type /b'] },
  'a member becomes required': { older: object({ a: text }), newer: object({ a: text }, { required: ['a'] }), want: ['required /a'] },
  'a member is no longer required': { older: object({ a: text }, { required: ['a'] }), newer: object({ a: text }), want: [] },
  'two changes at once': {
    older: object({ size: { type: 'integer', maximum: 10 }, kind: { enum: ['a', 'b'] } }),
    newer: object({ size: { type: 'integer', maximum: 5 }, kind: { enum: ['a'] } }),
    want: ['enum /kind', 'maximum /size'],
  },
  'an enum grows': { older: { enum: ['a', 'b'] }, newer: { enum: ['a', 'b', 'c'] }, want: [] },
  'an enum within a pattern': { older: { enum: ['a1', 'b2'] }, newer: { type: 'string', pattern: '^[a-z][0-9]$' }, want: [] },
  'an enum beyond a pattern': { older: { enum: ['a1', 'b'] }, newer: { type: 'string', pattern: '^[a-z][0-9]$' }, want: ['pattern '] },
  'a type more': { older: { type: 'string' }, newer: { type: ['string', 'null'] }, want: [] },
  'whole numbers are numbers': { older: { type: 'integer' }, newer: { type: 'number' }, want: [] },
  'numbers are not all whole': { older: { type: 'number' }, newer: { type: 'integer' }, want: ['type '] },
  'every multiple of six is one of three': { older: { type: 'number', multipleOf: 6 }, newer: { multipleOf: 3 }, want: [] },
  'not every multiple of three is one of six': {
    older: { type: 'number', multipleOf: 3 },
    newer: { multipleOf: 6 },
    want: ['multipleOf '],
  },
  'an open bound within a closed one': { older: { type: 'number', exclusiveMinimum: 0 }, newer: { minimum: 0 }, want: [] },
  'a closed bound beyond an open one': {
    older: { type: 'number', minimum: 0 },
    newer: { exclusiveMinimum: 0 },
    want: ['exclusiveMinimum '],
  },
  'longer texts': { older: { type: 'string', maxLength: 5 }, newer: { maxLength: 4 }, want: ['maxLength '] },
  'another pattern': { older: { type: 'string', pattern: '^[a-z]+$' }, newer: { type: 'string', pattern: '^[a-f]+$' }, want: ['pattern '] },
  'a format more': { older: { type: 'string' }, newer: { type: 'string', format: 'email' }, want: ['format '] },
  'a list gets a bound': { older: { type: 'array', items: text }, newer: { type: 'array', items: text, maxItems: 2 }, want: ['maxItems '] },
  'a list must be without repeats': {
    older: { type: 'array', items: { type: 'integer' } },
    newer: { type: 'array', uniqueItems: true },
    want: ['uniqueItems '],
  },
  'a first item of another type': {
    older: { type: 'array', prefixItems: [text] },
    newer: { type: 'array', prefixItems: [{ type: 'number' }] },
    want: ['type /0'],
  },
  'a list that must contain what all items are': {
    older: { type: 'array', items: text, minItems: 1 },
    newer: { contains: text },
    want: [],
  },
  'an alternative more': { older: shapes(['file', 'url']), newer: shapes(['file', 'url', 'job']), want: [] },
  'an alternative fewer': { older: shapes(['file', 'url']), newer: shapes(['file']), want: ['oneOf '] },
  'a type taken apart into alternatives': {
    older: { type: ['string', 'number'] },
    newer: { anyOf: [{ type: 'string' }, { type: 'number' }] },
    want: [],
  },
  'a condition that depends on a member': {
    older: object({ kind: { enum: ['a', 'b'] }, n: { type: 'integer' } }, { required: ['kind', 'n'] }),
    newer: {
      if: { properties: { kind: { const: 'a' } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
      then: { required: ['n'] },
    },
    want: [],
  },
  'a condition that asks for more': {
    older: object({ kind: { enum: ['a', 'b'] } }, { required: ['kind'] }),
    newer: {
      if: { properties: { kind: { const: 'a' } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
      then: { required: ['n'] },
    },
    want: ['required /n'],
  },
  'a tree, told in two ways': { older: tree, newer: rolled, want: [] },
  'a tree whose leaves change': {
    older: tree,
    newer: {
      $ref: '#/$defs/node',
      $defs: { node: object({ name: { type: 'string', maxLength: 3 }, children: { type: 'array', items: { $ref: '#/$defs/node' } } }) },
    },
    want: ['maxLength /name'],
  },
  'closed by what others left unevaluated': {
    older: { allOf: [object({ a: text })], properties: { b: text }, unevaluatedProperties: false },
    newer: object({ a: text, b: text }, { additionalProperties: false }),
    mode: 'FULL',
    want: [],
  },
  'nothing is asked': { older: { type: 'string' }, newer: { type: 'number' }, mode: 'NONE', want: [] },
  'a dependency more': {
    older: object({ a: text }),
    newer: object({ a: text }, { dependentRequired: { a: ['b'] } }),
    want: ['dependentRequired /b'],
  },
  'what is excluded was never there': { older: { type: 'string' }, newer: { not: { type: 'number' } }, want: [] },
  'something is excluded': { older: { type: 'string' }, newer: { not: { const: 'a' } }, want: ['not '] },
}

for (const [sentence, { older, newer, mode = 'BACKWARD', want }] of Object.entries(cases)) {
  test(`${sentence}: ${want.length === 0 ? 'compatible' : 'incompatible'}`, () => {
    const { result, differences, doubts } = compareSchemas(compiled(older), compiled(newer), mode)
    assert.deepEqual(
      differences.map(({ keyword, pointer }) => `${keyword} ${pointer}`),
      want,
      JSON.stringify({ differences, doubts }),
    )
    assert.equal(result, want.length === 0 ? 'compatible' : 'incompatible', JSON.stringify(doubts))
  })
}

test('what cannot be decided is said, with the place', () => {
  // All texts that match the one match the other, but nobody here proves it.
  const older = compiled({ properties: { a: { type: 'string', pattern: '^a{2}$' } } })
  const newer = compiled({ properties: { a: { type: 'string', pattern: '^aa$' } } })
  const { result, doubts } = compareSchemas(older, newer, 'BACKWARD')
  assert.equal(result, 'undecided')
  assert.deepEqual(
    doubts.map(({ pointer, keyword, schemaPointer }) => ({ pointer, keyword, schemaPointer })),
    [{ pointer: '/a', keyword: 'pattern', schemaPointer: '/properties/a' }],
  )
})

test('compatible is what generated documents say, and each counter-example is real to another implementation', () => {
  const seen = { compatible: 0, incompatible: 0, undecided: 0 }
  fc.assert(
    fc.property(somePair, fc.array(someValue, { minLength: 30, maxLength: 30 }), ([olderDocument, newerDocument], values) => {
      const [older, newer] = [compiled(olderDocument), compiled(newerDocument)]
      const { result, differences } = compareSchemas(older, newer, 'BACKWARD')
      seen[result] += 1
      const shown = JSON.stringify({ olderDocument, newerDocument })
      if (result === 'compatible') {
        for (const value of [...values, ...samplesNear(older, newer)])
          assert.ok(!isValid(older, value) || isValid(newer, value), `${shown} ${JSON.stringify(value)}`)
      }
      for (const { counterExample } of differences) {
        const theirs = new Ajv2020({ strict: false, logger: false })
        assert.deepEqual(
          [theirs.validate(olderDocument, counterExample), theirs.validate(newerDocument, counterExample)],
          [true, false],
          shown,
        )
      }
    }),
    { numRuns: 250 },
  )
  assert.ok(seen.compatible > 40 && seen.incompatible > 40, JSON.stringify(seen))
  assert.ok(seen.undecided < 75, JSON.stringify(seen))
})

test('compared with itself, a schema is compatible', () => {
  fc.assert(
    fc.property(someSchema({ whole: true }), (document) => {
      const result = compileSchema(document)
      const again = compileSchema(structuredClone(document))
      if (result.ok && again.ok) assert.equal(compareSchemas(result.schema, again.schema, 'FULL').result, 'compatible')
    }),
  )
})

const doubled = (keyword: string, last: object): object => ({
  $ref: '#/$defs/d0',
  $defs: {
    ...Object.fromEntries(
      Array.from({ length: 50 }, (_, at) => [
        `d${at}`,
        { [keyword]: [{ $ref: `#/$defs/d${at + 1}` }, { properties: { x: { $ref: `#/$defs/d${at + 1}` } } }] },
      ]),
    ),
    d50: last,
  },
})

for (const keyword of ['allOf', 'anyOf', 'oneOf']) {
  test(`schemas that double by ${keyword} are compared in bounded time`, () => {
    const started = performance.now()
    compareSchemas(compiled(doubled(keyword, { type: 'string' })), compiled(doubled(keyword, { type: 'string', maxLength: 3 })), 'FULL')
    const elapsed = performance.now() - started
    assert.ok(elapsed < 5000, `took ${elapsed} ms`)
  })
}
