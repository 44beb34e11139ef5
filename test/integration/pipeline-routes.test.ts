/**
 * Pipelines over HTTP on a real API server: everything as its caller, work and artifacts in pages, streams of changes, lineage, revisions. What the
 * operator would make (revisions, Jobs, statuses) the tests make themselves.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiVersion, type Job, type PipelineRun } from '@mnemos/api'
import { ApiError, type RunEvent } from '@mnemos/contract'
import { controllerReference, type KubeObject, resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { aPipeline, namespace, pipelines, revisions, runs, sha, spec, startPipelineBench } from './pipelines.fixture.ts'
import { jobs } from './server.fixture.ts'

const bench = await startPipelineBench()
const { cluster, client, aRevision, aDoneJob, setRunStatus: setStatus } = bench
const alice = bench.as('alice').pipelines
const bob = bench.as('bob').pipelines

const isRefused = (status: number, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ApiError, String(error))
  assert.equal(error.status, status, error.message)
  assert.match(error.message, message)
  return true
}

const pipeline = await alice.create(namespace, aPipeline('digest'))

test('a pipeline is kept as its caller, with its version, and found by nobody else', async () => {
  const stored = await alice.get(namespace, 'digest')
  assert.equal(stored.metadata.uid, pipeline.metadata.uid)
  await assert.rejects(bob.get(namespace, 'digest'), isRefused(403, /mnemospipelines/))
  await assert.rejects(bob.run(namespace, 'digest'), isRefused(403, /mnemospipelines/))
  const { resourceVersion = '' } = stored.metadata
  const changed = { ...stored, spec: { ...stored.spec, description: 'changed' } }
  assert.equal((await alice.replace(namespace, 'digest', changed, { resourceVersion })).spec.description, 'changed')
  await assert.rejects(alice.replace(namespace, 'digest', changed, { resourceVersion }), isRefused(412, /changed since/))
  assert.deepEqual(
    (await alice.list(namespace)).items.map(({ metadata }) => metadata.name),
    ['digest'],
  )
})

test('a document of the older form is stored as what it means, or refused with everything that is wrong', async () => {
  const older = {
    ...{ apiVersion: 'synkron.mnemos.dev/v1', kind: 'Pipeline', metadata: { name: 'of-old', version: '1.2' } },
    spec: { steps: [{ name: 'prepare', kind: 'custom', image: 'busybox', command: ['true'] }] },
  }
  const made = await alice.create(namespace, older)
  assert.deepEqual([made.kind, made.spec.steps[0]?.name], ['Pipeline', 'prepare'])
  const wrong = { ...older, spec: { steps: [{ name: 'prepare', kind: 'costum', image: 'busybox' }] } }
  await assert.rejects(alice.create(namespace, wrong), isRefused(422, /The pipeline is invalid: .*spec\.steps\[0\]/))
  await alice.delete(namespace, 'of-old')
})

test('a run is started with what it is given, once under a key, and of no pipeline that there is not', async () => {
  const made = await alice.run(namespace, 'digest', { parameters: { topic: 'sky' }, priority: 'low', labels: { team: 'a' } })
  assert.match(made.metadata.name, /^digest-[0-9a-f]{10}$/)
  assert.deepEqual([made.spec.parameters, made.spec.priority, made.metadata.labels?.['team']], [{ topic: 'sky' }, 'low', 'a'])
  const twice = await Promise.all([1, 2].map(() => alice.run(namespace, 'digest', { parameters: { topic: 'x' } }, { idempotencyKey: 'k' })))
  assert.equal(twice[0]?.metadata.uid, twice[1]?.metadata.uid)
  await assert.rejects(
    alice.run(namespace, 'digest', { parameters: { topic: 'y' } }, { idempotencyKey: 'k' }),
    isRefused(409, /Idempotency-Key/),
  )
  await assert.rejects(
    alice.run(namespace, 'digets'),
    isRefused(404, /There is no Pipeline digets in namespace alice; did you mean digest\?/),
  )
  await assert.rejects(alice.run(namespace, 'digest', { priority: 'hihg' as 'high' }), isRefused(400, /priority/))
  await assert.rejects(alice.run(namespace, 'Di..gest'), isRefused(400, /The path is wrong: id/))
})

test('the short form of a Job starts a run, too', async () => {
  const post = (body: object): Promise<Response> =>
    bench.fetchAs('alice', `/v1/jobs?namespace=${namespace}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })
  const answer = await post({ kind: 'pipeline', pipeline_ref: 'digest', name: 'short', spec: { params: { topic: 'ice' } } })
  assert.equal(answer.status, 201)
  assert.deepEqual((await alice.getRun(namespace, 'digest', 'short')).spec.parameters, { topic: 'ice' })
  assert.equal((await post({ kind: 'pipeline', spec: {} })).status, 422)
  assert.equal((await post({ kind: 'pipeline', pipeline: 'nothing' })).status, 404)
})

test('runs come in pages, by phase, and only those of the pipeline', async () => {
  await alice.create(namespace, aPipeline('other'))
  for (const name of ['o-1', 'o-2', 'o-3']) await alice.run(namespace, 'other', { name })
  await setStatus(await alice.getRun(namespace, 'other', 'o-2'), { phase: 'Running' })
  const first = await alice.runs(namespace, 'other', { limit: 2 })
  const rest = await alice.runs(namespace, 'other', { limit: 2, continue: first.metadata.continue ?? '' })
  assert.deepEqual(
    [...first.items, ...rest.items].map(({ metadata }) => metadata.name),
    ['o-1', 'o-2', 'o-3'],
  )
  assert.deepEqual(
    (await alice.runs(namespace, 'other', { phase: 'Running' })).items.map(({ metadata }) => metadata.name),
    ['o-2'],
  )
  await assert.rejects(alice.getRun(namespace, 'digest', 'o-1'), isRefused(404, /no run o-1 of Pipeline digest/))
  await assert.rejects(alice.cancel(namespace, 'digest', 'o-1'), isRefused(404, /no run o-1/))
})

test('a run is followed from where it is to its end, across what it becomes', async () => {
  const run = await alice.run(namespace, 'digest', { name: 'followed' })
  const seen: RunEvent[] = []
  const reading = (async () => {
    for await (const event of alice.events(namespace, 'digest', 'followed')) seen.push(event)
  })()
  const phases = (): string[] => seen.map((event) => (event.event === 'run' ? event.phase : event.event))
  await eventually(() => seen.length === 1)
  await setStatus(run, { phase: 'Running', startedAt: '2026-01-01T00:00:00Z' })
  await eventually(() => phases().includes('Running'))
  // A change that is none of the status is not told.
  await client.patch(runs, run.metadata, { metadata: { labels: { a: 'b' } } })
  await setStatus(run, { phase: 'Succeeded' })
  await reading
  assert.deepEqual(phases(), ['Pending', 'Running', 'Succeeded', 'end'])
  const last = seen.findLast((event) => event.event === 'run')
  const again = await Array.fromAsync(alice.events(namespace, 'digest', 'followed', { lastEventId: last?.id ?? '' }))
  assert.deepEqual(
    again.map(({ event }) => event),
    ['end'],
  )
  await assert.rejects(Array.fromAsync(bob.events(namespace, 'digest', 'followed')), isRefused(403, /mnemospipelineruns/))
})

test('a run that is deleted while it is followed has an end', async () => {
  const { metadata } = await alice.run(namespace, 'digest', { name: 'deleted' })
  const seen: RunEvent[] = []
  const reading = (async () => {
    for await (const event of alice.events(namespace, 'digest', 'deleted')) seen.push(event)
  })()
  await eventually(() => seen.length === 1)
  await client.delete(runs, metadata)
  await reading
  assert.equal(seen.at(-1)?.event, 'end')
})

test('who may read a run and not watch it is told so, as the last event', async () => {
  await cluster.kubectlRun(['-n', namespace, 'create', 'role', 'looks', '--verb=get', '--resource=mnemospipelineruns.mnemos.dev'])
  await cluster.kubectlRun(['-n', namespace, 'create', 'rolebinding', 'looks', '--role=looks', '--user=carol'])
  await alice.run(namespace, 'digest', { name: 'looked-at' })
  const events = await Array.fromAsync(bench.as('carol').pipelines.events(namespace, 'digest', 'looked-at'))
  assert.deepEqual(
    events.map(({ event }) => event),
    ['run', 'refused'],
  )
})

test('a run is suspended, resumed, decided about and cancelled; six who decide at once are all heard', async () => {
  const name = 'steered'
  await alice.run(namespace, 'digest', { name })
  assert.equal((await alice.suspend(namespace, 'digest', name)).spec.suspend, true)
  assert.equal((await alice.resume(namespace, 'digest', name)).spec.suspend, false)
  await assert.rejects(alice.approve(namespace, 'digest', name, { step: 'reviw' }), isRefused(404, /no step reviw; did you mean review\?/))
  await Promise.all(
    Array.from({ length: 6 }, (_, at) =>
      alice.approve(namespace, 'digest', name, { step: 'review', decision: 'Rejected', comment: `no ${at}` }),
    ),
  )
  const { approvals = [] } = (await alice.getRun(namespace, 'digest', name)).spec
  assert.deepEqual(approvals.map(({ comment }) => comment).sort(), ['no 0', 'no 1', 'no 2', 'no 3', 'no 4', 'no 5'])
  assert.equal((await alice.cancel(namespace, 'digest', name)).spec.cancel, true)
  assert.equal((await alice.cancel(namespace, 'digest', name)).spec.cancel, true)
  await assert.rejects(alice.retry(namespace, 'digest', name), isRefused(409, /cancel it, or retry when it has ended/))
  await setStatus(await alice.getRun(namespace, 'digest', name), { phase: 'Cancelled' })
  await assert.rejects(alice.suspend(namespace, 'digest', name), isRefused(409, /is Cancelled: nothing of it can change/))
  await assert.rejects(alice.approve(namespace, 'digest', name, { step: 'review' }), isRefused(409, /nothing of it can change/))
})

test('a retry is a new run with what the earlier one was given, and the changes', async () => {
  const run = await alice.run(namespace, 'digest', {
    ...{ name: 'failed', parameters: { topic: 'sea', size: 1 }, priority: 'high' },
    overrides: [{ step: 'split', image: 'one' }],
  })
  await setStatus(run, { phase: 'Failed' })
  const again = await alice.retry(namespace, 'digest', 'failed', {
    ...{ steps: ['ask'], parameters: { topic: 'sky' } },
    overrides: [{ step: 'join', modelRef: { name: 'larger' } }],
  })
  assert.deepEqual(again.spec.retryFrom, { run: 'failed', steps: ['ask'] })
  assert.deepEqual(again.spec.parameters, { topic: 'sky', size: 1 })
  assert.deepEqual(again.spec.overrides, [
    { step: 'split', image: 'one' },
    { step: 'join', modelRef: { name: 'larger' } },
  ])
  assert.equal(again.spec.priority, 'high')
})

/** A run of `digest` with revision 1, five instances, of which three are done. */
async function aRunAtWork(name: string): Promise<{ run: PipelineRun; split: Job; asked: Job[] }> {
  const of = await client.get(pipelines, { namespace, name: 'digest' })
  assert.ok(of)
  const revisionName = `digest-r1`
  if ((await client.get(revisions, { namespace, name: revisionName })) === undefined) await aRevision(of, 1, spec)
  const run = await alice.run(namespace, 'digest', { name })
  const split = await aDoneJob(run, 'split', { files: { parts: '[1,2,3,4,5]', notes: 'none' } })
  const asked = await Promise.all([0, 1, 2].map((item) => aDoneJob(run, 'ask', { item })))
  const steps = [
    { name: 'split', phase: 'Succeeded' },
    { name: 'ask', phase: 'Running', items: 'S3W2' },
  ]
  return { run: await setStatus(run, { phase: 'Running', revision: 1, revisionName, steps }), split, asked }
}
const { split, asked } = await aRunAtWork('working')

