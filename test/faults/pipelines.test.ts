/**
 * Runs of pipelines under an operator that is a real process and dies: at each of its writes about one run, before the API server has
 * it, after it is stored, and with the answer lost; beside another leader; on caches from the past; with what it made deleted under it.
 *
 * Each ends as the same run does without faults, and then nobody writes any more.
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { apiVersion, type Pipeline, type PipelineRun, pipelineResource, pipelineRunResource } from '@mnemos/api'
import { createInformer, type KubeObject, resource } from '@mnemos/kube'
import { eventually, type Fault } from '@mnemos/testkit'
import { violationsOfRunHistory, violationsOfRuns } from './invariants.ts'
import { importModel, jobs, type Process, startWorld } from './world.ts'

const pipelines = resource<Pipeline>(pipelineResource)
const runs = resource<PipelineRun>(pipelineRunResource)
const world = await startWorld({ workers: ['w1', 'w2'] })
const { client, proxy } = world
/** Every state of every run, as a watch of its own saw it. */
const history: PipelineRun[] = []
const watched = new AbortController()
const informer = createInformer({ client, resource: runs, namespace: 'default' })
informer.onChange(({ object: seen }) => history.push(seen))
void informer.run(watched.signal)
after(() => watched.abort())
const isWrite = /^(POST|PUT|PATCH|DELETE)$/
/** Creations of Jobs, statuses of runs, revisions: what the controllers of pipelines write. Statuses of Jobs are another file's. */
const ofPipelines = /\/(mnemosjobs(\?|$)|mnemospipelineruns\/|mnemospipelines\/|controllerrevisions)/

const ask = (prompt: string, more: object = {}): object => ({ inference: { modelRef: { name: 'hollow' }, prompt }, ...more })
const at = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name })
const object = (kind: string, name: string, spec: object): KubeObject => ({ apiVersion, kind, metadata: at(name), ...{ spec } })

/** A step before a fan-out and one after it, one that fails and what it takes along, one that is skipped, one that comes last. */
const shapes: Readonly<Record<string, object>> = {
  mixed: {
    parameters: [{ name: 'bad', default: '[[fail BadInput]]' }],
    steps: [
      { name: 'first', ...ask('one two') },
      {
        name: 'map',
        dependsOn: ['first'],
        forEach: { items: ['a', 'b', 'c'], concurrency: 2 },
        ...ask('$(item) $(steps.first.outputs.text)'),
      },
      { name: 'reduce', ...ask('$(steps.map.outputs.text)') },
      { name: 'never', when: 'params.bad == ""', ...ask('never') },
      { name: 'fails', ...ask('$(params.bad)', { retry: { limit: 0 } }) },
      { name: 'after', dependsOn: ['fails'], ...ask('never') },
    ],
    finally: [{ name: 'last', ...ask('done') }],
    outputs: [{ name: 'all', value: '$(steps.reduce.outputs.text)' }],
  },
  chain: {
    steps: [
      { name: 'a', ...ask('one') },
      { name: 'b', ...ask('$(steps.a.outputs.text) two') },
      { name: 'c', ...ask('$(steps.b.outputs.text) three') },
    ],
    outputs: [{ name: 'all', value: '$(steps.c.outputs.text)' }],
  },
  wide: {
    steps: [
      { name: 'map', forEach: { items: Array.from({ length: 100 }, (_, item) => `i${item}`) }, ...ask('$(item)') },
      { name: 'reduce', ...ask('$(steps.map.outputs.text)') },
    ],
    outputs: [{ name: 'all', value: '$(steps.reduce.outputs.text)' }],
  },
}

async function start(name: string, shape: string, spec: object = {}): Promise<void> {
  await client.create(pipelines, object('Pipeline', name, shapes[shape] ?? {}))
  await client.create(runs, object('PipelineRun', `${name}-run`, { pipelineRef: { name }, ...spec }))
}

/** What keeps a run from its end. */
async function open(name: string, run: PipelineRun | undefined): Promise<string> {
  const { items } = await client.list(jobs, { namespace: 'default', labelSelector: `mnemos.dev/pipeline-run=${name}-run` })
  const work = items.filter(({ status }) => !['Succeeded', 'Failed', 'Cancelled'].includes(status?.phase ?? ''))
  return JSON.stringify({ run: run?.status, work: work.map(({ metadata, status }) => [metadata.name, status]) })
}

