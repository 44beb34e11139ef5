/**
 * Pipelines and runs that somebody got wrong, or meant ill, met by the operator alone: no webhook stands before it. Each gets a clear
 * condition, what was finished is kept, and the operator goes on.
 */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { apiVersion, type Job, type Pipeline, type PipelineRun, pipelineResource, pipelineRunResource } from '@mnemos/api'
import { type KubeObject, resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { createModel, type Given, jobs, models, ScriptedWorker, startBench } from './operator.fixture.ts'

const pipelines = resource<Pipeline>(pipelineResource)
const runs = resource<PipelineRun>(pipelineRunResource)
const revisions = resource({ group: 'apps', version: 'v1', plural: 'controllerrevisions', kind: 'ControllerRevision', namespaced: true })
const bench = await startBench({ controllers: true })
const { client } = bench
let operator = await bench.startOperator()
await createModel(client, 'm')
/** Says the prompt back, with more where a test wants it; holds what says HOLD. */
const worker = new ScriptedWorker('echo')
const held = new Map<string, Given>()
const asked: string[] = []
const importing = worker.onAssign
worker.onAssign = (given) => {
  const { work, ref } = given
  if (work.type !== 'inference') {
    importing(given)
    return
  }
  const prompt = work.prompt ?? ''
  asked.push(prompt)
  if (prompt.includes('HOLD')) held.set(prompt, given)
  else worker.succeed(ref, JSON.stringify({ text: prompt, finishReason: 'stop' }))
}
await worker.connect(operator.dispatch, { slots: 64 })
await eventually(async () => (await client.get(models, at('m')))?.status?.phase === 'Ready')

afterEach(async () => {
  assert.equal((await fetch(`${operator.health}/healthz`)).status, 200, 'the operator lives')
})

const ask = (prompt: string, more: object = {}): object => ({ inference: { modelRef: { name: 'm' }, prompt }, ...more })
// biome-ignore lint/suspicious/noTemplateCurlyInString: texts that look like references are what this is about
const sly = '$(params.secret) ${params.secret} $(steps.a.outputs.text) ${RUN_ID} $(inputs.x) $$( $(run.namespace)'
let numbered = 0

function at(name: string): { namespace: string; name: string } {
  return { namespace: 'default', name }
}
const object = (kind: string, name: string, spec: object): KubeObject => ({ apiVersion, kind, metadata: at(name), ...{ spec } })

async function started(steps: readonly object[], more: object = {}, run: object = {}): Promise<string> {
  numbered += 1
  const name = `b${numbered}`
  await client.create(pipelines, object('Pipeline', name, { steps, ...more }))
  await client.create(runs, object('PipelineRun', `${name}-run`, { pipelineRef: { name }, ...run }))
  return `${name}-run`
}

async function until(name: string, phase: string, says = /./): Promise<PipelineRun> {
  return eventually(
    async () => {
      const run = await client.get(runs, at(name))
      assert.equal(run?.status?.phase, phase, JSON.stringify(run?.status))
      assert.match(run.status.conditions[0]?.message ?? '', says)
      return run
    },
    { timeoutMs: 20_000, message: `run ${name} is ${phase}` },
  )
}

async function jobOf(run: string, step: string): Promise<Job | undefined> {
  const { items } = await client.list(jobs, {
    namespace: 'default',
    labelSelector: `mnemos.dev/pipeline-run=${run},mnemos.dev/step=${step}`,
  })
  return items[0]
}
const heldNow = (prompt: string): Promise<Given> =>
  eventually(() => held.get(prompt), { timeoutMs: 10_000, message: `${prompt} is at work` })
const stepsOf = (run: PipelineRun): object =>
  Object.fromEntries((run.status?.steps ?? []).map(({ name, phase, why }) => [name, why === undefined ? phase : `${phase}/${why}`]))

const wrong: Record<string, readonly [steps: readonly object[], says: RegExp]> = {
  'a cycle is shown as the way around it': [
    [
      { name: 'a', dependsOn: ['b'], ...ask('x') },
      { name: 'b', ...ask('$(steps.a.outputs.text)') },
    ],
    /a → b → a/,
  ],
  'a step that waits for itself': [[{ name: 'a', ...ask('$(steps.a.outputs.text)') }], /the step "a" cannot wait for itself/],
  'a reference to nobody': [
    [
      { name: 'draft', ...ask('x') },
      { name: 'b', ...ask('$(steps.draf.outputs.text)') },
    ],
    /did you mean "draft"\?/,
  ],
  'a reference that is none': [[{ name: 'a', ...ask('$(params.a..b)') }], /has an empty name between its dots/],
  'a step that does nothing': [[{ name: 'a' }], /spec\.steps\[0\]/],
}
for (const [sentence, [steps, says]] of Object.entries(wrong))
  test(`wrong: ${sentence}`, async () => {
    const run = await started(steps)
    await until(run, 'Pending', says)
    const pipeline = await client.get(pipelines, at(run.replace('-run', '')))
    assert.deepEqual(
      pipeline?.status?.conditions.filter(({ status }) => status === 'False').map(({ type, reason }) => `${type} ${reason}`),
      ['Ready GraphInvalid', 'GraphValid GraphInvalid'],
    )
  })

test('five thousand steps are refused with the bound', async () => {
  const steps = Array.from({ length: 5000 }, (_, index) => ({ name: `s${index}`, ...ask('x') }))
  await assert.rejects(client.create(pipelines, object('Pipeline', 'many', { steps })), /must have at most 1024 items|Too many: 5000/)
})

test('a reference in a parameter, an item or an answer brings nothing in, and names are not made of them', async () => {
  const run = await started(
    [
      { name: 'a', ...ask('of $(params.x)') },
      { name: 'b', ...ask('$(steps.a.outputs.text)') },
      { name: 'c', forEach: { items: '$(params.items)' }, ...ask('item $(item)') },
    ],
    { parameters: [{ name: 'x' }, { name: 'items', type: 'list' }, { name: 'secret', default: 'hunter2' }] },
    { parameters: { x: sly, items: ['$(params.x)', sly] } },
  )
  await until(run, 'Succeeded')
  assert.deepEqual(
    asked.filter((prompt) => prompt.startsWith('of ')),
    [`of ${sly}`, `of ${sly}`],
  )
  assert.deepEqual(asked.filter((prompt) => prompt.startsWith('item ')).sort(), ['item $(params.x)', `item ${sly}`].sort())
  assert.ok(asked.every((prompt) => !prompt.includes('hunter2')))
})

test('an answer that is put where files are named leads to no file of others', async () => {
  for (const from of ['artifact://outputs/kube-system/x', 'job://../../other/secrets', 'file:///etc/passwd', 'artifact://../x']) {
    const run = await started(
      [
        {
          name: 'a',
          inference: { modelRef: { name: 'm' }, prompt: '$(inputs.x)', inputs: [{ name: 'x', from: '$(params.from)' }] },
          retry: { limit: 0 },
        },
      ],
      { parameters: [{ name: 'from' }] },
      { parameters: { from } },
    )
    await until(run, 'Failed', /^Step a failed/)
  }
})

test('a step whose Job is refused says what the API server said, what was finished is kept, and others go on', async () => {
  const run = await started(
    [
      { name: 'good', ...ask('good') },
      { name: 'bad', dependsOn: ['good'], inference: { modelRef: { name: '$(params.model)' }, prompt: 'x' } },
      { name: 'after', dependsOn: ['bad'], ...ask('never') },
      { name: 'other', dependsOn: ['good'], ...ask('other') },
    ],
    { parameters: [{ name: 'model' }], concurrency: 1 },
    { parameters: { model: '../../NOT A NAME' } },
  )
  const ended = await until(run, 'Failed', /^Step bad failed: refused: .*modelRef/)
  assert.deepEqual(stepsOf(ended), { good: 'Succeeded', bad: 'Failed', after: 'Skipped/Upstream', other: 'Succeeded' })
})

test('a run that is deleted under way takes its Jobs along', async () => {
  const run = await started([{ name: 'a', ...ask('HOLD deleted run') }])
  const { ref } = await heldNow('HOLD deleted run')
  await client.delete(runs, at(run))
  await eventually(async () => (await client.get(jobs, at(ref.name))) === undefined, { timeoutMs: 20_000, message: 'its Job is gone' })
  await eventually(() => worker.cancelled.some((key) => key.startsWith(ref.jobUid)), { timeoutMs: 10_000, message: 'its worker was told' })
})

test('a Job that is deleted while it runs is made again, and one that has succeeded is not missed', async () => {
  const run = await started([
    { name: 'a', ...ask('made once') },
    { name: 'b', dependsOn: ['a'], ...ask('HOLD deleted job') },
    { name: 'c', dependsOn: ['b'], ...ask('last') },
    { name: 'd', dependsOn: ['c'], ...ask('of $(steps.a.outputs.text)') },
  ])
  const first = await heldNow('HOLD deleted job')
  await eventually(
    async () => (await client.get(runs, at(run)))?.status?.steps.some(({ name, phase }) => name === 'a' && phase === 'Succeeded'),
    { timeoutMs: 10_000 },
  )
  await client.delete(jobs, at((await jobOf(run, 'a'))?.metadata.name ?? ''))
  await client.delete(jobs, at(first.ref.name))
  const second = await eventually(
    () => {
      const now = held.get('HOLD deleted job')
      return now?.ref.jobUid === first.ref.jobUid ? undefined : now
    },
    { timeoutMs: 15_000, message: 'it is made again' },
  )
  assert.equal(second.ref.name, first.ref.name)
  worker.succeed(second.ref, '{"text":"x"}')
  const ended = await until(
    run,
    'Failed',
    /^Step d failed: the Job of step a is gone, and with it its output text; do the step again in a new run/,
  )
  assert.deepEqual(stepsOf(ended), { a: 'Succeeded', b: 'Succeeded', c: 'Succeeded', d: 'Failed' })
  assert.equal(asked.filter((prompt) => prompt === 'made once').length, 1)
})

test('a run goes on when its revision is deleted, and says so when an operator that is new cannot find it', async () => {
  const run = await started([
    { name: 'a', ...ask('HOLD revision 1') },
    { name: 'b', dependsOn: ['a'], ...ask('HOLD revision 2') },
  ])
  const { ref } = await heldNow('HOLD revision 1')
  const name = (await jobOf(run, 'a'))?.metadata.labels?.['mnemos.dev/revision'] ?? ''
  // A Pipeline that is there would make it again.
  await client.delete(pipelines, at(run.replace('-run', '')))
  await client.delete(revisions, at(name)).catch(() => undefined)
  worker.succeed(ref, '{"text":"x"}')
  const { ref: later } = await heldNow('HOLD revision 2')
  await operator.stop()
  operator = await bench.startOperator()
  await worker.connect(operator.dispatch, { slots: 64 })
  await eventually(() => worker.cancelled.some((key) => key.startsWith(later.jobUid)), {
    timeoutMs: 20_000,
    message: 'what ran was stopped',
  })
  worker.cancel(later)
  await until(run, 'Failed', /has no revision b[0-9]+-r1-.* \(any more\)/)
})

test('what a run names that is not there, or is itself, is told', async () => {
  const run = await started([{ name: 'a', ...ask('x') }])
  const pipeline = run.replace('-run', '')
  await until(run, 'Succeeded')
  const make = (name: string, spec: object): Promise<unknown> =>
    client.create(runs, object('PipelineRun', name, { pipelineRef: { name: pipeline }, ...spec }))
  await make('self', { retryFrom: { run: 'self' } })
  await until('self', 'Failed', /Run self cannot go on from itself/)
  await make('nobody', { retryFrom: { run: 'nobody-else' } })
  await until('nobody', 'Pending', /There is no run nobody-else here/)
  await make('ninth', { revision: 9 })
  await until('ninth', 'Pending', /has no revision 9 \(any more\); there are 1/)
  await client.patch(runs, at('ninth'), { spec: { cancel: true } })
  await until('ninth', 'Cancelled', /before its first step/)
})