test('the work of a run is told in order and in pages, with Jobs, and what has not begun', async () => {
  const all = await alice.steps(namespace, 'digest', 'working')
  assert.deepEqual(
    all.items.map(({ step, item, type, phase, job }) => [step, item ?? '', type, phase, job ?? ''].join(' ')),
    [
      'split  container Succeeded working-split',
      'ask 0 inference Succeeded working-ask-0',
      'ask 1 inference Succeeded working-ask-1',
      'ask 2 inference Succeeded working-ask-2',
      'ask 3 inference Waiting ',
      'ask 4 inference Waiting ',
      'review  approval Waiting ',
      'join  inference Waiting ',
    ],
  )
  const { attempt, worker, startedAt, finishedAt } = all.items[0] ?? {}
  assert.deepEqual([attempt, worker, startedAt, finishedAt], [1, 'w-1', '2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z'])
  const paged: string[] = []
  let next: string | undefined
  do {
    const page = await alice.steps(namespace, 'digest', 'working', { limit: 3, ...(next === undefined ? {} : { continue: next }) })
    paged.push(...page.items.map(({ step, item }) => `${step}${item ?? ''}`))
    next = page.metadata.continue
  } while (next !== undefined)
  assert.deepEqual(paged, ['split', 'ask0', 'ask1', 'ask2', 'ask3', 'ask4', 'review', 'join'])
  const waiting = await alice.steps(namespace, 'digest', 'working', { step: 'ask', phase: 'Waiting' })
  assert.deepEqual(
    waiting.items.map(({ item }) => item),
    [3, 4],
  )
  await assert.rejects(alice.steps(namespace, 'digest', 'working', { step: 'aks' }), isRefused(404, /no step aks; did you mean ask\?/))
  await assert.rejects(alice.steps(namespace, 'digest', 'working', { continue: '../x' }), isRefused(400, /continue/))
})