/** Waits until the run has ended, and checks what must hold of every run. */
async function ended(name: string, timeoutMs = 60_000): Promise<PipelineRun> {
  const run = await eventually(
    async () => {
      const found = await client.get(runs, at(`${name}-run`))
      const isOver = found !== undefined && ['Succeeded', 'Failed', 'Cancelled'].includes(found.status?.phase ?? '')
      assert.ok(isOver, isOver ? '' : await open(name, found))
      return found
    },
    { timeoutMs, intervalMs: 50, message: `run ${name} has ended` },
  )
  const { items } = await client.list(jobs, { namespace: 'default' })
  assert.deepEqual([...violationsOfRuns([run], items), ...violationsOfRunHistory(history)], [])
  return run
}

/** How a run ended and what it left behind, without names and times. */
async function endOf(run: PipelineRun): Promise<object> {
  const { items } = await client.list(jobs, { namespace: 'default', labelSelector: `mnemos.dev/pipeline-run=${run.metadata.name}` })
  const { phase, steps = [], outputs, progress } = run.status ?? {}
  const done = items.map(
    ({ metadata: { labels = {} }, status }) =>
      `${labels['mnemos.dev/step'] ?? ''}/${labels['mnemos.dev/item'] ?? ''} ${status?.phase ?? ''}`,
  )
  const said = steps.map(({ name, phase: is, why, items: each }) => [name, is, why, each])
  return { phase, said, outputs, progress, done: done.sort() }
}

let operator: Process = world.startOperator()
await importModel(world)

async function kill(): Promise<void> {
  operator.kill('SIGKILL')
  await operator.ended
}

/** Runs a shape once without faults. @returns how it ends, and how many writes of pipelines it needs */
async function reference(shape: string): Promise<{ readonly want: object; readonly writes: number }> {
  await world.rests()
  const before = proxy.writes().length
  await start(`ref-${shape}`, shape)
  const want = await endOf(await ended(`ref-${shape}`))
  await world.rests()
  const writes = proxy
    .writes()
    .slice(before)
    .filter(({ method, path }) => isWrite.test(method) && ofPipelines.test(path)).length
  return { want, writes }
}

const faults: Record<string, Fault> = {
  'before the API server has it': { kind: 'hold', when: 'before', until: kill },
  'after it is stored': { kind: 'hold', when: 'after', until: kill },
  'after it is stored and its answer lost': { kind: 'loseReply' },
}

const expected = new Map<string, { readonly want: object; readonly writes: number }>()
for (const shape of Object.keys(shapes)) expected.set(shape, await reference(shape))
let numbered = 0

/** One run of a shape with a fault at one of its writes. @returns whether the fault happened */
async function runWith(shape: string, nth: number, fault: Fault): Promise<boolean> {
  numbered += 1
  const name = `f${numbered}`
  const handle = proxy.rule({ method: isWrite, path: ofPipelines, skip: nth, fault })
  await start(name, shape)
  await Promise.race([eventually(() => handle.fired > 0, { timeoutMs: 60_000, intervalMs: 20 }), ended(name)])
  const hasFired = handle.fired > 0
  handle.remove()
  if (hasFired && fault.kind === 'hold') {
    await operator.ended
    operator = world.startOperator()
  }
  assert.deepEqual(await endOf(await ended(name)), expected.get(shape)?.want)
  return hasFired
}

/** Of many writes a spread: the first, the last and some between. */
function spread(writes: number, most: number): readonly number[] {
  if (writes <= most) return Array.from({ length: writes }, (_, nth) => nth)
  return [...new Set(Array.from({ length: most }, (_, nth) => Math.round((nth * (writes - 1)) / (most - 1))))]
}

for (const [shape, most] of [
  ['mixed', 10],
  ['wide', 3],
] as const) {
  const { writes = 0 } = expected.get(shape) ?? {}
  describe(`${shape}: the operator dies at its writes about a run, ${writes} in all`, () => {
    for (const [index, nth] of spread(writes, most).entries()) {
      // Every write with one of the faults, by turns: three times as many tell little more and take three times as long.
      const [when, fault] = Object.entries(faults)[index % 3] ?? ['', { kind: 'drop' }]
      it(`write ${nth + 1}, ${when}`, async (test) => {
        if (!(await runWith(shape, nth, fault))) test.skip('the work was done in fewer writes')
      })
    }
  })
}

