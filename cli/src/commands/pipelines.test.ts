import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { PipelineRun } from '@mnemos/api'
import type { RetryBody, RunBody, RunEvent, RunStep } from '@mnemos/contract'
import { aJob } from '@mnemos/testkit'
import { CliError } from '../errors.ts'
import { anInvocation, aPipeline, aRun, aSession, because, ensembleSpec, remembering } from '../pipelines.test-kit.ts'
import type { PipelinesApi } from '../pipelines-api.ts'
import type { Session } from '../session.ts'
import { lineage } from './pipelines-artifacts.ts'
import { createPipelines, getPipeline, listPipelines } from './pipelines-get.ts'
import { showGraph } from './pipelines-graph.ts'
import { runLogs } from './pipelines-logs.ts'
import { type RetryFlags, retryRun } from './pipelines-retry.ts'
import { diffRevisions, rollbackPipeline } from './pipelines-revisions.ts'
import { type RunFlags, runPipeline } from './pipelines-run.ts'
import { listRuns, runStatus } from './pipelines-runs.ts'
import { approveStep, steerRuns } from './pipelines-steer.ts'
import { waitForRuns } from './pipelines-wait.ts'
import { why } from './why.ts'

const folder = await mkdtemp(join(tmpdir(), 'mnemos-pipelines-'))
after(() => rm(folder, { recursive: true }))

const oddFolder = join(folder, 'odd')
await mkdir(oddFolder)
await writeFile(join(oddFolder, 'a b.txt'), '')

const found = (run: PipelineRun): Pick<PipelinesApi, 'findRun' | 'revision'> => ({
  findRun: (name) => Promise.resolve(name === run.metadata.name ? run : undefined),
  revision: (_pipeline, revision) => Promise.resolve({ revision, name: `ensemble-${revision}`, isCurrent: true, spec: ensembleSpec }),
})
const change = { param: [], override: [], model: [], wait: false, follow: false }
const runFlags: RunFlags = { ...change, files: [], name: 'ensemble-7' }

async function* told(...events: readonly RunEvent[]): AsyncGenerator<RunEvent> {
  await Promise.resolve()
  yield* events
}

function starting(): {
  readonly pipelines: Partial<PipelinesApi>
  readonly files: Partial<Session['files']>
  readonly sent: RunBody[]
  readonly stored: string[]
} {
  const sent: RunBody[] = []
  const stored: string[] = []
  const pipelines: Partial<PipelinesApi> = {
    get: () => Promise.resolve(aPipeline()),
    start: (_name, body) => {
      sent.push(body)
      return Promise.resolve(aRun('Pending'))
    },
  }
  const files: Partial<Session['files']> = {
    put: async (path, body, { sha256, sizeBytes }) => {
      stored.push(`${path}=${await new Response(body).text()}`)
      return { path, uri: `artifact://files/default/${path}`, sha256, sizeBytes }
    },
  }
  return { pipelines, files, sent, stored }
}

test('run: parameters, files and changes of steps become one request, and the next step is told', async () => {
  await writeFile(join(folder, 'b.txt'), 'two')
  await writeFile(join(folder, 'a.txt'), 'one')
  await writeFile(join(folder, '.hidden'), 'no')
  const { pipelines, files, sent, stored } = starting()
  const { terminal, out, err } = remembering()
  const flags = {
    ...runFlags,
    param: ['topic=bees'],
    files: [`files=${folder}`],
    override: ['read=r:2'],
    model: ['ask=big'],
    priority: 'low',
  }
  assert.equal(await runPipeline(anInvocation(terminal), aSession(pipelines, {}, files), 'ensemble', flags), 0)
  assert.deepEqual(stored.toSorted(), ['ensemble-7/files/a.txt=one', 'ensemble-7/files/b.txt=two'])
  assert.deepEqual(sent, [
    {
      name: 'ensemble-7',
      parameters: {
        files: ['artifact://files/default/ensemble-7/files/a.txt', 'artifact://files/default/ensemble-7/files/b.txt'],
        topic: 'bees',
      },
      priority: 'low',
      overrides: [
        { step: 'read', image: 'r:2' },
        { step: 'ask', modelRef: { name: 'big' } },
      ],
    },
  ])
  assert.equal(out(), 'mnemospipelinerun.mnemos.dev/ensemble-7 created\n')
  assert.equal(err(), '  next: mnemos pipelines graph ensemble-7 --watch\n')
})

