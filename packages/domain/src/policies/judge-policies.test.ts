import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchedRateLimits } from './judge-policies.ts'
import { factsThroughAlias } from './model-facts.ts'
import { aJob, aModel, aSubject, clusterPolicy, namespacePolicy, type RuleText, said, violations } from './policies.test-kit.ts'
import type { ModelFacts, PolicySubject } from './subject.ts'

const prompt = (text: string): { inference: Record<string, unknown> } => ({ inference: { modelRef: { name: 'smollm' }, prompt: text } })
const container = (spec: Record<string, unknown>, rest: Record<string, unknown> = {}): PolicySubject =>
  aSubject('Job', { container: { image: 'r.io/app:1', ...spec }, ...rest })

const rules: Record<string, { rule: RuleText; subject: PolicySubject; want: readonly string[] }> = {
  'a source off the list': {
    rule: { sources: { allow: ['hf://good/*'] } },
    subject: aModel(),
    want: ['spec.source.uri: s3://models/smollm.gguf is no source that is allowed'],
  },
  'a source that hides where it leads': {
    rule: { sources: { deny: ['s3://x'] } },
    subject: aModel({ source: { uri: 'https://a@b/c' } }),
    want: ['spec.source.uri: https://b/c can be read in more than one way (a user name, "..", or escaped or invisible characters)'],
  },
  'a Job by the source of its Model': {
    rule: { sources: { deny: ['s3://models/*'] } },
    subject: aJob({}, { model: { uri: 's3://models/x' } }),
    want: ['spec.inference.modelRef: s3://models/x is a source that is denied'],
  },
  'an import that a user asks for by hand': {
    rule: { sources: { allow: ['hf://*'] } },
    subject: aSubject('Job', { maintenance: { task: 'ImportModel', parameters: { uri: 's3://evil/x' } } }),
    want: ['spec.maintenance.parameters.uri: s3://evil/x is no source that is allowed'],
  },
  'what MNEMOS made itself passes a list of sources': {
    rule: { sources: { allow: ['hf://*'] } },
    subject: aModel({ source: { uri: 'job://train/adapter' } }),
    want: [],
  },
  'an alias by the source of what it leads to': {
    rule: { sources: { allow: ['hf://*'] } },
    subject: aModel({ source: { uri: 'model://m-1' } }, { model: { uri: 's3://evil/x' } }),
    want: ['spec.source.uri: s3://evil/x is no source that is allowed'],
  },
  'an alias by itself, where aliases are denied': {
    rule: { sources: { deny: ['model://*'] } },
    subject: aModel({ source: { uri: 'model://m-1' } }, { model: { uri: 'hf://good/x' } }),
    want: ['spec.source.uri: model://m-1 is a source that is denied'],
  },
  'an alias that leads to nothing yet passes': {
    rule: { sources: { allow: ['hf://*'] } },
    subject: aModel({ source: { uri: 'model://m-1' } }),
    want: [],
  },
  'an alias by the licence of what it leads to, whatever it says itself': {
    rule: { license: { allow: ['Apache-2.0'] } },
    subject: aModel({ source: { uri: 'model://m-1' }, license: 'Apache-2.0' }, { model: { uri: 'hf://x/y', license: 'GPL-3.0-only' } }),
    want: ['spec.license: the licence does not do: GPL-3.0-only is not allowed'],
  },
  'an alias needs no digest': {
    rule: { requireDigest: true },
    subject: aModel({ source: { uri: 'model://m-1' } }, { model: { uri: 's3://m/x' } }),
    want: [],
  },
  'a Job on an alias is told when the Model behind it names no digest': {
    rule: { requireDigest: true },
    subject: aJob({}, { model: { uri: 's3://m/x', alias: 'model://m-1' } }),
    want: ['spec.inference.modelRef: the Model does not name the digest of its bytes (spec.source.digest)'],
  },
  'a Model off the list': {
    rule: { models: { allow: ['shared/*'] } },
    subject: aJob(),
    want: ['spec.inference.modelRef: the Model smollm is not allowed'],
  },
  'a name alone allows only the own namespace': {
    rule: { models: { allow: ['smollm'] } },
    subject: aJob({ inference: { modelRef: { name: 'smollm', namespace: 'mallory' }, prompt: 'x' } }),
    want: ['spec.inference.modelRef: the Model mallory/smollm is not allowed'],
  },
  'a name alone denies everywhere': {
    rule: { models: { deny: ['smollm'] } },
    subject: aJob({ inference: { modelRef: { name: 'smollm', namespace: 'mallory' }, prompt: 'x' } }),
    want: ['spec.inference.modelRef: the Model mallory/smollm is denied'],
  },
  'an image off the list': {
    rule: { images: { allow: ['good.io/*'] } },
    subject: container({}),
    want: ['spec.container.image: the image r.io/app:1 is not allowed'],
  },
  'the image of a pool': {
    rule: { images: { allow: ['good.io/*'] } },
    subject: aSubject('WorkerPool', { podTemplate: { image: 'r.io/w:1' } }),
    want: ['spec.podTemplate.image: the image r.io/w:1 is not allowed'],
  },
  'a Model without a digest': { rule: { requireDigest: true }, subject: aModel(), want: ['spec.source.digest: is required'] },
  'a digest that is not demanded': { rule: { requireDigest: false }, subject: aModel(), want: [] },
  'a Job whose Model has no digest': {
    rule: { requireDigest: true },
    subject: aJob({}, { model: { uri: 's3://m/x' } }),
    want: ['spec.inference.modelRef: the Model does not name the digest of its bytes (spec.source.digest)'],
  },
  'every ceiling at once': {
    rule: { limits: { maxPriority: 'normal', maxTokens: 100, maxRunSeconds: 60, maxRetries: 1 } },
    subject: aJob({ priority: 'critical', retry: { limit: 5 } }),
    want: [
      'spec.priority: critical is above normal',
      'spec.inference.parameters.maxTokens: 256 is above 100',
      'spec.deadlines.runSeconds: is required',
      'spec.retry.limit: 5 is above 1',
    ],
  },
  'resources are compared as amounts': {
    rule: { limits: { resources: { memory: '2Gi', 'nvidia.com/gpu': 1, cpu: '1500m' } } },
    subject: container({}, { resources: { requests: { memory: '2049Mi', cpu: '1.5' }, limits: { 'nvidia.com/gpu': 2 } } }),
    want: ['spec.resources.requests.memory: 2049Mi is above 2Gi', 'spec.resources.limits[nvidia.com/gpu]: 2 is above 1'].map((text) =>
      text.replace('[nvidia.com/gpu]', '.nvidia.com/gpu'),
    ),
  },
  'tokens by the price book, upward': {
    rule: { cost: { prices: [{ models: ['smollm'], perMillionInputTokens: '1', perMillionOutputTokens: '4' }], denyAbove: '0.001' } },
    subject: aJob(prompt('x'.repeat(40))),
    want: ['spec.inference: one attempt costs up to 0.001034 USD (an estimate), which is above 0.00 USD'].map((text) =>
      text.replace('above 0.00 ', 'above 0.001 '),
    ),
  },
  'GPUs by the hour': {
    rule: { cost: { perGpuHour: '2.50', denyAbove: '4', currency: 'EUR' } },
    subject: container({}, { resources: { limits: { 'nvidia.com/gpu': 2 } }, deadlines: { runSeconds: 3600 } }),
    want: ['spec.resources: one attempt costs up to 5.00 EUR (an estimate), which is above 4.00 EUR'],
  },
  'a Model that no price names costs nothing': { rule: { cost: { denyAbove: '0' } }, subject: aJob(), want: [] },
  'an expression that is false': {
    rule: { expression: 'object.spec.inference.parameters.maxTokens <= 100' },
    subject: aJob(),
    want: ['spec: the expression of the rule is false'],
  },
  'an expression that fails is not allowed': {
    rule: { expression: 'object.spec.container.image.startsWith("r.io/")' },
    subject: aJob(),
    want: ['spec: the expression of the rule failed: field not found: container'],
  },
  'an expression that fails at a value does not repeat it': {
    rule: { expression: 'int(object.spec.inference.prompt) > 0' },
    subject: aJob(prompt('my secret')),
    want: ['spec: the expression of the rule failed: a value in it has not the form that it needs'],
  },
  'an expression that looks a value up does not repeat it': {
    rule: { expression: '{"a": 1}[object.spec.inference.prompt] == 1' },
    subject: aJob(prompt('secret')),
    want: ['spec: the expression of the rule failed: a value in it has not the form that it needs'],
  },
  'an expression that mixes types is told their names': {
    rule: { expression: 'object.spec.inference.prompt + 1 == 2' },
    subject: aJob(prompt('secret')),
    want: ["spec: the expression of the rule failed: found no matching overload for '_+_' applied to '(string, int)'"],
  },
  'an expression knows who asks': {
    rule: { expression: "request.user == 'alice' && 'research' in request.groups && oldObject == null" },
    subject: aJob(),
    want: [],
  },
  'personal data in prompt, messages, arguments and variables': {
    rule: { pii: { default: 'Block', entities: { IP: 'Allow' } } },
    subject: container({ args: ['<Email> <IP>'], env: [{ name: 'A', value: '<Card><Card>' }], command: ['<SSN>'] }),
    want: [
      'spec.container.command[0]: holds personal data (SSN)',
      'spec.container.args[0]: holds personal data (Email)',
      'spec.container.env[0].value: holds personal data (Card, 2 times)',
    ],
  },
}
for (const [name, { rule, subject, want }] of Object.entries(rules)) {
  test(`rule: ${name}`, () => assert.deepEqual(said(violations(clusterPolicy(rule), subject)), want))
}

