/** Pipelines from the first step to the last, with a real operator, a real API server and workers that do what a test tells them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  apiVersion,
  type Job,
  type Pipeline,
  type PipelineInput,
  type PipelineRun,
  type PipelineRunInput,
  pipelineResource,
  pipelineRunResource,
} from '@mnemos/api'
import { resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { createModel, type Given, jobs, models, ScriptedWorker, startBench } from './operator.fixture.ts'

const pipelines = resource<Pipeline>(pipelineResource)
const runs = resource<PipelineRun>(pipelineRunResource)
const bench = await startBench()
const { client } = bench
const operator = await bench.startOperator()
await createModel(client, 'm')
/** Answers every prompt with the prompt itself, but fails where it says so, and holds where it says so. */
const worker = new ScriptedWorker('echo')
const held = new Map<string, Given>()
const answered: string[] = []
const importing = worker.onAssign
worker.onAssign = (given) => {
  const { work, ref } = given
  if (work.type !== 'inference') {
    importing(given)
    return
  }
  const prompt = work.prompt ?? ''
  if (prompt.includes('HOLD')) held.set(prompt, given)
  else if (prompt.includes('FAIL')) worker.fail(ref, 'BadInput', 'It cannot be done.')
  else {
    answered.push(prompt)
    worker.succeed(ref, JSON.stringify({ text: `<${prompt}>`, finishReason: 'stop' }))
  }
}
await worker.connect(operator.dispatch, { slots: 64 })
await eventually(async () => (await client.get(models, { namespace: 'default', name: 'm' }))?.status?.phase === 'Ready')

const ask = (prompt: string, more: object = {}): object => ({ inference: { modelRef: { name: 'm' }, prompt }, ...more })
let numbered = 0

/** Makes a Pipeline of these steps, and a run of it. */
async function started(steps: readonly object[], more: object = {}, run: object = {}): Promise<string> {
  numbered += 1
  const name = `p${numbered}`
  await client.create(pipelines, { ...object('Pipeline', name), spec: { steps, ...more } } as PipelineInput)
  return startRun(`${name}-run`, name, run)
}

async function startRun(name: string, pipeline: string, spec: object = {}): Promise<string> {
  await client.create(runs, { ...object('PipelineRun', name), spec: { pipelineRef: { name: pipeline }, ...spec } } as PipelineRunInput)
  return name
}

const object = (kind: string, name: string) => ({ apiVersion, kind, metadata: { namespace: 'default', name } })
const at = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name })

async function until(name: string, phase: string, says = /./): Promise<PipelineRun> {
  return eventually(
    async () => {
      const run = await client.get(runs, at(name))
      assert.equal(run?.status?.phase, phase, JSON.stringify(run?.status))
      assert.match(messageOf(run), says)
      return run
    },
    { timeoutMs: 20_000, message: `run ${name} is ${phase}` },
  )
}

const stepsOf = (run: PipelineRun): Record<string, string> =>
  Object.fromEntries((run.status?.steps ?? []).map(({ name, phase, why }) => [name, why === undefined ? phase : `${phase}/${why}`]))
const outputsOf = (run: PipelineRun): unknown => Object.fromEntries((run.status?.outputs ?? []).map(({ name, value }) => [name, value]))
const messageOf = (run: PipelineRun): string => run.status?.conditions[0]?.message ?? ''
async function jobsOf(run: string): Promise<readonly Job[]> {
  const { items } = await client.list(jobs, { namespace: 'default', labelSelector: `mnemos.dev/pipeline-run=${run}` })
  return items
}

test('steps run in the order of what they name, and the run says what came out', async () => {
  const run = await started(
    [
      { name: 'last', ...ask('$(steps.left.outputs.text) and $(steps.right.outputs.text)') },
      { name: 'left', ...ask('left of $(steps.first.outputs.text)') },
      { name: 'right', ...ask('right of $(steps.first.outputs.text) in $(params.tone)') },
      { name: 'first', ...ask('first') },
    ],
    { parameters: [{ name: 'tone', default: 'C' }], outputs: [{ name: 'all', value: '$(steps.last.outputs.text)' }] },
    { parameters: { tone: 'D' } },
  )
  const ended = await until(run, 'Succeeded')
  assert.deepEqual(outputsOf(ended), { all: '<<left of <first>> and <right of <first> in D>>' })
  assert.equal(ended.status?.progress?.jobs, '4/4')
  assert.equal(ended.status.conditions[0]?.reason, 'StepsSucceeded')
  assert.equal(ended.status.revision, 1)
  assert.equal((await jobsOf(run)).length, 4)
})