const wrongRuns: Record<string, { flags: Partial<RunFlags>; want: RegExp }> = {
  'a parameter that is missing': { flags: {}, want: /topic: is required/ },
  'a folder that is not there': { flags: { param: ['topic=t'], files: ['files=/nowhere/at/all'] }, want: /there is no folder/ },
  'files for what is no list': { flags: { param: ['topic=t'], files: [`rounds=${folder}`] }, want: /rounds: is a list/ },
  'a file whose name no URI has': { flags: { param: ['topic=t'], files: [`files=${oddFolder}`] }, want: /rename "a b\.txt"/ },
  'a priority that does not exist': { flags: { param: ['topic=t'], priority: 'hihg' }, want: /--priority hihg/ },
  'a step that there is not': { flags: { param: ['topic=t'], override: ['raed=x'] }, want: /did you mean "read"/ },
}

for (const [sentence, { flags, want }] of Object.entries(wrongRuns)) {
  test(`run: ${sentence} is told before anything is sent or stored`, async () => {
    const { pipelines, sent, stored } = starting()
    const running = runPipeline(anInvocation(remembering().terminal), aSession(pipelines), 'ensemble', { ...runFlags, ...flags })
    const error: unknown = await running.then(
      () => undefined,
      (refusal: unknown) => refusal,
    )
    assert.ok(error instanceof CliError)
    assert.equal(error.exitCode, 64)
    assert.match([error.message, ...error.details].join('\n'), want)
    assert.deepEqual([...sent, ...stored], [])
  })
}

const failed = aRun('Failed', [{ name: 'read', phase: 'Failed', message: 'exit code 3' }])
const ends: Record<string, { run: PipelineRun; want: number; wantSaid: RegExp }> = {
  'that succeeds ends with 0': {
    run: aRun('Succeeded', [], { outputs: [{ name: 'answer', value: 'yes' }, { name: 'previous' }] }),
    want: 0,
    wantSaid: /Succeeded/,
  },
  'that fails ends with 1 and says why': {
    run: failed,
    want: 1,
    wantSaid: /step read failed: exit code 3\.\n {2}next: .* retry ensemble-7/,
  },
  'that is cancelled ends with 2': { run: aRun('Cancelled'), want: 2, wantSaid: /Cancelled/ },
}

for (const [sentence, { run, want, wantSaid }] of Object.entries(ends)) {
  test(`run --follow: a run ${sentence}`, async () => {
    const { pipelines } = starting()
    const { status } = run
    assert.ok(status)
    const session = aSession({
      ...pipelines,
      revision: found(run).revision,
      events: () => told({ event: 'run', id: '2', phase: status.phase, status }, { event: 'end' }),
    })
    const { terminal, out, err } = remembering()
    const flags = { ...runFlags, param: ['topic=t'], follow: true }
    assert.equal(await runPipeline(anInvocation(terminal), session, 'ensemble', flags), want)
    assert.match(err(), wantSaid)
    if (want === 0) assert.match(out(), /Outputs:\n {2}answer: yes\n {2}previous: \(no value\)\n/)
  })
}

test('graph --watch on a terminal draws the steps, and takes a broken stream up behind its last event', async () => {
  const first = aRun('Running', [{ name: 'read', phase: 'Running' }])
  const { status } = aRun('Succeeded', [{ name: 'read', phase: 'Succeeded' }])
  assert.ok(first.status !== undefined && status !== undefined)
  const askedFrom: (string | undefined)[] = []
  const connections = [
    [{ event: 'run' as const, id: '5', phase: 'Running' as const, status: first.status }],
    [{ event: 'run' as const, id: '6', phase: 'Succeeded' as const, status }],
  ]
  const session = aSession({
    ...found(first),
    steps: () => Promise.resolve([]),
    events: (_run, lastEventId) => {
      askedFrom.push(lastEventId)
      return told(...(connections[askedFrom.length - 1] ?? []))
    },
  })
  const { terminal, err } = remembering({ columns: 60, rows: 20 })
  assert.equal(await showGraph(anInvocation(terminal), session, 'ensemble-7', { watch: true, dot: false, mermaid: false }), 0)
  assert.deepEqual(askedFrom, [undefined, '5'])
  assert.match(err(), /● read/)
  assert.match(err(), /✓ read/)
})