const tooMany = { limits: { maxTokens: 1 } }
const matches: Record<string, { spec: Record<string, unknown>; subject?: PolicySubject; want: boolean }> = {
  'all by default': { spec: {}, want: true },
  'another kind is left alone': { spec: { match: { kinds: ['Model'] } }, want: false },
  'a user by pattern': { spec: { match: { users: ['al*'] } }, want: true },
  'another user': { spec: { match: { users: ['bob'] } }, want: false },
  'a group': { spec: { match: { groups: ['interns', 'research'] } }, want: true },
  'another group': { spec: { match: { groups: ['interns'] } }, want: false },
  'unknown groups could be any': {
    spec: { match: { groups: ['interns'] } },
    subject: aJob({}, { requester: { user: 'alice', groups: undefined } }),
    want: true,
  },
  'labels that the object has': {
    spec: { match: { labels: { matchLabels: { tier: 'a' } } } },
    subject: aSubject('Job', prompt('x'), { object: { metadata: { labels: { tier: 'a' } }, spec: prompt('x') } }),
    want: true,
  },
  'labels that it has not': { spec: { match: { labels: { matchLabels: { tier: 'a' } } } }, want: false },
  'a condition that holds': { spec: { match: { expression: 'has(object.spec.inference)' } }, want: true },
  'a condition that does not': { spec: { match: { expression: 'has(object.spec.container)' } }, want: false },
  'a condition that fails cannot spare anybody': { spec: { match: { expression: 'object.spec.container.image == "x"' } }, want: true },
  'a namespace by pattern': { spec: { namespaces: { include: ['team-*'] } }, want: true },
  'a namespace that is left out': { spec: { namespaces: { exclude: ['team-a'] } }, want: false },
  'a namespace by its labels': {
    spec: { namespaces: { selector: { matchLabels: { env: 'prod' } } } },
    subject: aJob({}, { namespaceLabels: { env: 'prod' } }),
    want: true,
  },
  'a namespace without the labels': { spec: { namespaces: { selector: { matchLabels: { env: 'prod' } } } }, want: false },
  'an exception lifts': { spec: { exceptions: [{ name: 'e', reason: 'r', expiresAt: '2026-01-01T00:00:00Z' }] }, want: false },
  'an exception for another user does not': {
    spec: { exceptions: [{ name: 'e', reason: 'r', expiresAt: '2026-01-01T00:00:00Z', users: ['bob'] }] },
    want: true,
  },
  'an exception that has ended does not': {
    spec: { exceptions: [{ name: 'e', reason: 'r', expiresAt: '2024-01-01T00:00:00Z' }] },
    want: true,
  },
}
for (const [name, { spec, subject = aJob(), want }] of Object.entries(matches)) {
  test(`match: ${name}`, () => {
    assert.equal(violations(clusterPolicy(tooMany, spec), subject, { now: Date.parse('2025-06-01T00:00:00Z') }).length > 0, want)
  })
}

