import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { arbitraryOf, damaged, ruleMessages } from './arbitrary.test-kit.ts'
import { asRead } from './as-read.ts'
import type { Finding } from './finding.ts'
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

test('rules and the schema are told of together', () => {
  const both = { inference: ask, maintenance: { task: 'ImportModel' }, priority: 'hihg' }
  assert.deepEqual(
    judge(jobKind, job(both)).map(({ field, code }) => [field, code]),
    [
      ['spec.priority', 'enum'],
      ['spec', 'invalid'],
    ],
  )
})

const findings: Record<string, { spec: unknown; want: Partial<Finding> }> = {
  'a number for a text': {
    spec: { inference: { ...ask, prompt: 7 } },
    want: { field: 'spec.inference.prompt', code: 'type', message: 'must be a string, not a number', expected: 'string', found: 'number' },
  },
  'a text that is too long, in characters': {
    spec: { inference: { ...ask, parameters: { stop: ['\u{1F600}'.repeat(65)] } } },
    want: { path: '/spec/inference/parameters/stop/0', code: 'tooLong', expected: '64', found: '65' },
  },
  'a prompt that is too long in bytes only': {
    spec: { inference: { ...ask, prompt: '\u6f22'.repeat(6000) } },
    want: { field: 'spec.inference.prompt', message: 'has more than 16384 bytes of UTF-8 (16 KiB)' },
  },
  'a list that is too long': {
    spec: { inference: ask, dependsOn: Array.from({ length: 40 }, (_, at) => `j${at}`) },
    want: { field: 'spec.dependsOn', code: 'tooMany', expected: '32', found: '40' },
  },
  'a map that is too large': {
    spec: { maintenance: { task: 'ImportModel', parameters: Object.fromEntries(Array.from({ length: 70 }, (_, at) => [`k${at}`, 'v'])) } },
    want: { field: 'spec.maintenance.parameters', code: 'tooMany' },
  },
  'an object where a word belongs': {
    spec: { inference: ask, priority: { toString: 1 } },
    want: { field: 'spec.priority', code: 'enum', suggestion: 'use one of critical, high, normal, low', found: 'an object' },
  },
  'an integer beyond 32 bits': {
    spec: { inference: { ...ask, parameters: { seed: 3e9 } } },
    want: { field: 'spec.inference.parameters.seed', suggestion: 'use a whole number from 0 to 2147483647' },
  },
  'a name of the wrong form': {
    spec: { inference: ask, queue: 'My Queue' },
    want: { field: 'spec.queue', code: 'invalid', found: '"My Queue"' },
  },
  'a slash in an unknown field is escaped in the pointer': {
    spec: { inference: ask, 'a/b~c': 1 },
    want: { path: '/spec/a~1b~0c', field: 'spec.a/b~c', code: 'unknownField' },
  },
}

for (const [sentence, { spec, want }] of Object.entries(findings)) {
  test(`what is told of ${sentence}`, () => {
    const told = judge(jobKind, job(spec))
    assert.equal(told.length, 1, JSON.stringify(told))
    assert.partialDeepStrictEqual(told[0], want)
  })
}

test('unknown fields are told of at the root, too, and not at all when asked', () => {
  const object = { apiVersion, kind: 'Job', metadata: { name: 'a' }, sepc: {}, spec: { inference: ask, colour: 'red' } }
  assert.deepEqual(
    judge(jobKind, object).map(({ field, suggestion }) => [field, suggestion]),
    [
      ['sepc', 'did you mean "spec"?'],
      [
        'spec.colour',
        'use one of inference, container, resources, placement, podMetadata, maintenance, queue, priority, dependsOn, deadlines, retry, ttlSecondsAfterFinished, suspend, cancel',
      ],
    ],
  )
  assert.deepEqual(judge(jobKind, object, { unknownFields: 'ignore' }), [])
})

test('a field of Object.prototype is no field of ours', () => {
  assert.deepEqual(
    judge(
      jobKind,
      job(JSON.parse('{"inference":{"modelRef":{"name":"m"},"prompt":"x"},"constructor":1,"__proto__":{"priority":"x"}}')),
    ).map(({ field }) => field),
    ['spec.constructor', 'spec.__proto__'],
  )
})

test('a hostile object is judged quickly and tells at most 100 mistakes', () => {
  const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`field${at}`, at]))
  const long = Array.from({ length: 1_000_000 }, () => 7)
  const hostile = {
    inference: { ...ask, prompt: 'x'.repeat(4_000_000), messages: long, parameters: wide },
    dependsOn: long,
    priority: [[[wide]]],
  }
  const started = performance.now()
  const told = judge(jobKind, job(hostile))
  assert.ok(performance.now() - started < 2000)
  assert.equal(told.length, 100)
})

for (const kind of kinds) {
  const specs = fc.oneof(arbitraryOf(kind.spec), damaged(arbitraryOf(kind.spec)))

  test(`what zod accepts of a ${kind.kind}, judging accepts, but for rules`, () => {
    fc.assert(
      fc.property(specs, (spec) => {
        const told = judge(kind, { apiVersion, kind: kind.kind, metadata: { name: 'a' }, spec })
        const byRules = told.filter(({ message }) => ruleMessages.has(message) || /^repeats item|^has more than \d+ entries/.test(message))
        const accepted = kind.spec.safeParse(asRead(kind.spec, spec)).success
        const unknown = told.filter(({ code }) => code === 'unknownField')
        assert.equal(told.length === byRules.length + unknown.length, accepted, JSON.stringify(told))
      }),
    )
  })

  test(`reading a ${kind.kind} twice is reading it once, and zod adds nothing`, () => {
    fc.assert(
      fc.property(specs, (spec) => {
        const once = asRead(kind.spec, spec)
        assert.deepEqual(asRead(kind.spec, once), once)
        const parsed = kind.spec.safeParse(once)
        if (parsed.success) assert.deepEqual(parsed.data, once)
      }),
    )
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