test('wait: a run that is deleted meanwhile has failed, and one that may not be watched any more is not asked for again', async () => {
  const run = aRun('Running')
  const gone = remembering()
  const session = aSession({ ...found(run), events: () => told({ event: 'end' }) })
  assert.equal(await waitForRuns(anInvocation(gone.terminal), session, ['ensemble-7']), 1)
  assert.match(gone.err(), /was deleted while it was Running/)
  const refused = aSession({ ...found(run), events: () => told({ event: 'refused', code: 'MNEMOS_FORBIDDEN', message: 'no more' }) })
  await assert.rejects(waitForRuns(anInvocation(gone.terminal), refused, ['ensemble-7']), { message: 'the run cannot be watched: no more' })
})

test('graph: a name that is no run is a pipeline, which cannot be watched', async () => {
  const session = aSession({ findRun: () => Promise.resolve(undefined), get: () => Promise.resolve(aPipeline()) })
  const { terminal, out } = remembering()
  const flags = { watch: false, dot: false, mermaid: false }
  assert.equal(await showGraph(anInvocation(terminal), session, 'ensemble', flags), 0)
  assert.match(out(), /^○ read {5}container\n├─ ○ ask/)
  await assert.rejects(showGraph(anInvocation(terminal), session, 'ensemble', { ...flags, watch: true }), { exitCode: 64 })
})

test('graph -o json is the graph as data', async () => {
  const { terminal, out } = remembering()
  const session = aSession({ get: () => Promise.resolve(aPipeline()) })
  await showGraph(anInvocation(terminal, 'json'), session, 'pipeline/ensemble', { watch: false, dot: false, mermaid: false })
  const graph = JSON.parse(out()) as { steps: unknown[] }
  assert.deepEqual(graph.steps[3], { name: 'vote', type: 'container', after: ['ask', 'each'], forEach: false, finally: false })
})

test('retry: keeps the parameters of the earlier run but those that are changed', async () => {
  const sent: RetryBody[] = []
  const earlier = aRun('Failed', [], { spec: { parameters: { topic: 'bees', rounds: 2 } } })
  const session = aSession({
    ...found(earlier),
    retry: (_run, body) => {
      sent.push(body)
      return Promise.resolve(aRun('Pending'))
    },
  })
  const { terminal } = remembering()
  const flags: RetryFlags = { ...change, name: 'again', from: [] }
  await retryRun(anInvocation(terminal), session, 'ensemble-7', flags)
  await retryRun(anInvocation(terminal), session, 'ensemble-7', { ...flags, from: ['vote'], param: ['rounds=4'], model: ['ask=big'] })
  assert.deepEqual(sent, [
    { name: 'again' },
    { name: 'again', steps: ['vote'], parameters: { topic: 'bees', rounds: 4 }, overrides: [{ step: 'ask', modelRef: { name: 'big' } }] },
  ])
  await assert.rejects(retryRun(anInvocation(terminal), session, 'ensemble-7', { ...flags, from: ['vtoe'] }), { exitCode: 64 })
})

test('a run that there is not is not found, with the command that lists those that there are', async () => {
  const session = aSession({ findRun: () => Promise.resolve(undefined) })
  await assert.rejects(waitForRuns(anInvocation(remembering().terminal), session, ['nobody']), {
    exitCode: 3,
    hint: 'mnemos pipelines runs -n default',
  })
})

const rows: RunStep[] = [
  { step: 'read', type: 'container', phase: 'Succeeded', job: 'job-read' },
  { step: 'each', item: 0, type: 'inference', phase: 'Succeeded', job: 'job-each-0' },
  { step: 'each', item: 1, type: 'inference', phase: 'Succeeded', job: 'job-each-1' },
  { step: 'review', type: 'approval', phase: 'Succeeded' },
]
const answered = { phase: 'Succeeded' as const, result: { uri: 'artifact://x', sha256: 'a', sizeBytes: 1 } }
const jobs = Object.fromEntries(
  rows.flatMap(({ job }) => (job === undefined ? [] : [[job, aJob(job).thatIs(answered.phase, answered).build()]])),
)

test('logs: of one instance, and of all steps with the Job of each', async () => {
  const session = aSession(
    {
      ...found(aRun('Succeeded')),
      steps: (_run, { step }) => Promise.resolve(rows.filter((row) => step === undefined || row.step === step)),
    },
    jobs,
  )
  const flags = { follow: false, timestamps: false }
  const one = remembering()
  await runLogs(anInvocation(one.terminal), session, { run: 'ensemble-7', step: 'each' }, { ...flags, item: 1 })
  assert.deepEqual([one.out(), one.err()], ['an answer\n', ''])
  const every = remembering()
  assert.equal(await runLogs(anInvocation(every.terminal), session, { run: 'ensemble-7' }, { ...flags, follow: true }), 0)
  assert.equal(every.out(), 'an answer\n'.repeat(3))
  assert.match(every.err(), /==> read \(Job job-read\) <==\n==> each\[0\] \(Job job-each-0\) <==/)
  await assert.rejects(runLogs(anInvocation(one.terminal), session, { run: 'ensemble-7', step: 'nothing' }, flags), { exitCode: 3 })
})