test('a Policy judges its own namespace only, and has no exceptions', () => {
  const exceptions = [{ name: 'e', reason: 'r', expiresAt: '2999-01-01T00:00:00Z' }]
  const policy = namespacePolicy(tooMany, { exceptions })
  assert.equal(violations(policy, aJob()).length, 1)
  assert.equal(violations(policy, aJob({}, { namespace: 'team-b' })).length, 0)
})

test('the mode and the rule decide what becomes of a violation', () => {
  const actions = (mode: string, entities: Record<string, string>): readonly string[] =>
    violations(clusterPolicy({ pii: { default: 'Allow', entities } }, { mode }), aJob(prompt('<Email><IP><SSN>'))).map(
      ({ action }) => action,
    )
  const entities = { Email: 'Block', IP: 'Redact', SSN: 'Warn' }
  assert.deepEqual(actions('Enforce', entities).toSorted(), ['Block', 'Redact', 'Warn'])
  assert.deepEqual(actions('Warn', entities), ['Warn', 'Warn', 'Warn'])
  assert.deepEqual(actions('Audit', entities), ['Audit', 'Audit', 'Audit'])
})

test('only the input of a Job can be redacted; elsewhere redact is block', () => {
  const policy = clusterPolicy({ pii: { default: 'Redact' } })
  assert.deepEqual(
    violations(policy, container({ args: ['<Email>'] })).map(({ action }) => action),
    ['Block'],
  )
})

