import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { keyedBy, mapOf, opaque, rule, setOf } from './schema.ts'
import { structuralOf } from './structural.ts'

const text = z.string().max(8)
const field = (schema: z.ZodType): z.ZodType => z.object({ a: schema.describe('A.') })
const emitted = (schema: z.ZodType): unknown => {
  const { description: _description, ...rest } = structuralOf(field(schema), 'X.spec').properties?.['a'] ?? {}
  return rest
}

const refused: Record<string, { schema: z.ZodType; want: RegExp }> = {
  'a union': { schema: z.union([text, z.int()]), want: /^X\.spec\.a: anyOf is not structural/ },
  'a discriminated union': {
    schema: z.discriminatedUnion('k', [z.object({ k: z.literal('a') }), z.object({ k: z.literal('b') })]),
    want: /^X\.spec\.a: oneOf is not structural/,
  },
  'an intersection': {
    schema: z.intersection(z.object({ b: text }), z.object({ c: text })),
    want: /^X\.spec\.a: intersection cannot be part/,
  },
  'a tuple': { schema: z.tuple([text]), want: /^X\.spec\.a\[\]: anyOf is not structural/ },
  'two patterns': { schema: text.regex(/a/).regex(/b/), want: /^X\.spec\.a: allOf is not structural/ },
  'a pattern with look-ahead': { schema: text.regex(/(?=a)/), want: /look-around/ },
  'a pattern with a back-reference': { schema: text.regex(/(a)\1/), want: /back-references/ },
  'a pattern that ignores case': { schema: text.regex(/a/i), want: /the flags of \/a\/i would be lost/ },
  'a format that the API server reads otherwise': { schema: z.ipv4(), want: /^X\.spec\.a: the format ipv4/ },
  'a refinement': { schema: text.refine(() => true), want: /^X\.spec\.a: a refinement/ },
  'a transform': { schema: text.transform(() => 1), want: /^X\.spec\.a: a transform/ },
  'a trim': { schema: text.trim(), want: /^X\.spec\.a: a change of the value/ },
  'a coercion': { schema: z.coerce.number(), want: /^X\.spec\.a: coercion/ },
  'a catch': { schema: text.catch('b'), want: /^X\.spec\.a: a catch/ },
  'a prefault': { schema: text.prefault('b'), want: /^X\.spec\.a: a prefault/ },
  'a date': { schema: z.date(), want: /Date cannot be represented/ },
  'a big integer': { schema: z.bigint(), want: /BigInt cannot be represented/ },
  'fields that nobody declared': { schema: z.looseObject({ b: text.describe('B.') }), want: /^X\.spec\.a: fields that nobody declared/ },
  'a value of any shape without opaque()': { schema: z.unknown(), want: /^X\.spec\.a: it has no type; use opaque\(\)/ },
  'an object without fields': { schema: z.object({}), want: /^X\.spec\.a: an object without fields/ },
  'an id in the metadata': { schema: text.meta({ id: 'X' }), want: /^X\.spec\.a: an id in meta\(\)/ },
  'a string without a bound': { schema: z.string(), want: /^X\.spec\.a: bound it with max\(\)/ },
  'a string without a bound, deep inside': {
    schema: z.array(z.object({ b: z.string().describe('B.') })).max(2),
    want: /^X\.spec\.a\[\]\.b: bound it/,
  },
  'a list without a bound': { schema: z.array(text), want: /^X\.spec\.a: bound the list/ },
  'a map without a bound': { schema: z.record(z.string(), text), want: /^X\.spec\.a: bound the map/ },
  'a map whose keys have a form': { schema: z.record(z.string().max(3), text), want: /^X\.spec\.a: what is said about the keys/ },
  'a field without a description': { schema: z.object({ b: text }), want: /^X\.spec\.a\.b: describe it/ },
  'a default that does not say everything': {
    schema: z.object({ b: z.int32().default(1).describe('B.') }).default({} as never), // The types refuse it as well.
    want: /^X\.spec\.a: write the default in full: \{"b":1\}/,
  },
  'a default that its schema refuses': { schema: text.default('far too long'), want: /^X\.spec\.a: the default is not allowed/ },
}

