/**
 * Inputs and outputs of Jobs with a container: real API server, operator, server and sidecar processes; the test is the kubelet. It
 * starts the sidecar as the pod says, tells of its probe, ends the container, and writes what the sidecar reports into the pod.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { JobInput } from '@mnemos/api'
import type { Pod } from '@mnemos/domain'
import { resource } from '@mnemos/kube'
import { parseServerConfig, runServer } from '@mnemos/server'
import { eventually } from '@mnemos/testkit'
import { pino } from 'pino'
import { jobs, startBench } from './operator.fixture.ts'

const pods = resource<Pod>({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true })
const folder = await mkdtemp(join(tmpdir(), 'mnemos-files-'))
const stop = new AbortController()
const children = new Set<ChildProcess>()
const bench = await startBench({ controllers: true, settings: { MNEMOS_SIDECAR_IMAGE: 'mnemos:test' } })
const { client, cluster } = bench
await cluster.kubectlRun(['label', 'namespace', 'default', 'pod-security.kubernetes.io/enforce=restricted'])
await bench.startOperator('first')
const server = await startServer()
after(async () => {
  for (const child of children) child.kill('SIGKILL')
  stop.abort()
  await server.running
  await rm(folder, { recursive: true, force: true })
})

async function startServer(): Promise<{ url: string; running: Promise<void> }> {
  let running: Promise<void> = Promise.resolve()
  const config = parseServerConfig({}, { port: 0, artifactsFolder: join(folder, 'store') })
  const url = await new Promise<string>((resolve, reject) => {
    const ports = { credentials: cluster.credentials(), signal: stop.signal, logger: pino({ level: 'silent' }), onListening: resolve }
    running = runServer(config, ports)
    running.catch(reject)
  })
  return { url, running }
}

const inDefault = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name })
type Container = NonNullable<JobInput['spec']['container']>
const create = (name: string, container: Partial<Container>) =>
  bench.create(name, { container: { image: 'busybox', ...container }, retry: { limit: 0 } })
const podOf = (name: string): Promise<Pod> =>
  eventually(
    async () => {
      const pod = await client.get(pods, inDefault(name))
      assert.ok(pod, `Pod ${name} is not there`)
      return pod
    },
    { timeoutMs: 15_000 },
  )
const time = (): string => new Date().toISOString().replace(/\.\d+Z/, 'Z')
const statusOf = (name: string, state: object, lastState: object = {}) => ({
  ...{ name, image: 'x', imageID: '', ready: false, restartCount: 0 },
  state,
  lastState,
})
const kubelet = (name: string, status: object) => client.patch(pods, inDefault(name), { status }, { subresource: 'status' })

async function tokenOf({ metadata: { name, uid } }: Pod, audience = 'mnemos'): Promise<string> {
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name, uid }
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [audience], boundObjectRef } }
  const path = '/api/v1/namespaces/default/serviceaccounts/default/token'
  return (await client.request<{ status: { token: string } }>('POST', path, { body })).status.token
}

interface Variable {
  readonly name: string
  readonly value?: string
}
interface SidecarSpec {
  readonly env: readonly Variable[]
  readonly args: readonly string[]
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
}

interface Sidecar {
  readonly child: ChildProcess
  /** Where the container's path is on this machine. */
  place(path: string): string
  isReady(): Promise<boolean>
  /** What it wrote as its termination message. */
  report(): Promise<string>
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo // it listens on TCP
  await new Promise((resolve) => probe.close(resolve))
  return port
}

