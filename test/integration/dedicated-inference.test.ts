/**
 * Inferences with `placement.dedicated`: real API server, operator, server and the process of the attempt; the test is the kubelet. It
 * starts the process as the pod says, with an engine that answers without a model, and writes what it reports into the pod.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { JobInput } from '@mnemos/api'
import type { Pod } from '@mnemos/domain'
import { resource } from '@mnemos/kube'
import { parseServerConfig, runServer } from '@mnemos/server'
import { eventually } from '@mnemos/testkit'
import { pino } from 'pino'
import { createModel, digest, imported, models, ScriptedWorker, startBench } from './operator.fixture.ts'

interface AttemptPod extends Pod {
  readonly spec: {
    readonly containers: readonly [
      {
        readonly image: string
        readonly args: readonly string[]
        readonly env: readonly { readonly name: string; readonly value: string }[]
        readonly resources: object
      },
    ]
  }
}
const pods = resource<AttemptPod>({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true })
const folder = await mkdtemp(join(tmpdir(), 'mnemos-dedicated-'))
const stop = new AbortController()
const children = new Set<ChildProcess>()
const settings = { MNEMOS_WORKER_IMAGE: 'worker:test', MNEMOS_GPU_WORKER_IMAGE: 'gpu:test' }
const bench = await startBench({ controllers: true, settings })
const { client, cluster } = bench
await cluster.kubectlRun(['label', 'namespace', 'default', 'pod-security.kubernetes.io/enforce=restricted'])
const operator = await bench.startOperator('first')
const warm = await new ScriptedWorker('warm').connect(operator.dispatch)
await createModel(client, 'm')
let running: Promise<void> = Promise.resolve()
const serverUrl = await new Promise<string>((resolve, reject) => {
  const config = parseServerConfig({}, { port: 0, artifactsFolder: join(folder, 'store') })
  const ports = { credentials: cluster.credentials(), signal: stop.signal, logger: pino({ level: 'silent' }), onListening: resolve }
  running = runServer(config, ports)
  running.catch(reject)
})
after(async () => {
  for (const child of children) child.kill('SIGKILL')
  stop.abort()
  await running
  await rm(folder, { recursive: true, force: true })
})

const inDefault = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name })
const create = (name: string, spec: Partial<JobInput['spec']> = {}) =>
  bench.create(name, { placement: { dedicated: true }, retry: { limit: 0 }, ...spec })
const podOf = (name: string): Promise<AttemptPod> =>
  eventually(() => client.get(pods, inDefault(name)), { timeoutMs: 15_000, message: `Pod ${name}` })
const time = (): string => new Date().toISOString().replace(/\.\d+Z/, 'Z')

async function tokenOf({ metadata: { name, uid } }: Pod): Promise<string> {
  const spec = { audiences: ['mnemos'], boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } }
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec }
  const path = '/api/v1/namespaces/default/serviceaccounts/default/token'
  return (await client.request<{ status: { token: string } }>('POST', path, { body })).status.token
}

/** Runs the process as its pod says, to its end, and tells of it in the Pod. */
async function runPod(pod: AttemptPod): Promise<void> {
  const [{ env, args }] = pod.spec.containers
  const root = join(folder, pod.metadata.name)
  await mkdir(root, { recursive: true })
  await writeFile(join(root, 'token'), await tokenOf(pod))
  const child = spawn(process.execPath, ['cli/src/main.ts', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      ...Object.fromEntries(env.map(({ name, value }) => [name, value])),
      MNEMOS_ATTEMPT_SERVER_URL: serverUrl,
      MNEMOS_ATTEMPT_TOKEN_FILE: join(root, 'token'),
      MNEMOS_ATTEMPT_FOLDER: join(root, 'state'),
      MNEMOS_ATTEMPT_REPORT_FILE: join(root, 'report'),
      MNEMOS_ATTEMPT_ENGINE: 'stub',
    },
  })
  children.add(child)
  const [exitCode] = (await once(child, 'exit')) as [number]
  const message = await readFile(join(root, 'report'), 'utf8')
  const terminated = { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', message, startedAt: time(), finishedAt: time() }
  const container = { name: 'main', image: 'x', imageID: '', ready: false, restartCount: 0, state: { terminated } }
  const status = { phase: exitCode === 0 ? 'Succeeded' : 'Failed', containerStatuses: [container] }
  await client.patch(pods, pod.metadata, { status }, { subresource: 'status' })
}

