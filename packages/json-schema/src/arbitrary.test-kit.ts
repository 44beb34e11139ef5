/** Schemas and values of a small world, so that generated values often fit generated schemas, and often nearly. */
import fc from 'fast-check'

const names = ['a', 'b', 'c'] as const
const someName = fc.constantFrom<string>(...names)
const someText = fc.constantFrom('', 'a', 'b', 'ab', 'abc', 'x1')
const someNumber = fc.constantFrom(-2, -1, 0, 0.5, 1, 1.5, 2, 3, 4)
const somePattern = fc.constantFrom('^a', 'b$', '^[a-c]*$', '[0-9]', '^.$')
const someType = fc.constantFrom('null', 'boolean', 'integer', 'number', 'string', 'array', 'object')
const small = fc.nat({ max: 3 })

/** JSON values of that world. */
export const someValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.oneof(fc.constant(null), fc.boolean(), someNumber, someText),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(someName, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value

export interface SchemaWorld {
  /** Also keywords that ask what others left unevaluated, references and dynamic ones. */
  readonly whole: boolean
}

/** ajv 8 takes an empty list for one that contains something when `prefixItems` stands beside `contains`, so it is not asked. */
function judgeable(schema: Record<string, unknown>): Record<string, unknown> {
  if (!Object.hasOwn(schema, 'contains')) return schema
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => keyword !== 'prefixItems'))
}

/** Schema documents of that world. */
export function someSchema({ whole }: SchemaWorld): fc.Arbitrary<Record<string, unknown>> {
  const { schema } = fc.letrec<{ schema: unknown; object: Record<string, unknown> }>((tie) => {
    const sub = tie('schema')
    const list = fc.array(sub, { minLength: 1, maxLength: 2 })
    const named = fc.dictionary(someName, sub, { maxKeys: 3 })
    const plain = {
      type: fc.oneof(someType, fc.uniqueArray(someType, { minLength: 1, maxLength: 3 })),
      enum: fc.uniqueArray(someValue, { minLength: 1, maxLength: 3, selector: (value) => JSON.stringify(value) }),
      const: someValue,
      minimum: someNumber,
      maximum: someNumber,
      exclusiveMinimum: someNumber,
      exclusiveMaximum: someNumber,
      multipleOf: fc.constantFrom(0.5, 1, 2, 3),
      minLength: small,
      maxLength: small,
      pattern: somePattern,
      minItems: small,
      maxItems: small,
      uniqueItems: fc.boolean(),
      minProperties: small,
      maxProperties: small,
      required: fc.uniqueArray(someName, { maxLength: 2 }),
      dependentRequired: fc.dictionary(someName, fc.uniqueArray(someName, { maxLength: 2 }), { maxKeys: 2 }),
    }
    const nested = {
      prefixItems: list,
      items: sub,
      contains: sub,
      minContains: small,
      maxContains: small,
      properties: named,
      patternProperties: fc.dictionary(somePattern, sub, { maxKeys: 2 }),
      additionalProperties: sub,
      propertyNames: sub,
      dependentSchemas: named,
      allOf: list,
      anyOf: list,
      oneOf: list,
      not: sub,
      if: sub,
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
      then: sub,
      else: sub,
      ...(whole ? { unevaluatedItems: sub, unevaluatedProperties: sub, $ref: fc.constantFrom('#/$defs/one', '#/$defs/two') } : {}),
    }
    const pick = (from: Record<string, fc.Arbitrary<unknown>>, most: number): fc.Arbitrary<Record<string, unknown>> =>
      fc
        .uniqueArray(fc.constantFrom(...Object.keys(from)), { maxLength: most })
        .chain((keys) => fc.record(Object.fromEntries(keys.map((key) => [key, from[key] ?? fc.constant(true)]))))
    return {
      object: fc.tuple(pick(plain, 2), pick(nested, 2)).map(([a, b]) => judgeable({ ...a, ...b })),
      schema: fc.oneof({ maxDepth: 2, withCrossShrink: true }, fc.oneof(fc.boolean(), pick(plain, 2)), tie('object')),
    }
  })
  const root = schema.map((each) => (typeof each === 'object' ? (each as Record<string, unknown>) : { allOf: [each] }))
  return whole ? fc.tuple(root, root, root).map(([each, one, two]) => ({ ...each, $defs: { one, two } })) : root
}

/** A schema and one that differs from it in a detail, or in everything. */
export const somePair = someSchema({ whole: false }).chain((older) =>
  fc.tuple(
    fc.constant(older),
    fc.oneof(
      { weight: 3, arbitrary: someSchema({ whole: false }).map((more) => judgeable({ ...older, ...more })) },
      {
        weight: 2,
        arbitrary: fc
          .constantFrom('', ...Object.keys(older))
          .map((left) => Object.fromEntries(Object.entries(older).filter(([key]) => key !== left))),
      },
      { weight: 1, arbitrary: someSchema({ whole: false }) },
    ),
  ),
)