/** Starts the sidecar as its pod says, with the folders of the pod in a folder of this machine. */
async function startSidecar(pod: Pod, settings: Readonly<Record<string, string>> = {}): Promise<Sidecar> {
  const { spec } = pod as unknown as { spec: { initContainers: [SidecarSpec]; containers: [SidecarSpec] } }
  const [{ env, args, volumeMounts }] = spec.initContainers
  const root = join(folder, pod.metadata.name)
  const port = await freePort()
  for (const { mountPath } of volumeMounts.filter(({ name }) => name.startsWith('files-')))
    await mkdir(join(root, mountPath), { recursive: true })
  await mkdir(join(root, 'state'), { recursive: true })
  await writeFile(join(root, 'token'), await tokenOf(pod))
  const given = Object.fromEntries(env.map(({ name, value = '' }) => [name, value.replaceAll('"/mnemos/', `"${root}/mnemos/`)]))
  const child = spawn(process.execPath, ['cli/src/main.ts', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...{ PATH: process.env['PATH'], MNEMOS_LOG_LEVEL: 'info' },
      ...given,
      MNEMOS_SIDECAR_SERVER_URL: server.url,
      MNEMOS_SIDECAR_TOKEN_FILE: join(root, 'token'),
      MNEMOS_SIDECAR_HOST: '127.0.0.1',
      MNEMOS_SIDECAR_PORT: `${port}`,
      MNEMOS_SIDECAR_STATE_FOLDER: join(root, 'state'),
      MNEMOS_SIDECAR_REPORT_FILE: join(root, 'report'),
      MNEMOS_SIDECAR_STORAGE_RETRY_MS: '3000',
      ...settings,
    },
  })
  children.add(child)
  const [{ volumeMounts: shared }] = spec.containers
  return {
    child,
    place: (path) => {
      const mount = shared.find(({ mountPath }) => path.startsWith(`${mountPath}/`))
      assert.ok(mount, `${path} is in no volume`)
      return join(root, 'mnemos', mount.name, path.slice(mount.mountPath.length))
    },
    isReady: async () =>
      fetch(`http://127.0.0.1:${port}/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    report: () => readFile(join(root, 'report'), 'utf8'),
  }
}

/** The container has ended well: SIGTERM to the sidecar, then everything in the pod's status. */
async function endWell(pod: Pod, sidecar: Sidecar): Promise<void> {
  sidecar.child.kill('SIGTERM')
  const [exitCode] = (await once(sidecar.child, 'exit')) as [number]
  const message = await sidecar.report()
  const ran = { startedAt: time(), finishedAt: time() }
  await kubelet(pod.metadata.name, {
    phase: 'Succeeded',
    initContainerStatuses: [statusOf('mnemos', { terminated: { exitCode, reason: 'Completed', message, ...ran } })],
    containerStatuses: [statusOf('main', { terminated: { exitCode: 0, reason: 'Completed', ...ran } })],
  })
}

const bytes = 'hello from the container\n'.repeat(10_000)
const sha256 = createHash('sha256').update(bytes).digest('hex')
let first: Pod

test('what a container leaves behind is stored, and the status names what was read back', async () => {
  await create('makes', { outputs: [{ name: 'data', path: '/out/data.txt' }] })
  first = await podOf('makes-a1')
  const sidecar = await startSidecar(first)
  await eventually(() => sidecar.isReady(), { timeoutMs: 20_000 })
  await writeFile(sidecar.place('/out/data.txt'), bytes)
  await endWell(first, sidecar)
  const { status, metadata } = await bench.until('makes', 'Succeeded')
  const inline = JSON.parse(status?.result?.inline ?? '{}') as unknown
  const uri = `artifact://outputs/default/${metadata.uid ?? ''}/a1/files/data`
  assert.deepEqual(inline, { exitCode: 0, outputs: [{ name: 'data', uri, sha256, sizeBytes: bytes.length }] })
  const answer = await fetch(`${server.url}/v1/jobs/makes/result?namespace=default`, {
    headers: { authorization: `Bearer ${cluster.token}` },
  })
  assert.deepEqual(await answer.json(), inline)
})

