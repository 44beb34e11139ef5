/**
 * The commands about pipelines against a real server on a real API server, as alice: what they send is taken, what they show is there. What the
 * operator would make (revisions, statuses) the test makes itself.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { apiVersion, type Pipeline, type PipelineRun, pipelineResource, pipelineRunResource } from '@mnemos/api'
import { controllerReference, type KubeObject, resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { startServerBench } from './server.fixture.ts'

const pipelines = resource<Pipeline>(pipelineResource)
const runs = resource<PipelineRun>(pipelineRunResource)
const revisions = resource<KubeObject>({
  ...{ group: 'apps', version: 'v1', plural: 'controllerrevisions', kind: 'ControllerRevision', namespaced: true },
})
const namespace = 'alice'
const bench = await startServerBench()
const { cluster, client } = bench
const kinds = 'mnemospipelines.mnemos.dev,mnemospipelineruns.mnemos.dev'
await cluster.kubectlRun(['create', 'clusterrole', 'pipelines', '--verb=*', `--resource=${kinds}`])
await cluster.kubectlRun(['create', 'clusterrole', 'revisions', '--verb=get,list', '--resource=controllerrevisions.apps'])
for (const role of ['pipelines', 'revisions'])
  await cluster.kubectlRun(['-n', namespace, 'create', 'rolebinding', role, `--clusterrole=${role}`, '--user=alice'])

const folder = await mkdtemp(join(tmpdir(), 'mnemos-pipelines-cli-'))
after(() => rm(folder, { recursive: true }))

/** JSON is YAML, and a kubeconfig. */
async function kubeconfigOf(user: string): Promise<string> {
  const path = join(folder, `${user}.kubeconfig`)
  const access = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'test' },
    clusters: [
      { name: 'test', cluster: { server: cluster.server, 'certificate-authority-data': Buffer.from(cluster.ca).toString('base64') } },
    ],
    users: [{ name: user, user: { token: cluster.tokenFor(user) } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user, namespace } }],
  }
  await writeFile(path, JSON.stringify(access))
  return path
}
const access = { alice: await kubeconfigOf('alice'), bob: await kubeconfigOf('bob') }

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

function mnemos(words: string, user: keyof typeof access = 'alice'): Promise<Ended> {
  const args = ['cli/src/main.ts', '--kubeconfig', access[user], '--server', bench.url, ...words.split(' ')]
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err })
    })
  })
}

const spec = {
  parameters: [
    { name: 'topic', type: 'string' },
    { name: 'rounds', type: 'integer', default: 2 },
  ],
  steps: [
    { name: 'ask', inference: { modelRef: { name: 'm' }, prompt: '$(params.topic)' } },
    { name: 'review', dependsOn: ['ask'], approval: {} },
    { name: 'tell', dependsOn: ['review'], inference: { modelRef: { name: 'm' }, prompt: '$(steps.ask.outputs.text)' } },
  ],
}

async function aRevision(pipeline: Pipeline, revision: number, of: object): Promise<void> {
  const name = `${pipeline.metadata.name}-r${revision}`
  const labels = { 'app.kubernetes.io/managed-by': 'mnemos', 'mnemos.dev/pipeline': pipeline.metadata.name }
  const metadata = { name, namespace, labels, ownerReferences: [controllerReference(pipeline)] }
  await client.create(revisions, { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata, ...{ revision, data: { spec: of } } })
}

const setStatus = (name: string, status: object): Promise<PipelineRun> =>
  client.patch<PipelineRun>(runs, { namespace, name }, { status }, { subresource: 'status' })
const because = (type: string, status: string, reason: string, message: string): object => ({
  conditions: [{ type, status, reason, message, observedGeneration: 1, lastTransitionTime: '2026-01-01T00:00:00Z' }],
})

test('a pipeline is created from a file, shown as a tree, and seen by nobody else', async () => {
  const path = join(folder, 'talk.yaml')
  await writeFile(path, JSON.stringify({ apiVersion, kind: 'Pipeline', metadata: { name: 'talk' }, spec }))
  assert.equal((await mnemos(`pipelines create -f ${path}`)).out, 'mnemospipeline.mnemos.dev/talk created\n')
  assert.match((await mnemos('pipelines list')).out, /\ntalk /)
  assert.match((await mnemos('pipelines graph talk')).out, /^○ ask +inference\n○ review +approval\n○ tell +inference/)
  assert.equal((await mnemos('pipelines get talk', 'bob')).code, 4)
  const pipeline = await client.get(pipelines, { namespace, name: 'talk' })
  assert.ok(pipeline)
  await aRevision(pipeline, 1, { ...pipeline.spec, description: 'as it was' })
  await aRevision(pipeline, 2, pipeline.spec)
  await client.patch(pipelines, pipeline.metadata, { status: { revision: 2, revisionName: 'talk-r2' } }, { subresource: 'status' })
})