test('a fan-out over a list gathers its answers in the order of the items, within its concurrency', async () => {
  const run = await started(
    [
      { name: 'map', forEach: { items: '$(params.of)', concurrency: 3 }, ...ask('$(item.name)') },
      { name: 'reduce', ...ask('all: $(steps.map.outputs.text)') },
    ],
    { parameters: [{ name: 'of', type: 'list' }], outputs: [{ name: 'all', value: '$(steps.reduce.outputs.text)' }] },
    { parameters: { of: Array.from({ length: 20 }, (_, index) => ({ name: `n${index}` })) } },
  )
  const ended = await until(run, 'Succeeded')
  const texts = Array.from({ length: 20 }, (_, index) => `<n${index}>`)
  assert.deepEqual(outputsOf(ended), { all: `<all: ${JSON.stringify(texts)}>` })
  assert.equal(ended.status?.steps.find(({ name }) => name === 'map')?.items, 'S20')
})

test('a failure skips what comes after it, the rest is finished, the end is said, and finally runs', async () => {
  const run = await started(
    [
      { name: 'bad', ...ask('FAIL') },
      { name: 'after', dependsOn: ['bad'], ...ask('never') },
      { name: 'later', dependsOn: ['after'], ...ask('never') },
      { name: 'other', ...ask('other') },
    ],
    {
      finally: [
        { name: 'tell', when: 'steps.bad.phase == "Failed"', ...ask('told') },
        { name: 'mute', ...ask('$(steps.after.outputs.text)') },
      ],
    },
  )
  const ended = await until(run, 'Failed')
  assert.deepEqual(stepsOf(ended), {
    ...{ bad: 'Failed', after: 'Skipped/Upstream', later: 'Skipped/Upstream', other: 'Succeeded' },
    ...{ tell: 'Succeeded', mute: 'Skipped/NoOutput' },
  })
  assert.match(messageOf(ended), /^Step bad failed: Job .*: It cannot be done\. Go on from there: mnemos pipelines retry /)
})

test('conditions and gates decide by what is known, and the gate stops what waits for it', async () => {
  const steps = [
    { name: 'score', ...ask('7') },
    { name: 'good', gate: { expression: 'size(steps.score.outputs.text) > params.least - 4', message: 'Too low.' } },
    { name: 'ship', dependsOn: ['good'], ...ask('shipped') },
    { name: 'extra', when: 'params.least > 100', ...ask('never') },
  ]
  const parameters = [{ name: 'least', type: 'integer', default: 5 }]
  const open = await until(await started(steps, { parameters }), 'Succeeded')
  assert.deepEqual(stepsOf(open), { score: 'Succeeded', good: 'Succeeded', ship: 'Succeeded', extra: 'Skipped/Condition' })
  const closed = await until(await started(steps, { parameters }, { parameters: { least: 50 } }), 'Failed')
  assert.deepEqual(stepsOf(closed), { score: 'Succeeded', good: 'Failed', ship: 'Skipped/Upstream', extra: 'Skipped/Condition' })
  assert.match(messageOf(closed), /^Step good failed: Too low\./)
})

test('an approval holds the run until somebody decides', async () => {
  const run = await started([
    { name: 'draft', ...ask('draft') },
    { name: 'ok', dependsOn: ['draft'], approval: { message: 'Is $(steps.draft.outputs.text) good?' } },
    { name: 'send', dependsOn: ['ok'], ...ask('sent') },
  ])
  const paused = await until(run, 'Paused')
  assert.equal(paused.status?.conditions[0]?.reason, 'ApprovalNeeded')
  assert.match(messageOf(paused), /Step ok waits for the decision of a person: Is <draft> good\?/)
  await client.patch(runs, at(run), { spec: { approvals: [{ step: 'ok' }] } })
  assert.deepEqual(stepsOf(await until(run, 'Succeeded')), { draft: 'Succeeded', ok: 'Succeeded', send: 'Succeeded' })
})

test('a cancelled run stops its Jobs, and its last steps still run', async () => {
  const run = await started(
    [
      { name: 'long', ...ask('HOLD cancel') },
      { name: 'next', dependsOn: ['long'], ...ask('never') },
    ],
    { finally: [{ name: 'clean', ...ask('cleaned') }] },
  )
  const given = await eventually(() => held.get('HOLD cancel'), { message: 'the step is at work' })
  await client.patch(runs, at(run), { spec: { cancel: true } })
  await eventually(() => worker.cancelled.length > 0, { message: 'the worker was asked to stop' })
  worker.cancel(given.ref)
  const ended = await until(run, 'Cancelled')
  assert.deepEqual(stepsOf(ended), { long: 'Cancelled', next: 'Skipped/Upstream', clean: 'Succeeded' })
})