test('a Job waits for the Job whose output it reads, and finds it when its container starts', async () => {
  await create('reads-later', { inputs: [{ path: '/in/it.txt', from: 'job://makes-later/data' }] })
  await eventually(
    async () => {
      assert.match((await bench.job('reads-later')).status?.queue?.reasons[0] ?? '', /waits for makes-later \(does not exist\)/)
      return true
    },
    { timeoutMs: 10_000 },
  )
  await create('reads', { inputs: [{ path: '/in/it.txt', from: 'job://makes/data' }], outputs: [{ name: 'copy', path: '/in/copy.txt' }] })
  const pod = await podOf('reads-a1')
  const sidecar = await startSidecar(pod)
  await eventually(() => sidecar.isReady(), { timeoutMs: 20_000 })
  const found = await readFile(sidecar.place('/in/it.txt'), 'utf8')
  assert.equal(found, bytes)
  await writeFile(sidecar.place('/in/copy.txt'), found)
  await endWell(pod, sidecar)
  const { status } = await bench.until('reads', 'Succeeded')
  assert.match(status?.result?.inline ?? '', new RegExp(sha256))
})

test('a container reads the file that somebody put beside its Job, and nobody else’s', async () => {
  const put = { method: 'PUT', body: 'from a person', headers: { authorization: `Bearer ${cluster.token}` } }
  const { uri } = (await (await fetch(`${server.url}/v1/files/books/one.txt?namespace=default`, put)).json()) as { uri: string }
  assert.equal(uri, 'artifact://files/default/books/one.txt')
  await create('reads-file', { inputs: [{ path: '/in/it.txt', from: uri }] })
  const pod = await podOf('reads-file-a1')
  const sidecar = await startSidecar(pod)
  await eventually(() => sidecar.isReady(), { timeoutMs: 20_000 })
  assert.equal(await readFile(sidecar.place('/in/it.txt'), 'utf8'), 'from a person')
  await endWell(pod, sidecar)
  await bench.until('reads-file', 'Succeeded')
  await create('peeks-file', { inputs: [{ path: '/in/it.txt', from: 'artifact://files/elsewhere/books/one.txt' }] })
  assert.match((await bench.until('peeks-file', 'Failed')).status?.failure?.message ?? '', /is not of namespace default/)
})

test('an output that is not there fails the attempt, and says which', async () => {
  await create('forgets', { outputs: [{ name: 'data', path: '/out/data.txt' }] })
  const pod = await podOf('forgets-a1')
  const sidecar = await startSidecar(pod)
  await eventually(() => sidecar.isReady(), { timeoutMs: 20_000 })
  await endWell(pod, sidecar)
  const { status } = await bench.until('forgets', 'Failed')
  assert.equal(status?.failure?.class, 'ContainerFailed')
  assert.match(status.failure.message, /Output data: \/out\/data.txt is not there/)
})

test('what a container leaves in an inline output is in the status, judged by its schema', async () => {
  const schema = { type: 'object', required: ['score'], properties: { score: { $ref: '#/$defs/share' } }, $defs: { share: { maximum: 1 } } }
  const outputs = [
    { name: 'report', path: '/out/report.json', inline: true, schema },
    { name: 'words', path: '/out/words.txt', inline: true },
  ]
  await create('measures', { outputs })
  const pod = await podOf('measures-a1')
  const sidecar = await startSidecar(pod)
  await eventually(() => sidecar.isReady(), { timeoutMs: 20_000 })
  const words = `"${'\\n"ü'.repeat(200)}`
  await writeFile(sidecar.place('/out/report.json'), '{"score": 0.5}')
  await writeFile(sidecar.place('/out/words.txt'), words)
  await endWell(pod, sidecar)
  const { status } = await bench.until('measures', 'Succeeded')
  const { outputs: kept } = JSON.parse(status?.result?.inline ?? '{}') as { outputs: { name: string; value: string }[] }
  assert.deepEqual(
    kept.map(({ name, value }) => [name, value]),
    [
      ['report', '{"score": 0.5}'],
      ['words', words],
    ],
  )
  assert.equal(Buffer.byteLength(status?.result?.inline ?? ''), status?.result?.sizeBytes)
  const changed = { spec: { container: { outputs: [{ ...outputs[0], schema: {} }, outputs[1]] } } }
  await assert.rejects(client.patch(jobs, inDefault('measures'), changed), /container cannot change after creation/)
})