test('a Job that only says that it is of the run is none of its work', async () => {
  const labels = { 'mnemos.dev/pipeline-run': 'working', 'mnemos.dev/step': 'split' }
  await client.create(jobs, { apiVersion, kind: 'Job', metadata: { name: 'a-liar', namespace, labels }, ...{ spec: split.spec } })
  const { items } = await alice.steps(namespace, 'digest', 'working', { step: 'split' })
  assert.deepEqual(
    items.map(({ job }) => job),
    ['working-split'],
  )
})

test('what a run left is told in pages, within a piece of work too, and its bytes are served with their digest', async () => {
  const told: string[] = []
  let next: string | undefined
  do {
    const page = await alice.artifacts(namespace, 'digest', 'working', { limit: 1, ...(next === undefined ? {} : { continue: next }) })
    told.push(...page.items.map(({ step, item, output, mediaType }) => [step, item ?? '', output, mediaType ?? ''].join(' ')))
    next = page.metadata.continue
  } while (next !== undefined)
  assert.deepEqual(told, ['split  parts application/json', 'split  notes ', 'ask 0 result ', 'ask 1 result ', 'ask 2 result '])
  const answer = await alice.artifact(namespace, 'digest', 'working', { step: 'split', output: 'parts' })
  assert.equal(await answer.text(), '[1,2,3,4,5]')
  assert.equal(answer.headers.get('etag'), `"${sha('[1,2,3,4,5]')}"`)
  assert.equal(answer.headers.get('content-type'), 'application/json')
  const one = await alice.artifact(namespace, 'digest', 'working', { step: 'ask', item: 1, output: 'result' })
  assert.match(await one.text(), /answer of working-ask-1/)
  const ask = (of: { step: string; output: string; item?: number }): Promise<Response> => alice.artifact(namespace, 'digest', 'working', of)
  await assert.rejects(ask({ step: 'ask', output: 'result' }), isRefused(404, /has 5 instances; name one/))
  await assert.rejects(ask({ step: 'split', output: 'part' }), isRefused(404, /no output part; it has parts, notes/))
  await assert.rejects(ask({ step: 'join', output: 'result' }), isRefused(404, /it is Waiting and has none/))
  const path = '/v1/pipelines/digest/runs/working/artifacts/split/parts?namespace=alice'
  const unchanged = await bench.fetchAs('alice', path, { headers: { 'if-none-match': `"${sha('[1,2,3,4,5]')}"` } })
  assert.equal(unchanged.status, 304)
  assert.equal((await bench.fetchAs('bob', path)).status, 403)
})