test('an inference runs in a pod of its own, its answer is stored, and no prompt stands in the pod', async () => {
  await create('alone', { resources: { limits: { memory: '2Gi' } } })
  const pod = await podOf('alone-a1')
  assert.equal(pod.spec.containers[0].image, 'worker:test')
  assert.doesNotMatch(JSON.stringify(pod), /Prompt of alone/)
  await runPod(pod)
  const { status, metadata } = await bench.until('alone', 'Succeeded', 'Failed')
  assert.equal(status?.failure, undefined)
  assert.equal(status?.result?.uri, `artifact://outputs/default/${metadata.uid ?? ''}/a1/result.json`)
  assert.ok((status.usage?.completionTokens ?? 0) > 0)
  const headers = { authorization: `Bearer ${cluster.token}` }
  const answer = await fetch(`${serverUrl}/v1/jobs/alone/result?namespace=default`, { headers })
  const { text } = (await answer.json()) as { text: string }
  assert.ok(text.length > 0)
  const stream = await (await fetch(`${serverUrl}/v1/jobs/alone/stream?namespace=default`, { headers })).text()
  assert.match(stream, /event: token/)
  assert.deepEqual(
    warm.assigned.filter(({ ref }) => ref.name === 'alone'),
    [],
    'no worker of a pool is asked',
  )
})

test('one that asks for a device gets the image of devices', async () => {
  await create('devices', { resources: { requests: { 'nvidia.com/gpu': 1 } } })
  const [{ image, resources }] = (await podOf('devices-a1')).spec.containers
  assert.equal(image, 'gpu:test')
  assert.deepEqual(resources, { requests: { 'nvidia.com/gpu': '1' }, limits: { 'nvidia.com/gpu': '1' } })
})

test('what policies say about personal data comes with the pod, and holds for its answer', async () => {
  const rule = '{name: pii, pii: {default: Allow, entities: {IP: Redact}}}'
  const policy = `apiVersion: mnemos.dev/v1alpha1\nkind: ClusterPolicy\nmetadata: {name: house}\nspec: {rules: [${rule}]}\n`
  await cluster.kubectlRun(['apply', '-f', '-'], policy)
  await cluster.kubectlRun(['wait', '--for=condition=Ready', 'mncpol/house', '--timeout=30s'])
  // The engine of the test answers with the words of the prompt, here without the white space between them.
  await create('told', { inference: { modelRef: { name: 'm' }, prompt: '198. 51. 100. 7 [[glue]]' } })
  await runPod(await podOf('told-a1'))
  const { status } = await bench.until('told', 'Succeeded', 'Failed')
  assert.equal((JSON.parse(status?.result?.inline ?? '{}') as { text: string }).text, '[IP]', JSON.stringify(status))
  await cluster.kubectlRun(['delete', 'mncpol', 'house'])
})