const left: Readonly<
  Record<
    string,
    { leave: (file: string) => Promise<void>; asked?: object; settings?: Readonly<Record<string, string>>; want: [string, RegExp] }
  >
> = {
  'a link to what is ours is not followed': {
    leave: (file) => symlink(join(folder, 'left-0-a1', 'token'), file),
    want: ['ContainerFailed', /Output data: \/out\/data.txt is a link/],
  },
  'a folder is no output': {
    leave: (file) => mkdir(file).then(() => undefined),
    want: ['ContainerFailed', /is no file; pack folders into one/],
  },
  'an output that is too large is refused with both sizes': {
    leave: (file) => writeFile(file, bytes),
    settings: { MNEMOS_SIDECAR_MAX_OUTPUT_BYTES: '1000' },
    want: ['ContainerFailed', /has 250000 bytes; at most 1000 are kept/],
  },
  'more than one KiB is not inline': {
    leave: (file) => writeFile(file, bytes),
    asked: { inline: true },
    want: ['ContainerFailed', /has 250000 bytes; at most 1024 can be inline/],
  },
  'what does not satisfy its schema is not stored': {
    leave: (file) => writeFile(file, '{"score": "secret"}'),
    asked: { schema: { properties: { score: { type: 'number' } } } },
    want: ['ContainerFailed', /does not satisfy its schema: at \/score (?!.*secret)/],
  },
  'a server that stays away until the end of the grace is named': {
    leave: (file) => writeFile(file, bytes),
    settings: { MNEMOS_SIDECAR_SERVER_URL: 'http://127.0.0.1:1', MNEMOS_SIDECAR_UPLOAD_MS: '1500' },
    want: ['StorageUnavailable', /could not be stored: PUT at http:\/\/127.0.0.1:1 failed: ECONNREFUSED/],
  },
}

for (const [index, [what, { leave, asked = {}, settings = {}, want }]] of Object.entries(left).entries()) {
  test(what, async () => {
    await create(`left-${index}`, { outputs: [{ name: 'data', path: '/out/data.txt', ...asked }] })
    const pod = await podOf(`left-${index}-a1`)
    const sidecar = await startSidecar(pod, settings)
    await eventually(() => sidecar.isReady(), { timeoutMs: 20_000 })
    await leave(sidecar.place('/out/data.txt'))
    await endWell(pod, sidecar)
    const { status } = await bench.until(`left-${index}`, 'Failed')
    assert.equal(status?.failure?.class, want[0])
    assert.match(status.failure.message, want[1])
  })
}

test('inline outputs that are too much together fail the attempt by name, and none is left out in silence', async () => {
  const names = ['a', 'b', 'c', 'd']
  await create('too-much', { outputs: names.map((name) => ({ name, path: `/out/${name}`, inline: true })) })
  const pod = await podOf('too-much-a1')
  const sidecar = await startSidecar(pod)
  await eventually(() => sidecar.isReady(), { timeoutMs: 20_000 })
  for (const name of names) await writeFile(sidecar.place(`/out/${name}`), 'x'.repeat(1024))
  await endWell(pod, sidecar)
  const { status } = await bench.until('too-much', 'Failed')
  assert.deepEqual([status?.failure?.class, status?.failure?.reason], ['ContainerFailed', 'OutputTooLarge'])
  assert.match(status?.failure?.message ?? '', /The inline outputs \(a, b, c, d\) make a result that takes \d+ bytes to report/)
  assert.match(status?.failure?.hint ?? '', /let fewer outputs be inline/)
})