test('a policy that does not compile refuses what it may be meant for, and names itself', () => {
  const policy = clusterPolicy({ expression: 'nobody == 1' }, { match: { kinds: ['Job'] } })
  assert.match(policy.problems[0]?.message ?? '', /no variable "nobody"/)
  assert.match(violations(policy, aJob())[0]?.finding.message ?? '', /ClusterPolicy "house" does not compile/)
  assert.deepEqual(violations(policy, aModel()), [])
})

const hostile: Record<string, { expression: string; want: RegExp }> = {
  'a slip of the pen': { expression: 'object.spec &&', want: /no CEL expression/ },
  'an unknown variable within a macro': { expression: 'object.x.all(m, n == 1)', want: /no variable "n"/ },
  'three loops within one another': {
    expression: 'object.a.all(x, object.a.all(y, object.a.all(z, x == y)))',
    want: /more than 2/,
  },
  'a pattern made of data': { expression: 'request.user.matches(object.metadata.name)', want: /must stand in the expression/ },
}
for (const [name, { expression, want }] of Object.entries(hostile)) {
  test(`expression: ${name} does not compile`, () => {
    assert.match(clusterPolicy({ expression }).problems[0]?.message ?? 'compiles', want)
  })
}

test('a rate limit counts Jobs unless other kinds are named, and respects match and exceptions', () => {
  const rule = { rateLimit: { requests: 10 } }
  const counted = (spec: Record<string, unknown>, subject: PolicySubject): number =>
    matchedRateLimits(subject, [clusterPolicy(rule, spec)], 0).length
  assert.equal(counted({}, aJob()), 1)
  assert.equal(counted({}, aModel()), 0)
  assert.equal(counted({ match: { kinds: ['Model'] } }, aModel()), 1)
  assert.equal(counted({ match: { users: ['bob'] } }, aJob()), 0)
  assert.equal(counted({ exceptions: [{ name: 'e', reason: 'r', expiresAt: '2999-01-01T00:00:00Z' }] }, aJob()), 0)
})