test('an inference reads what another one wrote, in a pod of its own as on a worker', async () => {
  const inputs = [{ name: 'before', from: 'job://alone/text' }]
  const inference = { modelRef: { name: 'm' }, prompt: 'Again: $(inputs.before)', inputs }
  await create('chained', { inference })
  await runPod(await podOf('chained-a1'))
  const { status } = await bench.until('chained', 'Succeeded', 'Failed')
  assert.equal((JSON.parse(status?.result?.inline ?? '{}') as { text: string }).text, 'Again: Prompt of alone.', JSON.stringify(status))
  await bench.create('warmly', { inference })
  const { work, token, ref } = await warm.given('warmly')
  const key = `outputs/default/${(await bench.job('alone')).metadata.uid ?? ''}/a1/result.json`
  assert.deepEqual(work.type === 'inference' ? work.inputs : undefined, [{ name: 'before', key, part: 'text' }])
  const { reads } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { reads: readonly string[] }
  assert.ok(reads.includes(key), 'its token lets it read that')
  warm.succeed(ref)
  await bench.create('late', { inference: { ...inference, inputs: [{ name: 'before', from: 'job://comes/text' }] } })
  await eventually(async () => /waits for comes \(does not exist\)/.test(JSON.stringify((await bench.job('late')).status?.queue ?? {})))
  await bench.create('wrong', { inference: { ...inference, inputs: [{ name: 'before', from: 'job://alone/txt' }] } })
  const { failure } = (await bench.until('wrong', 'Failed')).status ?? {}
  assert.equal(failure?.message, 'Job alone has no output txt; it has text, result.')
  assert.equal(failure.hint, 'Correct spec.inference.inputs in a new Job.')
})

test('the work of an attempt is for its own pod alone', async () => {
  const job = await create('guarded')
  const pod = await podOf('guarded-a1')
  const ask = async (token: string, uid = job.metadata.uid ?? '', attempt = 1): Promise<number> =>
    (await fetch(`${serverUrl}/v1/attempts/${uid}/${attempt}/work`, { headers: { authorization: `Bearer ${token}` } })).status
  const token = await tokenOf(pod)
  assert.equal(await eventually(async () => ((await ask(token)) === 200 ? 200 : undefined)), 200)
  assert.equal(await ask(token, job.metadata.uid ?? '', 2), 403)
  assert.equal(await ask(await tokenOf(await podOf('devices-a1'))), 403)
  assert.equal(await ask(cluster.token), 401)
})

test('what it failed of is told, and a process that falls over is an engine that crashed', async () => {
  for (const [name, message, want] of [
    [
      'says',
      JSON.stringify({ failure: { class: 'ModelUnavailable', reason: 'EngineMissing', message: 'No engine.' } }),
      'ModelUnavailable',
    ],
    ['falls', '', 'EngineCrashed'],
  ] as const) {
    await create(name)
    const pod = await podOf(`${name}-a1`)
    const terminated = { exitCode: 1, reason: 'Error', message, startedAt: time(), finishedAt: time() }
    const container = { name: 'main', image: 'x', imageID: '', ready: false, restartCount: 0, state: { terminated } }
    await client.patch(pods, pod.metadata, { status: { phase: 'Failed', containerStatuses: [container] } }, { subresource: 'status' })
    assert.equal((await bench.until(name, 'Failed')).status?.failure?.class, want)
  }
})

test('an alias that moves after an attempt was issued changes nothing for its pod: it is given the bytes that the status names', async () => {
  const other = `sha256:${'e'.repeat(64)}`
  warm.onAssign = ({ ref, work }) => {
    if (work.type === 'maintenance') warm.succeed(ref, imported.replaceAll(digest.slice(7), other.slice(7)))
  }
  await createModel(client, 'm-2')
  await createModel(client, 'prod', { uri: 'model://m' })
  await create('promoted', { inference: { modelRef: { name: 'prod' }, prompt: 'Why?' } })
  const pod = await podOf('promoted-a1')
  const { status, metadata } = await bench.job('promoted')
  assert.deepEqual(status?.model, { name: 'prod', namespace: 'default', digest, target: 'm' })
  await eventually(async () => (await client.get(models, inDefault('m-2')))?.status?.digest === other, { timeoutMs: 15_000 })
  await client.patch(models, inDefault('prod'), { spec: { source: { uri: 'model://m-2' } } })
  await eventually(async () => (await client.get(models, inDefault('prod')))?.status?.digest === other)
  const headers = { authorization: `Bearer ${await tokenOf(pod)}` }
  const work = await eventually(
    async () => {
      const answer = await fetch(`${serverUrl}/v1/attempts/${metadata.uid ?? ''}/1/work`, { headers })
      return answer.ok ? ((await answer.json()) as { model: { digest: string } }) : undefined
    },
    { timeoutMs: 10_000 },
  )
  assert.equal(work.model.digest, digest)
})