test('an address outside the place of its own Job is never served', async () => {
  const run = await alice.run(namespace, 'digest', { name: 'greedy' })
  const job = await aDoneJob(run, 'join')
  const stolen = { ...asked[0]?.status?.result }
  const other = await client.create<Job>(jobs, {
    apiVersion,
    kind: 'Job',
    metadata: {
      ...{ name: 'greedy-split', namespace, ownerReferences: [controllerReference(run)] },
      labels: { ...job.metadata.labels, 'mnemos.dev/step': 'split' },
    },
    ...{ spec: job.spec },
  })
  await bench.setStatus(other, { phase: 'Succeeded', attempt: 1, worker: { name: 'w', instance: 'i' }, result: stolen })
  const steps = ['split', 'join'].map((name) => ({ name, phase: 'Succeeded' }))
  await setStatus(run, { phase: 'Succeeded', revision: 1, revisionName: 'digest-r1', steps })
  const { items } = await alice.artifacts(namespace, 'digest', 'greedy')
  assert.deepEqual(
    items.map(({ step }) => step),
    ['join'],
  )
  await assert.rejects(
    alice.artifact(namespace, 'digest', 'greedy', { step: 'split', output: 'result' }),
    isRefused(404, /no output result/),
  )
})

test('work that was kept from an earlier run or remembered is told as what it is', async () => {
  const run = await alice.run(namespace, 'digest', { name: 'keeping' })
  const remembered = await aDoneJob(await alice.run(namespace, 'other', { name: 'o-4' }), 'join')
  const steps = [
    { name: 'split', phase: 'Succeeded', run: 'working' },
    { name: 'ask', phase: 'Running', run: 'working', items: 'S4W1' },
    { name: 'join', phase: 'Succeeded', job: remembered.metadata.name },
  ]
  await aDoneJob(run, 'ask', { item: 3 })
  const about = { phase: 'Running', revision: 1, revisionName: 'digest-r1' }
  await setStatus(run, { ...about, steps })
  const { items } = await alice.steps(namespace, 'digest', 'keeping')
  assert.deepEqual(
    items.flatMap(({ job }) => job ?? []),
    ['working-split', 'working-ask-0', 'working-ask-1', 'working-ask-2', 'keeping-ask-3', 'o-4-join'],
  )
  const third = await alice.run(namespace, 'digest', { name: 'keeping-more' })
  await setStatus(third, { ...about, steps: [{ name: 'split', phase: 'Succeeded', run: 'keeping' }] })
  const kept = await alice.artifacts(namespace, 'digest', 'keeping-more')
  assert.deepEqual(
    kept.items.map(({ job, output }) => `${job} ${output}`),
    ['working-split parts', 'working-split notes'],
  )
  const lineage = await alice.runLineage(namespace, 'digest', 'keeping', { artifact: 'job://working-split/parts' })
  assert.deepEqual(
    lineage.nodes.map(({ job, artifact }) => `${job} ${artifact.output}`),
    ['working-split parts'],
  )
})

