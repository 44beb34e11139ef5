import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asEnvironmentJson, outputSchemaMistakes } from './output-schema.ts'

const long = (bytes: number) => ({ description: 'x'.repeat(bytes) })

const cases: Record<string, { readonly outputs: unknown; readonly want: readonly (readonly [number | undefined, string, RegExp])[] }> = {
  'outputs without schemas are right': { outputs: [{ name: 'a' }, {}, 3], want: [] },
  'no outputs are right': { outputs: undefined, want: [] },
  'a schema that compiles is right': { outputs: [{ schema: { type: 'object', $defs: { a: {} } } }], want: [] },
  'a schema that is none is told with its place': {
    outputs: [{}, { schema: { properties: { a: { type: 'strin' } } } }],
    want: [[1, '/properties/a/type', /./]],
  },
  'a schema that refers to elsewhere is refused': { outputs: [{ schema: { $ref: 'https://example.com/x' } }], want: [[0, '/$ref', /./]] },
  'a schema of more than 8 KiB is refused': { outputs: [{ schema: long(9000) }], want: [[0, '', /8192/]] },
  'dollars count as they are sent': {
    outputs: [{ schema: { description: '$'.repeat(2000) } }],
    want: [[0, '', /1\d{4} bytes as JSON, and at most 8192/]],
  },
  'all schemas together have a bound of their own': {
    outputs: Array.from({ length: 9 }, () => ({ schema: long(7800) })),
    want: [[undefined, '', /the schemas of all outputs together have \d+ bytes as JSON, and at most 65536/]],
  },
}

for (const [what, { outputs, want }] of Object.entries(cases)) {
  test(what, () => {
    const found = outputSchemaMistakes(outputs)
    assert.deepEqual(
      found.map(({ index, pointer }) => [index, pointer]),
      want.map(([index, pointer]) => [index, pointer]),
    )
    for (const [at, [, , message]] of want.entries()) assert.match(found[at]?.message ?? '', message)
  })
}

test('a kubelet finds nothing to put in', () => {
  const value = { $ref: '#/$defs/a', pattern: '^a$$(PATH)' }
  const text = asEnvironmentJson(value)
  assert.doesNotMatch(text, /\$/)
  assert.deepEqual(JSON.parse(text), value)
})