test('status: a page with the steps and what was left behind, and with wide the Job of each row', async () => {
  const run = aRun('Succeeded', [{ name: 'read', phase: 'Succeeded' }], {
    artifacts: [{ name: 'read/text', uri: 'artifact://a', sha256: 'a', sizeBytes: 2000 }],
    conditions: [because('Succeeded', 'True', 'StepsSucceeded', 'Every step succeeded.')],
  })
  const session = aSession({ ...found(run), steps: () => Promise.resolve(rows) })
  const { terminal, out } = remembering()
  await runStatus(anInvocation(terminal, 'wide'), session, 'ensemble-7')
  assert.match(out(), /^Run: {7}default\/ensemble-7\nPipeline: {2}ensemble, revision 2\n/)
  assert.match(out(), /Reason: {4}StepsSucceeded: Every step succeeded\.\n/)
  assert.match(out(), /\nArtifacts:\n {2}read\/text {2}artifact:\/\/a \(2\.00 kB\)\n/)
  assert.match(out(), /\neach\[1\] +inference +Succeeded +job-each-1/)
})

test('lists: runs newest first, pipelines with their revision, and what to do when there are none', async () => {
  const older = aRun('Succeeded')
  const newer = { ...aRun('Running'), metadata: { name: 'ensemble-8', creationTimestamp: '2026-01-01T11:59:00Z' } }
  const { terminal, out } = remembering()
  await listRuns(anInvocation(terminal, 'name'), aSession({ runs: () => Promise.resolve([older, newer]) }))
  assert.equal(out(), 'mnemospipelinerun.mnemos.dev/ensemble-8\nmnemospipelinerun.mnemos.dev/ensemble-7\n')
  const second = remembering()
  await listPipelines(anInvocation(second.terminal), aSession({ list: () => Promise.resolve([aPipeline()]) }))
  assert.match(second.out(), /^NAME +READY +REASON +STEPS +REVISION +AGE\nensemble +True +RevisionInForce +6 +2 /)
  const third = remembering()
  await listRuns(anInvocation(third.terminal), aSession({ runs: () => Promise.resolve([]) }), 'ensemble')
  assert.match(third.out(), /^No runs of ensemble in namespace default\. Start one: mnemos pipelines run ensemble\n/)
})

test('get: what a pipeline takes, and its steps', async () => {
  const { terminal, out } = remembering()
  await getPipeline(anInvocation(terminal), aSession({ get: () => Promise.resolve(aPipeline()) }), 'ensemble')
  assert.match(out(), /Parameters:\n {2}topic {2}string, required\n {2}files {2}list, default \["artifact:\/\/files\/a"\]\n/)
  assert.match(out(), /Steps:\n○ read/)
})

test('create: pipelines and the older form go to the server as they are, anything else is refused', async () => {
  const created: object[] = []
  const session = aSession({
    create: (document) => {
      created.push(document)
      return Promise.resolve(aPipeline('p'))
    },
  })
  const path = join(folder, 'pipelines.yaml')
  await writeFile(
    path,
    'apiVersion: mnemos.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n---\napiVersion: synkron.mnemos.dev/v1\nsteps: []\n',
  )
  const { terminal, out } = remembering()
  await createPipelines(anInvocation(terminal), session, path)
  assert.equal(created.length, 2)
  assert.equal(out(), 'mnemospipeline.mnemos.dev/p created\n'.repeat(2))
  await writeFile(path, 'apiVersion: mnemos.dev/v1alpha1\nkind: Job\nmetadata: {name: p}\n')
  await assert.rejects(createPipelines(anInvocation(terminal), session, path), { exitCode: 64 })
})

