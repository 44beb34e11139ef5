import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { declarationFindings, type ParameterDeclaration, parameterTypes, parameterValues } from './parameters.ts'

const declared: readonly ParameterDeclaration[] = [
  { name: 'topic', type: 'string', minLength: 2, maxLength: 5, pattern: '^[a-z]+$' },
  { name: 'count', type: 'integer', default: 3, minimum: 1, maximum: 10 },
  { name: 'share', type: 'number', default: 0.5 },
  { name: 'mode', type: 'string', default: 'fast', enum: ['fast', 'slow'] },
  { name: 'files', type: 'list', default: [], maxLength: 2 },
  { name: 'more', type: 'object', default: {} },
]
const said = (given: Record<string, unknown>): readonly string[] => {
  const result = parameterValues(declared, given, ['spec', 'parameters'])
  return 'findings' in result
    ? result.findings.map(({ field, message, suggestion }) => `${field}: ${message}${suggestion === undefined ? '' : `; ${suggestion}`}`)
    : []
}

test('parameters: what is not given has its default, and what is given counts, whatever it is', () => {
  const result = parameterValues(declared, { topic: 'sea', share: 1, files: ['a'] }, [])
  assert.deepEqual(result, { values: { topic: 'sea', count: 3, share: 1, mode: 'fast', files: ['a'], more: {} } })
})

const rows: Record<string, [given: Record<string, unknown>, want: readonly string[]]> = {
  'one that is required': [{}, ['spec.parameters.topic: is required (string); give it in spec.parameters']],
  'one that there is not, with the nearest': [
    { topic: 'sea', cuont: 1 },
    ['spec.parameters.cuont: the pipeline has no such parameter; did you mean "count"?'],
  ],
  'nothing is converted': [
    { topic: 'sea', count: '3', share: 'much', files: {}, more: [] },
    [
      'spec.parameters.count: is a string and must be an integer',
      'spec.parameters.share: is a string and must be a number',
      'spec.parameters.files: is an object and must be a list',
      'spec.parameters.more: is a list and must be an object',
    ],
  ],
  'everything at once, without the values': [
    { topic: 'S', count: 11, mode: 'medium', files: [1, 2, 3] },
    [
      'spec.parameters.topic: has 1 characters and at least 2 are wanted',
      'spec.parameters.topic: does not match ^[a-z]+$',
      'spec.parameters.count: is more than 10',
      'spec.parameters.mode: is none of the choices; use one of "fast", "slow"',
      'spec.parameters.files: has 3 items and at most 2 are taken',
    ],
  ],
  'null is no value': [{ topic: null }, ['spec.parameters.topic: is nothing and must be a string']],
  'a fraction is no integer': [{ topic: 'sea', count: 1.5 }, ['spec.parameters.count: is a number and must be an integer']],
}
for (const [what, [given, want]] of Object.entries(rows)) test(`parameters: ${what}`, () => assert.deepEqual(said(given), want))

test('parameters: declarations that cannot be are told, each by its place', () => {
  const wrong: readonly ParameterDeclaration[] = [
    { name: 'a', type: 'string', minimum: 1 },
    { name: 'a', type: 'integer', minimum: 5, maximum: 1, default: 'x' },
    { name: 'b', type: 'string', pattern: '(?=x)', enum: ['ok', 1] },
    { name: 'c', type: 'boolean', maxLength: 3 },
  ]
  assert.deepEqual(
    declarationFindings(wrong, ['spec', 'parameters']).map(({ field, code }) => `${field} ${code}`),
    [
      'spec.parameters[0].minimum invalid',
      'spec.parameters[1].name duplicate',
      'spec.parameters[1].maximum invalid',
      'spec.parameters[1].default type',
      'spec.parameters[2].pattern invalid',
      'spec.parameters[2].enum[1] type',
      'spec.parameters[3].maxLength invalid',
    ],
  )
  assert.deepEqual(declarationFindings(declared, []), [])
})

test('parameters: whatever is given, there are values or findings, and values are of their types', () => {
  const declarations = parameterTypes.map((type) => ({ name: type, type }))
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...parameterTypes, 'other', '__proto__'), fc.jsonValue()), (given) => {
      const result = parameterValues(declarations, given, [])
      if ('findings' in result) assert.ok(result.findings.length > 0)
      else
        for (const { name, type } of declarations)
          assert.equal(Array.isArray(result.values[name]) ? 'list' : typeof result.values[name], type === 'integer' ? 'number' : type)
    }),
    { numRuns: 500 },
  )
})