const facts = new Map<string, ModelFacts>([
  ['a', { uri: 'model://b' }],
  ['b', { uri: 'model://m', license: 'MIT' }],
  ['m', { uri: 's3://m/x', digest: 'sha256:1', license: 'gemma', isImported: true }],
  ['c', { uri: 'model://c', license: 'MIT' }],
])
const throughAlias = (name: string): ModelFacts => factsThroughAlias(facts.get(name) ?? {}, (of) => facts.get(of))

test('the facts of an alias are those of the Model that it leads to', () => {
  assert.deepEqual(throughAlias('a'), { ...facts.get('m'), alias: 'model://b' })
  assert.deepEqual(throughAlias('m'), facts.get('m'), 'and of a Model its own')
  assert.deepEqual(throughAlias('c'), { uri: 'model://c', license: 'MIT', alias: 'model://c' }, 'a cycle ends')
  assert.deepEqual(
    factsThroughAlias({ uri: 'model://gone' }, () => undefined),
    { uri: 'model://gone' },
  )
})

const pii = clusterPolicy({ pii: { default: 'Redact' } })
const found = (kind: string, spec: unknown): readonly string[] =>
  violations(pii, aSubject(kind, spec)).map(({ action, finding }) => `${action} ${finding.field}`)

test('what people give to a run is redacted as the input of a Job is, at any depth', () => {
  const spec = {
    pipelineRef: { name: 'p' },
    parameters: { mail: '<Email>', list: [{ deep: '<Phone>' }], number: 1 },
    approvals: [{ step: 'ok', comment: 'asked <Email>' }],
  }
  assert.deepEqual(found('PipelineRun', spec), [
    'Redact spec.parameters.mail',
    'Redact spec.parameters.list[0].deep',
    'Redact spec.approvals[0].comment',
  ])
})

test('nothing in a Pipeline is rewritten, and every text in it is looked at', () => {
  const mail = '<Email>'
  const steps = [
    { name: 'a', forEach: { items: [mail] }, inference: { modelRef: { name: 'm' }, prompt: mail } },
    { name: 'b', container: { image: 'x', args: [mail], env: [{ name: 'A', value: mail }] } },
    { name: 'c', pipeline: { name: 'p', parameters: { to: mail } } },
    { name: 'd', approval: { message: mail } },
  ]
  const spec = {
    parameters: [{ name: 'to', default: mail, enum: [mail] }],
    steps,
    finally: [{ name: 'e', gate: { expression: 'true', message: mail } }],
    outputs: [{ name: 'o', value: mail }],
  }
  assert.deepEqual(found('Pipeline', spec), [
    'Block spec.parameters[0].default',
    'Block spec.parameters[0].enum[0]',
    'Block spec.steps[0].inference.prompt',
    'Block spec.steps[0].forEach.items[0]',
    'Block spec.steps[1].container.args[0]',
    'Block spec.steps[1].container.env[0].value',
    'Block spec.steps[2].pipeline.parameters.to',
    'Block spec.steps[3].approval.message',
    'Block spec.finally[0].gate.message',
    'Block spec.outputs[0].value',
  ])
})

test('an expression is asked of runs only where the policy names them', () => {
  const run = aSubject('PipelineRun', { pipelineRef: { name: 'p' } })
  const rule = { expression: "object.spec.pipelineRef.name == 'other'" }
  assert.equal(violations(clusterPolicy(rule), run).length, 0)
  assert.equal(violations(clusterPolicy(rule, { match: { kinds: ['PipelineRun'] } }), run).length, 1)
})

test('a rate limit counts runs of pipelines as it counts Jobs', () => {
  const limit = clusterPolicy({ rateLimit: { requests: 1 } })
  const counted = (kind: string, spec: unknown): number => matchedRateLimits(aSubject(kind, spec), [limit], 0).length
  assert.deepEqual(
    [counted('PipelineRun', { pipelineRef: { name: 'p' } }), counted('Pipeline', { steps: [] }), counted('Job', {})],
    [1, 0, 1],
  )
})