test('a run with a parameter that is wrong is not started; one that is right is, with values of the declared types', async () => {
  const wrong = await mnemos('pipelines run talk -p topik=sky -p rounds=two')
  assert.equal(wrong.code, 64)
  assert.match(wrong.err, /topik: the pipeline has no such parameter; did you mean "topic"\?/)
  assert.match(wrong.err, /rounds: must be an integer/)
  const started = await mnemos('pipelines run talk --name talk-1 -p topic=12 -p rounds=3 --model ask=big --json')
  assert.equal(started.code, 0, started.err)
  const run = await client.get(runs, { namespace, name: 'talk-1' })
  assert.deepEqual([run?.spec.parameters, run?.spec.overrides], [{ topic: '12', rounds: 3 }, [{ step: 'ask', modelRef: { name: 'big' } }]])
})

test('a run is explained, steered and decided about', async () => {
  await setStatus('talk-1', {
    ...{ phase: 'Paused', revision: 2, startedAt: '2026-01-01T00:00:00Z', progress: { jobs: '1/3', percent: 33 } },
    steps: [
      { name: 'ask', phase: 'Succeeded' },
      { name: 'review', phase: 'Running' },
    ],
    ...because('Reconciling', 'True', 'ApprovalNeeded', 'Step review waits for a decision.'),
  })
  assert.match((await mnemos('pipelines graph run/talk-1')).out, /^talk-1 {2}Paused.*\n✓ ask.*\n\? review.*approve talk-1 review\n○ tell/s)
  assert.match(
    (await mnemos('why run/talk-1')).out,
    /waits for a decision about step review\.\n {2}next: mnemos pipelines approve talk-1 review/,
  )
  assert.match((await mnemos('pipelines status talk-1 -o wide')).out, /\nreview +approval +Running/)
  for (const words of ['suspend talk-1', 'resume talk-1', 'approve talk-1 review --comment fine']) {
    const ended = await mnemos(`pipelines ${words}`)
    assert.equal(ended.code, 0, ended.err)
  }
  const run = await client.get(runs, { namespace, name: 'talk-1' })
  assert.deepEqual(
    run?.spec.approvals?.map(({ step, decision, comment }) => [step, decision, comment]),
    [['review', 'Approved', 'fine']],
  )
})

test('a run is waited for to its end, and the exit code is its own', async () => {
  const waiting = mnemos('pipelines graph talk-1 --watch')
  await setStatus('talk-1', { phase: 'Running' })
  await setStatus('talk-1', {
    ...{ phase: 'Failed', finishedAt: '2026-01-01T00:01:00Z' },
    steps: [{ name: 'tell', phase: 'Failed', message: 'The model is gone.' }],
    ...because('Succeeded', 'False', 'StepFailed', 'Step tell failed.'),
  })
  const { code, err } = await waiting
  assert.equal(code, 1)
  assert.match(err, /Failed: Run talk-1 failed because step tell failed: The model is gone\.\n {2}next: /)
  assert.match((await mnemos('pipelines runs talk')).out, /\ntalk-1 +talk +Failed +StepFailed/)
  assert.equal((await mnemos('pipelines wait nobody')).code, 3)
})

test('a run that failed is done again from a step, with what was changed', async () => {
  const again = await mnemos('pipelines retry talk-1 --from ask -p rounds=4 --name talk-2')
  assert.equal(again.code, 0, again.err)
  const run = await client.get(runs, { namespace, name: 'talk-2' })
  assert.deepEqual(run?.spec.retryFrom, { run: 'talk-1', steps: ['ask'] })
  assert.deepEqual(run.spec.parameters, { topic: '12', rounds: 4 })
})

test('revisions are listed and compared, and the one before is put in force again', async () => {
  assert.match((await mnemos('pipelines revisions talk')).out, /\n2 +\* .*\n1 +- /)
  assert.match((await mnemos('pipelines diff talk')).out, /^-description: as it was$/m)
  const rolledBack = await mnemos('pipelines rollback talk')
  assert.equal(rolledBack.code, 0, rolledBack.err)
  await eventually(async () => (await client.get(pipelines, { namespace, name: 'talk' }))?.spec.description === 'as it was')
  assert.match((await mnemos('pipelines artifacts talk-1')).out, /has left nothing behind/)
  assert.match((await mnemos('pipelines lineage talk-1')).out, /^Nothing was left behind yet\.\n$/)
  assert.equal((await mnemos('pipelines delete talk')).code, 0)
})