it('nothing is left to do after all of that', async () => {
  await world.rests()
})

it('two operators that both lead make no Job twice', async (test) => {
  const second = world.startOperator({ leaseName: 'other', isStandby: true })
  test.after(() => second.kill('SIGKILL'))
  await Promise.all(['both1', 'both2'].map((name) => start(name, 'mixed')))
  await start('both3', 'wide')
  for (const [name, shape] of [
    ['both1', 'mixed'],
    ['both2', 'mixed'],
    ['both3', 'wide'],
  ] as const)
    assert.deepEqual(await endOf(await ended(name, 90_000)), expected.get(shape)?.want)
  second.kill('SIGTERM')
  await second.ended
  await world.rests()
})

it('an operator that starts on a list of Jobs from the past makes none twice', async () => {
  await kill()
  const path = /mnemosjobs\?(?!.*watch)/
  const stale = proxy.rule({ method: 'GET', path, fault: { kind: 'stale' } })
  const before = proxy.requests().length
  operator = world.startOperator()
  const listed = (): boolean =>
    proxy
      .requests()
      .slice(before)
      .some((each) => each.method === 'GET' && path.test(each.path))
  await eventually(listed, { timeoutMs: 20_000, message: 'the list that grows old was taken' })
  await start('past', 'chain')
  await eventually(
    async () => (await client.list(jobs, { namespace: 'default', labelSelector: 'mnemos.dev/pipeline-run=past-run' })).items.length > 0,
    {
      timeoutMs: 20_000,
      message: 'there is a Job that is not in it',
    },
  )
  await kill()
  operator = world.startOperator()
  await eventually(() => stale.fired > 0, { timeoutMs: 20_000, message: 'the old list was given once more' })
  stale.remove()
  assert.deepEqual(await endOf(await ended('past')), expected.get('chain')?.want)
})

it('a Job that is deleted while it runs is made again under its name, and its step ends once', async () => {
  const slow = {
    steps: [
      { name: 'a', ...ask('[[delay 300]] [[tokens 10]]') },
      { name: 'b', dependsOn: ['a'], ...ask('two') },
    ],
  }
  await client.create(pipelines, object('Pipeline', 'again', slow))
  await client.create(runs, object('PipelineRun', 'again-run', { pipelineRef: { name: 'again' } }))
  const selector = { namespace: 'default', labelSelector: 'mnemos.dev/pipeline-run=again-run,mnemos.dev/step=a' }
  const job = await eventually(async () => (await client.list(jobs, selector)).items.find(({ status }) => status?.phase === 'Running'), {
    timeoutMs: 20_000,
  })
  await client.delete(jobs, at(job.metadata.name))
  const next = await eventually(async () => (await client.list(jobs, selector)).items[0], { timeoutMs: 20_000 })
  assert.equal(next.metadata.name, job.metadata.name)
  assert.notEqual(next.metadata.uid, job.metadata.uid)
  const run = await ended('again')
  assert.deepEqual(
    run.status?.steps.map(({ name, phase }) => [name, phase]),
    [
      ['a', 'Succeeded'],
      ['b', 'Succeeded'],
    ],
  )
})

it('a Pipeline that is deleted under its run takes nothing away, also from an operator that is new', async () => {
  const slow = {
    steps: [
      { name: 'a', ...ask('[[delay 300]] [[tokens 15]]') },
      { name: 'b', dependsOn: ['a'], ...ask('two') },
    ],
  }
  await client.create(pipelines, object('Pipeline', 'gone', slow))
  await client.create(runs, object('PipelineRun', 'gone-run', { pipelineRef: { name: 'gone' } }))
  await eventually(async () => (await client.get(runs, at('gone-run')))?.status?.startedAt, { timeoutMs: 20_000 })
  await client.delete(pipelines, at('gone'))
  await kill()
  operator = world.startOperator()
  const run = await ended('gone')
  assert.equal(run.status?.phase, 'Succeeded', JSON.stringify(run.status))
  await world.rests()
})