test('a retry keeps what had succeeded, of a fan-out the instances, and does the rest again with what was changed', async () => {
  const steps = [
    { name: 'first', ...ask('once') },
    { name: 'map', dependsOn: ['first'], forEach: { items: ['a', 'b', 'c'] }, ...ask('$(item) $(params.word)') },
    { name: 'last', ...ask('$(steps.first.outputs.text) $(steps.map.outputs.text)') },
  ]
  const run = await started(
    steps.map((step) =>
      step.name === 'map' ? { ...step, when: 'item != "b" || params.word != "x"', forEach: { items: ['a', 'b', 'c'] } } : step,
    ),
    { parameters: [{ name: 'word', default: 'FAIL' }], outputs: [{ name: 'all', value: '$(steps.last.outputs.text)' }] },
  )
  assert.deepEqual(stepsOf(await until(run, 'Failed')), { first: 'Succeeded', map: 'Failed', last: 'Skipped/Upstream' })
  const before = answered.filter((prompt) => prompt === 'once').length
  const again = await startRun(`${run}-again`, run.replace('-run', ''), { retryFrom: { run }, parameters: { word: 'y' } })
  const ended = await until(again, 'Succeeded')
  assert.equal(answered.filter((prompt) => prompt === 'once').length, before, 'what had succeeded was not done again')
  assert.deepEqual(outputsOf(ended), { all: `<<once> ${JSON.stringify(['<a y>', '<b y>', '<c y>'])}>` })
  assert.equal(ended.status?.steps.find(({ name }) => name === 'first')?.run, run)
})

test('a run goes on with the revision that it began with, and new ones use the new', async () => {
  const run = await started([
    { name: 'long', ...ask('HOLD revision') },
    { name: 'next', dependsOn: ['long'], ...ask('old') },
  ])
  const given = await eventually(() => held.get('HOLD revision'))
  const pipeline = run.replace('-run', '')
  await client.patch(pipelines, at(pipeline), { spec: { steps: [{ name: 'only', ...ask('new') }] } })
  const newer = await until(await startRun(`${pipeline}-newer`, pipeline), 'Succeeded')
  assert.deepEqual(stepsOf(newer), { only: 'Succeeded' })
  assert.equal(newer.status?.revision, 2)
  await client.delete(pipelines, at(pipeline))
  worker.succeed(given.ref, '{"text":"x"}')
  const older = await until(run, 'Succeeded')
  assert.deepEqual([stepsOf(older), older.status?.revision], [{ long: 'Succeeded', next: 'Succeeded' }, 1])
})

test('a pipeline that calls another has its outputs, and one that calls itself ends', async () => {
  const inner = await started(
    [{ name: 'a', ...ask('$(params.x)') }],
    {
      parameters: [{ name: 'x' }],
      outputs: [{ name: 'said', value: '$(steps.a.outputs.text)' }],
    },
    { parameters: { x: 'alone' } },
  )
  const outer = await started(
    [
      { name: 'call', pipeline: { name: inner.replace('-run', ''), parameters: { x: 'called' } } },
      { name: 'b', ...ask('got $(steps.call.outputs.said)') },
    ],
    { outputs: [{ name: 'all', value: '$(steps.b.outputs.text)' }] },
  )
  assert.deepEqual(outputsOf(await until(outer, 'Succeeded')), { all: '<got <called>>' })
  numbered += 1
  const self = await started([{ name: 'again', pipeline: { name: `p${numbered + 1}` } }])
  assert.match(messageOf(await until(self, 'Failed')), /more than 8 pipelines call one another|again/)
})

test('what was done before with the same inputs is not done again', async () => {
  const steps = [
    { name: 'a', ...ask('remembered'), memoize: {} },
    { name: 'b', ...ask('$(steps.a.outputs.text)') },
  ]
  const first = await started(steps)
  await until(first, 'Succeeded')
  const second = await until(await startRun(`${first}-2`, first.replace('-run', '')), 'Succeeded')
  assert.equal(answered.filter((prompt) => prompt === 'remembered').length, 1)
  assert.ok(second.status?.steps.find(({ name }) => name === 'a')?.job)
})

test('what cannot be run says why: parameters, an absent pipeline, a wrong graph', async () => {
  const run = await started(
    [{ name: 'a', ...ask('$(params.n)') }],
    { parameters: [{ name: 'n', type: 'integer' }] },
    { parameters: { n: 'x', m: 1 } },
  )
  const ended = await until(run, 'Failed')
  assert.equal(ended.status?.conditions[0]?.reason, 'ParametersInvalid')
  assert.match(
    messageOf(ended),
    /spec\.parameters\.m the pipeline has no such parameter.*; spec\.parameters\.n is a string and must be an integer/,
  )
  const lost = await startRun('lost', 'p01')
  await until(lost, 'Pending', /There is no Pipeline p01 in namespace default; did you mean p1\?/)
  const cycle = await started([
    { name: 'a', dependsOn: ['b'], ...ask('x') },
    { name: 'b', dependsOn: ['a'], ...ask('x') },
  ])
  await until(cycle, 'Pending', /see its conditions: .*a → b → a/)
})