test('cancel, suspend and approve name what they did', async () => {
  const did: unknown[] = []
  const session = aSession({
    ...found(aRun('Running')),
    steer: (run, verb) => Promise.resolve(void did.push([run.metadata.name, verb])),
    approve: (_run, decision) => Promise.resolve(void did.push(decision)),
  })
  const { terminal, out } = remembering()
  await steerRuns(anInvocation(terminal), session, 'suspend', ['ensemble-7'])
  await approveStep(anInvocation(terminal), session, { run: 'ensemble-7', step: 'review' }, { reject: true, comment: 'too dear' })
  assert.deepEqual(did, [['ensemble-7', 'suspend'], { step: 'review', decision: 'Rejected', comment: 'too dear' }])
  assert.match(out(), /ensemble-7 suspended\n.*ensemble-7 step review rejected\n/s)
})

const revisions = [3, 2, 1].map((revision) => ({ revision, name: `ensemble-${revision}`, isCurrent: revision === 3 }))

test('diff and rollback are about the revision in force and the one before, unless others are named', async () => {
  const asked: unknown[] = []
  const session = aSession({
    revisions: () => Promise.resolve(revisions),
    diff: (_name, between) => {
      asked.push(between)
      return Promise.resolve({ ...between, changes: [{ pointer: '/steps/0', from: 1, to: 2 }], isWhole: true, text: '-a\n+b\n' })
    },
    rollback: (_name, revision) => {
      asked.push(revision)
      return Promise.resolve(aPipeline())
    },
  })
  const { terminal, out } = remembering()
  const invocation = anInvocation(terminal)
  await diffRevisions(invocation, session, { pipeline: 'ensemble' })
  await diffRevisions(invocation, session, { pipeline: 'ensemble', from: 1 })
  await rollbackPipeline(invocation, session, 'ensemble')
  await rollbackPipeline(invocation, session, 'ensemble', 1)
  assert.deepEqual(asked, [{ from: 2, to: 3 }, { from: 1, to: 3 }, 2, 1])
  assert.match(out(), /^-a\n\+b\n/)
  await assert.rejects(diffRevisions(invocation, session, { pipeline: 'ensemble', to: 1 }), { exitCode: 3 })
})

test('lineage: of a run by its name, of an artifact by its URI', async () => {
  const node = {
    artifact: { uri: 'artifact://a', output: 'text', sha256: 'b'.repeat(64), sizeBytes: 10 },
    ...{ step: 'each', item: 2, job: 'j', attempt: 1, model: { name: 'smol', digest: `sha256:${'c'.repeat(64)}` } },
    ...{ inputs: [{ from: 'job://read/text', job: 'read' }], after: ['read'] },
  }
  const asked: string[] = []
  const session = aSession({
    ...found(aRun('Succeeded')),
    lineageOfRun: (run) => {
      asked.push(run.metadata.name)
      return Promise.resolve({ nodes: [node], isWhole: true })
    },
    lineageOf: (artifact) => {
      asked.push(artifact)
      return Promise.resolve({ nodes: [], isWhole: true })
    },
  })
  const { terminal, out } = remembering()
  await lineage(anInvocation(terminal), session, 'ensemble-7')
  await lineage(anInvocation(terminal), session, 'artifact://a')
  assert.deepEqual(asked, ['ensemble-7', 'artifact://a'])
  assert.equal(
    out(),
    `artifact://a  text, 10 B, sha256 bbbbbbbbbbbb
  made by step each[2], Job j, attempt 1
  with Model smol (sha256:cccccccccccc)
  from job://read/text (Job read)
  after read
Nothing was left behind yet.
`,
  )
})

test('why: of a run at work it is what its Job waits for; of a Job and a Pipeline what they say', async () => {
  const waiting = aJob('job-ask')
    .thatIs('Pending', { conditions: [because('Reconciling', 'True', 'WorkersBusy', 'Both workers are busy.')] })
    .build()
  const session = aSession(
    {
      ...found(aRun('Running', [{ name: 'ask', phase: 'Running' }])),
      steps: () => Promise.resolve([{ step: 'ask', type: 'inference', phase: 'Running', job: 'job-ask' }]),
      get: () => Promise.resolve(aPipeline()),
    },
    { 'job-ask': waiting },
  )
  const { terminal, out } = remembering()
  for (const what of ['run/ensemble-7', 'job/job-ask', 'pipeline/ensemble']) await why(anInvocation(terminal), session, what)
  assert.equal(
    out(),
    `Run ensemble-7 waits for step ask: Both workers are busy.
  next: mnemos pipelines graph ensemble-7 --watch
Job job-ask waits: Both workers are busy.
  next: mnemos jobs get job-ask
Pipeline ensemble is ready.
  next: mnemos pipelines run ensemble
`,
  )
  await assert.rejects(why(anInvocation(terminal), session, 'ensemble-7'), { exitCode: 64 })
})