test('a sidecar that was killed has lost the outputs, and the Job says so', async () => {
  await create('loses', { outputs: [{ name: 'data', path: '/out/data.txt' }] })
  const pod = await podOf('loses-a1')
  const ran = { startedAt: time(), finishedAt: time() }
  await kubelet(pod.metadata.name, {
    phase: 'Succeeded',
    initContainerStatuses: [statusOf('mnemos', { terminated: { exitCode: 137, reason: 'OOMKilled', ...ran } })],
    containerStatuses: [statusOf('main', { terminated: { exitCode: 0, reason: 'Completed', ...ran } })],
  })
  const { status } = await bench.until('loses', 'Failed')
  assert.deepEqual([status?.failure?.class, status?.failure?.reason], ['StorageUnavailable', 'NoReport'])
  assert.match(status?.failure?.message ?? '', /container mnemos of Pod loses-a1 ended with exit code 137/)
})

test('an input that is not in the store fails the Job before its container starts, and its pod goes', async () => {
  await create('lacks', { inputs: [{ path: '/in/it.txt', from: 'artifact://outputs/default/nobody/a1/files/it' }] })
  const pod = await podOf('lacks-a1')
  const sidecar = await startSidecar(pod)
  await once(sidecar.child, 'exit')
  const terminated = { exitCode: 1, reason: 'Error', message: await sidecar.report(), startedAt: time(), finishedAt: time() }
  const waiting = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } }
  await kubelet(pod.metadata.name, { phase: 'Pending', initContainerStatuses: [statusOf('mnemos', waiting, { terminated })] })
  const { status } = await bench.until('lacks', 'Failed')
  assert.equal(status?.failure?.class, 'BadInput')
  assert.match(status.failure.message, /nobody\/a1\/files\/it is not in the artifact store/)
  await eventually(async () => (await client.get(pods, inDefault('lacks-a1'))) === undefined, { timeoutMs: 15_000 })
})

test('inputs of other namespaces, and outputs that a Job does not have, are refused with their names', async () => {
  await create('peeks', { inputs: [{ path: '/in/it.txt', from: 'artifact://outputs/elsewhere/uid/a1/files/it' }] })
  assert.match((await bench.until('peeks', 'Failed')).status?.failure?.message ?? '', /is not of namespace default/)
  await create('mistypes', { inputs: [{ path: '/in/it.txt', from: 'job://makes/dta' }] })
  assert.match((await bench.until('mistypes', 'Failed')).status?.failure?.message ?? '', /Job makes has no output dta; it has data/)
})

test('a token opens what its attempt may touch, as long as the attempt lasts, and nothing else', async () => {
  await create('guarded', { outputs: [{ name: 'data', path: '/out/data.txt' }] })
  const pod = await podOf('guarded-a1')
  const { metadata } = await eventually(async () => {
    const job = await bench.job('guarded')
    assert.equal(job.status?.worker?.name, 'default/guarded-a1')
    return job
  })
  const own = `outputs/default/${metadata.uid ?? ''}/a1/files/data`
  const put = async (token: string, key: string): Promise<number> => {
    const init = { method: 'PUT', body: 'x', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' } }
    return (await fetch(`${server.url}/v1/artifacts/${key}`, init)).status
  }
  const token = await tokenOf(pod)
  assert.equal(await eventually(async () => ((await put(token, own)) === 200 ? 200 : undefined)), 200)
  assert.equal(await put(token, own.replace('/a1/', '/a2/')), 403)
  assert.equal(await put(token, own.replace(metadata.uid ?? '', first.metadata.uid ?? '')), 403)
  assert.equal(await put(await tokenOf(pod, 'vault'), own), 401)
  assert.equal(await put(cluster.token, own), 401)
  const over = `outputs/default/${(await bench.job('makes')).metadata.uid ?? ''}/a1/files/data`
  assert.equal(await put(await tokenOf(first), over), 403, 'an attempt that is over has no rights')
})