test('lineage leads from an artifact to everything that it was made of, from any of its names, for who may see the Jobs', async () => {
  const run = await alice.run(namespace, 'digest', { name: 'whole' })
  const first = await aDoneJob(run, 'split', { files: { parts: '[7]' } })
  await aDoneJob(run, 'ask', { item: 0 })
  const last = await aDoneJob(run, 'join', { work: { inputs: [{ name: 'parts', from: `job://${first.metadata.name}/parts` }] } })
  const steps = [
    { name: 'split', phase: 'Succeeded' },
    { name: 'ask', phase: 'Succeeded', items: 'S1' },
    { name: 'review', phase: 'Succeeded' },
    { name: 'join', phase: 'Succeeded' },
  ]
  await setStatus(run, { phase: 'Succeeded', revision: 1, revisionName: 'digest-r1', steps })
  const page = await alice.runLineage(namespace, 'digest', 'whole', { limit: 2 })
  assert.deepEqual([page.nodes.map(({ step }) => step), page.isWhole], [['split', 'ask'], false])
  const { sha256 = '', uri = '' } = last.status?.result ?? {}
  await eventually(async () => (await alice.lineage(namespace, sha256)).nodes.length > 0, { message: 'the cache has seen the Job' })
  for (const name of [sha256, uri, 'job://whole-join/text']) {
    const { nodes, run: of, revision, isWhole } = await alice.lineage(namespace, name)
    assert.deepEqual(nodes.map(({ job }) => job).sort(), ['whole-ask-0', 'whole-join', 'whole-split'], name)
    assert.deepEqual([of, revision, isWhole], ['whole', 1, true])
    const { inputs, after = [] } = nodes[0] ?? {}
    assert.deepEqual(inputs, [{ from: 'job://whole-split/parts', job: 'whole-split', sha256: sha('[7]') }])
    assert.deepEqual(after.toSorted(), ['ask', 'review'])
  }
  await assert.rejects(bob.lineage(namespace, sha256), isRefused(403, /mnemosjobs/))
  await assert.rejects(alice.lineage(namespace, 'a'.repeat(64)), isRefused(404, /No Job of namespace alice/))
  await assert.rejects(alice.lineage(namespace, 's3://x'), isRefused(400, /artifact is artifact:/))
  await assert.rejects(alice.runLineage(namespace, 'digest', 'working', { artifact: sha256 }), isRefused(404, /not of run working/))
})

