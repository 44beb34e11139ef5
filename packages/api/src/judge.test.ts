import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { judge } from './judge.ts'
import { apiVersion } from './kind.ts'
import { kinds } from './kinds.ts'
import { jobKind } from './v1alpha1/job.ts'

const job = (spec: unknown): unknown => ({ apiVersion, kind: 'Job', metadata: { name: 'a' }, spec })
const ask = { modelRef: { name: 'm' }, prompt: 'hi' }

const cases: Record<string, { spec: unknown; want: readonly { field: string; suggestion?: RegExp }[] }> = {
  'a plain inference is right': { spec: { inference: ask }, want: [] },
  'a wrong enum value is named with the nearest': {
    spec: { inference: ask, priority: 'hihg' },
    want: [{ field: 'spec.priority', suggestion: /did you mean "high"\?/ }],
  },
  'a negative limit is named with its range': {
    spec: { inference: { ...ask, parameters: { maxTokens: -5 } } },
    want: [{ field: 'spec.inference.parameters.maxTokens', suggestion: /use a whole number from 1 to 131072/ }],
  },
  'an unknown field is named with the nearest': {
    spec: { inference: { ...ask, parameters: { max_tokens: 5 } } },
    want: [{ field: 'spec.inference.parameters.max_tokens', suggestion: /did you mean "maxTokens"\?/ }],
  },
  'two inputs are refused by the rule that the CRD has too': {
    spec: { inference: { ...ask, messages: [] } },
    want: [{ field: 'spec.inference' }],
  },
  'no work at all is refused': { spec: {}, want: [{ field: 'spec' }] },
  'all mistakes are told at once': {
    spec: { inference: { prompt: 7, modelRef: {} }, priority: 'x', retry: { limit: 1000 } },
    want: [
      { field: 'spec.inference.modelRef.name' },
      { field: 'spec.inference.prompt' },
      { field: 'spec.priority' },
      { field: 'spec.retry.limit' },
    ],
  },
  'an item of a list is named by its place': {
    spec: { inference: ask, dependsOn: ['ok', 'Not OK'] },
    want: [{ field: 'spec.dependsOn[1]' }],
  },
}

for (const [sentence, { spec, want }] of Object.entries(cases)) {
  test(sentence, () => {
    const found = [...judge(jobKind, job(spec))].sort((a, b) => (a.field < b.field ? -1 : 1))
    assert.deepEqual(
      found.map(({ field }) => field),
      want.map(({ field }) => field),
    )
    for (const [at, { suggestion }] of want.entries()) if (suggestion !== undefined) assert.match(found[at]?.suggestion ?? '', suggestion)
  })
}

test('whatever comes, judging neither throws nor takes long', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...kinds),
      fc.object({ maxDepth: 4 }),
      (kind, spec) => judge(kind, { apiVersion, kind: kind.kind, spec }).length >= 0,
    ),
  )
  let deep: unknown = 'x'
  for (let depth = 0; depth < 20_000; depth += 1) deep = { inference: deep }
  assert.equal(judge(jobKind, job(deep)).length > 0, true)
})

test('a kind that nobody knows is named with the nearest', () => {
  assert.match(judge('Modle', {})[0]?.suggestion ?? '', /did you mean "Model"\?/)
})
