import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JobSpec } from '@mnemos/api'
import { aJob } from '@mnemos/testkit'
import { givers, isTarget, type LineageNode, type LineageWork, type LineageWorld, lineageOf, upstreamOf } from './lineage.ts'
import { madeFiles } from './made-file.ts'
import { stepsBefore } from './steps-before.ts'

const digit = (text: string): string => Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64)

/** A Job of a step that has succeeded with a result. */
function work(name: string, spec: Partial<JobSpec> = {}, place: { step?: string; item?: number } = { step: name }): LineageWork {
  const result = { uri: `artifact://outputs/default/uid-${name}/a1/result.json`, sha256: digit(name), sizeBytes: 3 }
  const model = { name: 'smollm', namespace: 'default', digest: `sha256:${digit('m')}` }
  const job = aJob(name).with(spec).thatIs('Succeeded', { attempt: 1, result, model }).build()
  return { ...place, job, made: madeFiles(job) }
}
const reading = (...from: string[]): Partial<JobSpec> => ({
  inference: {
    modelRef: { name: 'm' },
    prompt: 'p',
    parameters: { maxTokens: 1 },
    inputs: from.map((each, at) => ({ name: `i${at}`, from: each })),
  },
})
const spec = {
  steps: [
    { name: 'draft', inference: { prompt: 'x' } },
    { name: 'other', inference: { prompt: 'x' } },
    { name: 'vote', inference: { prompt: '$(steps.draft.outputs.text)' } },
    { name: 'report', dependsOn: ['vote'], container: { image: 'i' } },
  ],
}
const world = (parts: LineageWork[], of: unknown = spec): LineageWorld => ({
  work: parts,
  run: { run: 'r', pipeline: 'p', revision: 2 },
  before: stepsBefore(of),
})
const names = (nodes: readonly LineageNode[]): string[] => nodes.map(({ job }) => job)

describe('a node', () => {
  test('names step, Job, attempt, model, run and revision', () => {
    const [node] = lineageOf(world([work('draft')]))
    assert.deepEqual(node, {
      artifact: { uri: 'artifact://outputs/default/uid-draft/a1/result.json', output: 'result', sha256: digit('draft'), sizeBytes: 3 },
      ...{ step: 'draft', job: 'draft', attempt: 1, inputs: [], after: [], run: 'r', pipeline: 'p', revision: 2 },
      model: { name: 'smollm', namespace: 'default', digest: `sha256:${digit('m')}` },
    })
  })

  test('resolves what its Job was given, by Job and by address, and names what it only waited for', () => {
    const given = work('vote', {
      ...reading('job://draft/text', 'artifact://outputs/default/uid-other/a1/result.json', 'artifact://outputs/default/gone/a1/x'),
      dependsOn: ['draft', 'setup'],
    })
    assert.deepEqual(lineageOf(world([work('draft'), work('other'), given])).at(-1)?.inputs, [
      { from: 'job://draft/text', job: 'draft', sha256: digit('draft') },
      { from: 'artifact://outputs/default/uid-other/a1/result.json', job: 'other', sha256: digit('other') },
      { from: 'artifact://outputs/default/gone/a1/x' },
      { from: 'job://setup', job: 'setup' },
    ])
    assert.deepEqual(givers(given.job), ['draft', 'setup'])
  })

  test('has no model where the status names none', () => {
    const plain = work('draft')
    const job = aJob('draft').thatIs('Succeeded').build()
    assert.equal(lineageOf(world([{ ...plain, job }]))[0]?.model, undefined)
  })
})

describe('the way upstream', () => {
  const all = [work('draft'), work('other'), work('vote'), work('report')]
  const cases: Record<string, { target: string; want: string[] }> = {
    'goes along values that steps take from one another': { target: 'job://vote/text', want: ['vote', 'draft'] },
    'goes on along steps that are only waited for': { target: digit('report'), want: ['report', 'vote', 'draft'] },
    'begins at an address': { target: 'artifact://outputs/default/uid-draft/a1/result.json', want: ['draft'] },
    'begins at a digest with its prefix': { target: `sha256:${digit('other')}`, want: ['other'] },
    'of what nobody made is empty': { target: digit('nothing'), want: [] },
    'of another output of a Job is empty': { target: 'job://vote/model', want: [] },
  }
  for (const [sentence, { target, want }] of Object.entries(cases)) {
    test(sentence, () => assert.deepEqual(names(upstreamOf(target, world(all), 10).nodes), want))
  }

  test('passes through a Job that left nothing', () => {
    const silent = { ...work('middle', { dependsOn: ['draft'] }, {}), made: [] }
    const last = work('last', { dependsOn: ['middle'] }, {})
    assert.deepEqual(names(upstreamOf('job://last/result', world([work('draft'), silent, last], {}), 10).nodes), ['last', 'draft'])
  })

  test('comes to an end where Jobs name one another', () => {
    const one = work('one', { dependsOn: ['two'] }, {})
    const two = work('two', { dependsOn: ['one'] }, {})
    assert.deepEqual(names(upstreamOf('job://one/result', world([one, two], {}), 10).nodes), ['one', 'two'])
  })

  test('takes all instances of a step, and says when there are more than are told', () => {
    const fan = Array.from({ length: 50 }, (_, item) => work(`draft-${item}`, {}, { step: 'draft', item }))
    const some = upstreamOf('job://vote/result', world([...fan, work('vote')]), 20)
    assert.deepEqual([some.nodes.length, some.isWhole], [20, false])
    const whole = upstreamOf('job://vote/result', world([...fan, work('vote')]), 51)
    assert.deepEqual([whole.nodes.length, whole.isWhole], [51, true])
  })
})

test('a target is an address, an output of a Job or a digest', () => {
  for (const text of ['artifact://outputs/a/b', 'job://a/text', 'a'.repeat(64), `sha256:${'b'.repeat(64)}`]) assert.ok(isTarget(text), text)
  for (const text of ['', 'job://a', 's3://x', 'artifact://', 'zz']) assert.ok(!isTarget(text), text)
})