test('revisions are listed, compared and put back in force by who saw the pipeline as it is', async () => {
  const made = await alice.create(namespace, aPipeline('versions'))
  const [split, ...rest] = made.spec.steps
  const second = { ...made.spec, steps: [...rest, { ...split, container: { ...split?.['container'], image: 'alpine' } }] }
  await aRevision(made, 1)
  await aRevision(made, 2, second)
  // Of the label alone, it is another's.
  const labels = { 'app.kubernetes.io/managed-by': 'mnemos', 'mnemos.dev/pipeline': 'versions' }
  const foreign = { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata: { name: 'foreign', namespace, labels } }
  await client.create(revisions, { ...foreign, ...{ revision: 9, data: { spec } } })
  await client.patch(pipelines, made.metadata, { status: { revision: 2 } }, { subresource: 'status' })
  const { items } = await alice.revisions(namespace, 'versions')
  assert.deepEqual(
    items.map(({ revision, isCurrent }) => [revision, isCurrent]),
    [
      [2, true],
      [1, false],
    ],
  )
  assert.equal(Array.isArray((await alice.revision(namespace, 'versions', 1)).spec?.['steps']), true)
  const diff = await alice.diff(namespace, 'versions', { from: 1, to: 2 })
  assert.deepEqual(diff.changes, [{ pointer: '/steps/3/container/image', from: 'busybox', to: 'alpine' }])
  assert.match(diff.text, /^--- versions revision 1\n\+\+\+ versions revision 2\n@@ /)
  assert.match(diff.text, /^\+ +image: alpine$/m)
  await assert.rejects(alice.rollback(namespace, 'versions', 7), isRefused(404, /has no revision 7; there are 2, 1/))
  await assert.rejects(alice.rollback(namespace, 'versions', 2, { resourceVersion: '1' }), isRefused(412, /changed since/))
  const back = await alice.rollback(namespace, 'versions', 2)
  assert.equal(back.spec.steps[3]?.name, 'split')
  assert.equal(back.metadata.uid, made.metadata.uid)
})

