import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiVersion, type Schema, type SchemaStatus } from '@mnemos/api'
import { decideSchema } from './schema.ts'

const now = Date.parse('2026-01-02T03:04:05Z')
const string = { type: 'string' }

function aSchema(document: Record<string, unknown>, more: Partial<Schema['spec']> = {}, status?: SchemaStatus): Schema {
  return {
    apiVersion,
    kind: 'Schema',
    metadata: { name: 'families', uid: 'u', generation: 4 },
    spec: { document, appliesTo: [], mode: 'Enforce', compatibility: 'BACKWARD', ...more },
    ...(status === undefined ? {} : { status }),
  }
}

/** Applies documents one after the other, as if each was seen. */
function after(specs: readonly { document: Record<string, unknown>; more?: Partial<Schema['spec']> }[]): {
  status: SchemaStatus
  reason: string
} {
  let status: SchemaStatus | undefined
  let reason = ''
  for (const { document, more } of specs) {
    const plan = decideSchema({ schema: aSchema(document, more, status) }, now)
    assert.ok(plan.status)
    status = plan.status
    reason = plan.conditions?.at(0)?.reason ?? ''
  }
  assert.ok(status)
  return { status, reason }
}

const cases: Record<
  string,
  { specs: Parameters<typeof after>[0]; want: { inForce?: number; latest?: number; kept: number[]; reason: string } }
> = {
  'the first document is version 1': {
    specs: [{ document: string }],
    want: { inForce: 1, latest: 1, kept: [1], reason: 'VersionInForce' },
  },
  'a second look makes no version': {
    specs: [{ document: string }, { document: string }],
    want: { inForce: 1, latest: 1, kept: [1], reason: 'VersionInForce' },
  },
  'a compatible change is a version more': {
    specs: [{ document: { ...string, maxLength: 4 } }, { document: string }],
    want: { inForce: 2, latest: 2, kept: [1, 2], reason: 'VersionInForce' },
  },
  'an incompatible one that came in all the same is not accepted': {
    specs: [{ document: string }, { document: { type: 'number' } }],
    want: { inForce: 1, latest: 1, kept: [1], reason: 'Incompatible' },
  },
  'what cannot be decided is not accepted': {
    specs: [{ document: { ...string, pattern: '^a{2}$' } }, { document: { ...string, pattern: '^aa$' } }],
    want: { inForce: 1, latest: 1, kept: [1], reason: 'CompatibilityUndecided' },
  },
  'a document that does not compile is not accepted': {
    specs: [{ document: string }, { document: { $ref: '#' } }],
    want: { inForce: 1, latest: 1, kept: [1], reason: 'DocumentDoesNotCompile' },
  },
  'rolled back by naming a version': {
    specs: [{ document: { ...string, maxLength: 4 } }, { document: string }, { document: string, more: { version: 1 } }],
    want: { inForce: 1, latest: 2, kept: [1, 2], reason: 'VersionInForce' },
  },
  'a version that is not there': {
    specs: [{ document: string }, { document: string, more: { version: 7 } }],
    want: { inForce: 1, latest: 1, kept: [1], reason: 'VersionNotFound' },
  },
  'only the last version binds a mode that is not transitive': {
    specs: [
      { document: { enum: ['a', 'b'] } },
      { document: { enum: ['a'] }, more: { compatibility: 'NONE' } },
      { document: { enum: ['a', 'c'] } },
    ],
    want: { inForce: 3, latest: 3, kept: [1, 2, 3], reason: 'VersionInForce' },
  },
  'all versions bind a transitive one': {
    specs: [
      { document: { enum: ['a', 'b'] } },
      { document: { enum: ['a'] }, more: { compatibility: 'NONE' } },
      { document: { enum: ['a', 'c'] }, more: { compatibility: 'BACKWARD_TRANSITIVE' } },
    ],
    want: { inForce: 2, latest: 2, kept: [1, 2], reason: 'Incompatible' },
  },
  'the oldest versions go, numbers go on': {
    specs: Array.from({ length: 13 }, (_, at) => ({ document: { ...string, maxLength: at } })),
    want: { inForce: 13, latest: 13, kept: [4, 5, 6, 7, 8, 9, 10, 11, 12, 13], reason: 'VersionInForce' },
  },
}

for (const [sentence, { specs, want }] of Object.entries(cases)) {
  test(sentence, () => {
    const { status, reason } = after(specs)
    const { inForce, latest, versions = [] } = status
    assert.deepEqual({ inForce, latest, kept: versions.map(({ version }) => version), reason }, want)
  })
}

test('the counter-example of what is not compatible stands in the status', () => {
  const { status } = after([{ document: string }, { document: { type: 'string', maxLength: 2 } }])
  const { counterExample, version } = status.incompatibility ?? {}
  assert.deepEqual([counterExample, version], ['"aaa"', 1])
})