for (const [sentence, { schema, want }] of Object.entries(refused)) {
  test(`refuses ${sentence}`, () => {
    assert.throws(() => structuralOf(field(schema), 'X.spec'), { message: want })
  })
}

const expressed: Record<string, { schema: z.ZodType; want: unknown }> = {
  'an integer of 32 bits says its bounds, so that a refusal names the field': {
    schema: z.int32().min(1),
    want: { type: 'integer', format: 'int32', minimum: 1, maximum: 2 ** 31 - 1 },
  },
  'a large integer keeps its large bound': {
    schema: z
      .int()
      .min(0)
      .max(2 ** 40),
    want: { type: 'integer', format: 'int64', minimum: 0, maximum: 2 ** 40 },
  },
  'a number keeps bounds beyond 32 bits': { schema: z.number().max(1e12), want: { type: 'number', maximum: 1e12 } },
  'an open bound stays open': {
    schema: z.number().gt(0).lt(1),
    want: { type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 1, exclusiveMaximum: true },
  },
  'a time is a format without a pattern': { schema: z.iso.datetime(), want: { type: 'string', format: 'date-time' } },
  'a literal is an enum of one': { schema: z.literal('x'), want: { type: 'string', enum: ['x'] } },
  'a nullable says so': { schema: text.nullable(), want: { type: 'string', maxLength: 8, nullable: true } },
  'slashes of a pattern need no escape': {
    schema: text.regex(/^a:\/\//),
    want: { type: 'string', maxLength: 8, pattern: '^a://' },
  },
  'a strict object is an object': {
    schema: z.strictObject({ b: text.optional().describe('B.') }),
    want: { type: 'object', properties: { b: { type: 'string', maxLength: 8, description: 'B.' } } },
  },
  'a defaulted field is not required': {
    schema: z.object({ b: text.default('x').describe('B.'), c: text.describe('C.') }),
    want: {
      type: 'object',
      required: ['c'],
      properties: {
        b: { type: 'string', maxLength: 8, default: 'x', description: 'B.' },
        c: { type: 'string', maxLength: 8, description: 'C.' },
      },
    },
  },
  'a list is replaced as a whole': {
    schema: z.array(text).max(2),
    want: { type: 'array', maxItems: 2, items: { type: 'string', maxLength: 8 }, 'x-kubernetes-list-type': 'atomic' },
  },
  'a set has no repeats': {
    schema: setOf(z.array(text).max(2)),
    want: { type: 'array', maxItems: 2, items: { type: 'string', maxLength: 8 }, 'x-kubernetes-list-type': 'set' },
  },
  'a keyed list is merged item by item, a description added later or not': {
    schema: keyedBy(z.array(z.object({ k: text.describe('K.') })).max(2), 'k').optional(),
    want: {
      type: 'array',
      maxItems: 2,
      items: { type: 'object', required: ['k'], properties: { k: { type: 'string', maxLength: 8, description: 'K.' } } },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['k'],
    },
  },
  'a map says the length of its keys in CEL': {
    schema: mapOf(text, { maxKeys: 4, maxKeyLength: 9 }),
    want: {
      type: 'object',
      additionalProperties: { type: 'string', maxLength: 8 },
      maxProperties: 4,
      'x-kubernetes-validations': [{ rule: 'self.all(key, size(key) <= 9)', message: 'keys may have at most 9 characters' }],
    },
  },
  'an opaque value is kept as it is': {
    schema: opaque('Any.'),
    want: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
  'rules come with message, place and reason, and survive optional() and describe()': {
    schema: rule(z.object({ b: text.optional().describe('B.') }), {
      rule: 'has(self.b)',
      message: 'b it must be',
      fieldPath: '.b',
      reason: 'FieldValueRequired',
    })
      .describe('first')
      .optional(),
    want: {
      type: 'object',
      properties: { b: { type: 'string', maxLength: 8, description: 'B.' } },
      'x-kubernetes-validations': [{ rule: 'has(self.b)', message: 'b it must be', fieldPath: '.b', reason: 'FieldValueRequired' }],
    },
  },
}

for (const [sentence, { schema, want }] of Object.entries(expressed)) {
  test(sentence, () => {
    assert.deepEqual(emitted(schema), want)
  })
}