test('an alias goes back to the Model that it stood for, and there again', async () => {
  const models = resource<KubeObject>({ group: 'mnemos.dev', version: 'v1alpha1', plural: 'mnemosmodels', kind: 'Model', namespaced: true })
  const aModel = (name: string, uri: string, annotations: Record<string, string> = {}): Promise<KubeObject> =>
    client.create(models, { apiVersion, kind: 'Model', metadata: { name, namespace, annotations }, ...{ spec: { source: { uri } } } })
  await aModel('best', 'model://v2', { 'mnemos.dev/previous': 'v1' })
  await aModel('plain', 'https://example.com/m.gguf')
  const user = bench.as('alice')
  assert.equal((await user.rollbackModel(namespace, 'best')).spec.source.uri, 'model://v1')
  const there = await user.rollbackModel(namespace, 'best')
  assert.deepEqual([there.spec.source.uri, there.metadata.annotations?.['mnemos.dev/previous']], ['model://v2', 'v1'])
  await assert.rejects(user.rollbackModel(namespace, 'plain'), isRefused(409, /plain is no alias/))
  await assert.rejects(bench.as('bob').rollbackModel(namespace, 'best'), isRefused(403, /mnemosmodels/))
})

test('ten thousand instances are served from anywhere in their order without reading the others', async () => {
  const run = await alice.run(namespace, 'digest', { name: 'wide' })
  await aDoneJob(run, 'ask', { item: 9998 })
  const steps = [
    { name: 'split', phase: 'Succeeded' },
    { name: 'ask', phase: 'Running', items: 'S9999R1' },
  ]
  await setStatus(run, { phase: 'Running', revision: 1, revisionName: 'digest-r1', steps })
  const page = await alice.steps(namespace, 'digest', 'wide', { continue: 'ask:9996', limit: 500 })
  assert.deepEqual(
    page.items.map(({ step, item, job }) => [step, item ?? '', job ?? ''].join(' ')),
    ['ask 9997 ', 'ask 9998 wide-ask-9998', 'ask 9999 ', 'review  ', 'join  '],
  )
  assert.equal((await alice.steps(namespace, 'digest', 'wide', { limit: 500 })).items.at(-1)?.item, 498)
})

test('a thousand steps with long names are served in pages of five hundred', async () => {
  const names = Array.from({ length: 1000 }, (_, at) => `${'step-with-a-name-that-is-as-long-as-can-'.slice(0, 36)}${1000 + at}`)
  const of = await client.get(pipelines, { namespace, name: 'digest' })
  assert.ok(of)
  await aRevision(of, 7, { steps: names.map((name) => ({ name, container: { image: 'i' } })) })
  const run = await alice.run(namespace, 'digest', { name: 'long' })
  const steps = names.map((name) => ({ name, phase: 'Running' }))
  await setStatus(run, { phase: 'Running', revision: 7, revisionName: 'digest-r7', steps })
  const page = await alice.steps(namespace, 'digest', 'long', { limit: 500 })
  const rest = await alice.steps(namespace, 'digest', 'long', { limit: 500, continue: page.metadata.continue ?? '' })
  assert.deepEqual(
    [...page.items, ...rest.items].map(({ step }) => step),
    names,
  )
  assert.equal(rest.metadata.continue, undefined)
})
