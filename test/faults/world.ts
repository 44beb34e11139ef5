/**
 * A small MNEMOS of real processes that may be killed, paused and cut off: API server, fault proxy before the operator,
 * operator, server, workers with the stub engine. Dispatch times are 20 times shorter than by default, the lease is 3 s.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { apiVersion, type Job, jobResource, type Model, modelResource, workerPoolResource } from '@mnemos/api'
import { freePort } from '@mnemos/cluster'
import { type Client, createClient, createInformer, type KubeObject, resource } from '@mnemos/kube'
import { eventually, type FaultProxy, startFaultProxy, startTestCluster, type TestCluster } from '@mnemos/testkit'
import {
  fromFolder,
  type Observation,
  type ReadObject,
  violationsAtRest,
  violationsOfBytes,
  violationsOfFolder,
  violationsOfHistory,
  violationsOfSlots,
} from './invariants.ts'

const root = join(import.meta.dirname, '../..')
export const jobs = resource<Job>(jobResource)
const models = resource<Model>(modelResource)
const pools = resource(workerPoolResource)
const namespace = 'default'
export const slots = 4

export interface Process {
  readonly name: string
  readonly pid: number
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): void
  /** Resolves when it has ended. */
  ended: Promise<void>
}

export interface World {
  readonly cluster: TestCluster
  readonly proxy: FaultProxy
  /** Straight to the API server. */
  readonly client: Client
  readonly folder: string
  /** @param options.isStandby listens on the second address that workers know */
  startOperator(options?: { leaseName?: string; isStandby?: boolean }): Process
  /** Another server beside the one that workers use, with the same settings; its URL. */
  startServer(): Promise<string>
  startWorker(name: string, environment?: Readonly<Record<string, string>>): Process
  /** Ends the worker of this name at once and waits until it has. */
  stopWorker(name: string): Promise<void>
  submit(name: string, prompt: string, spec?: object): Promise<Job>
  phaseOf(name: string): Promise<string | undefined>
  /** Waits until every named Job has ended, and checks every invariant on the whole history. */
  settle(names: readonly string[], timeoutMs?: number): Promise<readonly Job[]>
  /** Waits until the operator has written nothing but its Lease for two seconds. */
  rests(): Promise<void>
}

export interface WorldOptions {
  readonly workers: readonly string[]
  /** More settings of the server, e.g. other stores. */
  readonly server?: Readonly<Record<string, string>>
  /** Where results are, when that is no folder of the server. */
  readonly readObject?: ReadObject
}

const fastTimes = {
  MNEMOS_HEARTBEAT_MS: '500',
  MNEMOS_SUSPECT_MS: '1500',
  MNEMOS_OFFLINE_MS: '3000',
  MNEMOS_LEASE_MS: '3000',
  MNEMOS_LEASE_RENEW_MS: '2000',
  MNEMOS_LEASE_RETRY_MS: '400',
  MNEMOS_LEASE_FENCE_MS: '1200',
}

/** Starts everything but the operator, which the test starts; ends with the test file. */
export async function startWorld({ workers, server = {}, readObject }: WorldOptions): Promise<World> {
  const cluster = await startTestCluster({ crds: true })
  const client = createClient({ credentials: cluster.credentials() })
  const proxy = await startFaultProxy({ upstream: cluster.credentials() })
  const folder = await mkdtemp(join(tmpdir(), 'mnemos-faults-'))
  const dispatchPort = await freePort()
  const standbyPort = await freePort()
  const serverPort = await freePort()
  const running = new Set<Process>()
  const start = (name: string, args: readonly string[], environment: Readonly<Record<string, string>>): Process => {
    const started = startProcess(name, args, folder, environment)
    running.add(started)
    void started.ended.then(() => running.delete(started))
    return started
  }
  const token = await prepare(cluster, client, folder)
  const startServer = (port: number): Process =>
    start('server', ['cli/src/main.ts', 'server', '--kubeconfig', cluster.kubeconfig], {
      MNEMOS_SERVER_PORT: String(port),
      MNEMOS_ARTIFACTS_FOLDER: join(folder, 'artifacts'),
      ...server,
    })
  startServer(serverPort)
  const { history, stop } = recordHistory(client)
  after(async () => {
    stop()
    for (const each of running) each.kill('SIGCONT')
    for (const each of running) each.kill('SIGKILL')
    await Promise.all([...running].map(({ ended }) => ended))
    await proxy.stop()
    await client.close()
    await rm(folder, { recursive: true, force: true })
  })
  const startWorker: World['startWorker'] = (name, environment = {}) =>
    start(name, ['worker/src/main.ts'], {
      MNEMOS_WORKER_OPERATOR: `127.0.0.1:${dispatchPort},127.0.0.1:${standbyPort}`,
      MNEMOS_WORKER_POOL: `${namespace}/pool`,
      MNEMOS_WORKER_NAME: name,
      MNEMOS_WORKER_JOIN_TOKEN_FILE: token,
      MNEMOS_WORKER_CACHE_DIR: join(folder, name),
      MNEMOS_WORKER_SLOTS: String(slots),
      MNEMOS_WORKER_ENGINE: 'stub',
      MNEMOS_WORKER_FILE_ROOT: join(folder, 'files'),
      MNEMOS_WORKER_GRACE_MS: '500',
      ...environment,
    })
  for (const name of workers) startWorker(name)
  const world: World = {
    cluster,
    proxy,
    client,
    folder,
    startServer: async () => {
      const port = await freePort()
      startServer(port)
      const url = `http://127.0.0.1:${port}`
      await eventually(async () => (await fetch(`${url}/readyz`)).ok, { timeoutMs: 60_000, message: 'the server is ready' })
      return url
    },
    startWorker,
    stopWorker: async (name) => {
      for (const each of running) {
        if (each.name !== name) continue
        each.kill('SIGKILL')
        await each.ended
      }
    },
    startOperator: ({ leaseName = 'mnemos-operator', isStandby = false } = {}) =>
      start('operator', ['test/faults/operator.child.ts'], {
        PROXY_URL: proxy.credentials.server,
        PROXY_TOKEN: cluster.token,
        ...fastTimes,
        MNEMOS_DISPATCH_PORT: String(isStandby ? standbyPort : dispatchPort),
        MNEMOS_HEALTH_PORT: '0',
        MNEMOS_SERVER_URL: `http://127.0.0.1:${serverPort}`,
        MNEMOS_LEASE_NAME: leaseName,
      }),
    submit: (name, prompt, spec = {}) =>
      eventually(() => client.create<Job>(jobs, objectOf('Job', name, { inference: { modelRef: { name: 'hollow' }, prompt }, ...spec })), {
        timeoutMs: 20_000,
        message: `${name} is created`,
      }),
    phaseOf: async (name) => (await client.get(jobs, { namespace, name }))?.status?.phase,
    settle: (names, timeoutMs = 60_000) => settle({ client, history, folder, readObject }, names, timeoutMs),
    rests: () => rests(proxy),
  }
  return world
}

/** A Model of a file in the workers' file root; by default the one that Jobs here name. Ready once an operator has had it imported. */
export async function importModel({ client }: World, { name = 'hollow', file = 'hollow.gguf' } = {}): Promise<void> {
  await client.create(models, objectOf('Model', name, { source: { uri: `file:///${file}` } }))
  await eventually(async () => (await client.get(models, { namespace, name }))?.status?.phase === 'Ready', {
    timeoutMs: 60_000,
    message: 'the Model is imported',
  })
}

async function settle(
  of: { client: Client; history: readonly Observation[]; folder: string; readObject: ReadObject | undefined },
  names: readonly string[],
  timeoutMs: number,
): Promise<readonly Job[]> {
  const wanted = new Set(names)
  const found = await eventually(
    async () => {
      const { items } = await of.client.list(jobs, { namespace })
      const named = items.filter(({ metadata }) => wanted.has(metadata.name))
      const open = violationsAtRest(named)
      if (named.length < wanted.size || open.length > 0)
        throw new Error(`${wanted.size - named.length} are missing; ${open.slice(0, 5).join('; ')}`)
      return named
    },
    { timeoutMs, intervalMs: 100, message: 'every Job has ended' },
  )
  const violations = [
    ...violationsOfHistory(of.history),
    ...violationsOfSlots(of.history, slots),
    ...(await violationsOfBytes(found, of.readObject ?? fromFolder(join(of.folder, 'artifacts')))),
    ...(await violationsOfFolder(join(of.folder, 'artifacts'))),
  ]
  if (violations.length > 0) throw new Error(`invariants broken:\n${violations.join('\n')}`)
  return found
}

async function rests(proxy: FaultProxy): Promise<void> {
  const quietMs = 2000
  const ours = (): number => proxy.writes().filter(({ path }) => !path.includes('/leases/')).length
  let before = ours()
  let since = Date.now()
  await eventually(
    () => {
      const now = ours()
      if (now !== before) {
        before = now
        since = Date.now()
      }
      return Date.now() - since >= quietMs
    },
    { timeoutMs: 30_000, intervalMs: 50, message: 'the operator has stopped writing' },
  )
}

/** Every state of every Job as a watch shows it; survives restarts of the API server. */
function recordHistory(client: Client): { history: Observation[]; stop: () => void } {
  const history: Observation[] = []
  const controller = new AbortController()
  const informer = createInformer({ client, resource: jobs, namespace, timing: { backoffBaseMs: 100, backoffMaxMs: 500 } })
  const types = { added: 'ADDED', updated: 'MODIFIED', deleted: 'DELETED' } as const
  informer.onChange(({ type, object: { metadata, status } }) =>
    history.push({ uid: metadata.uid ?? '', name: metadata.name, type: types[type], status }),
  )
  void informer.run(controller.signal)
  return { history, stop: () => controller.abort() }
}

async function prepare(cluster: TestCluster, client: Client, folder: string): Promise<string> {
  await cluster.kubectlRun(['create', 'namespace', 'mnemos-system'])
  const token = randomBytes(16).toString('hex')
  await cluster.kubectlRun([
    'create',
    'secret',
    'generic',
    'mnemos-join-default.pool',
    '--namespace=mnemos-system',
    `--from-literal=token=${token}`,
  ])
  await client.create(pools, objectOf('WorkerPool', 'pool', { external: true }))
  mkdirSync(join(folder, 'files'))
  // The smallest file that is a GGUF: magic, version 3, no tensors, no metadata.
  await writeFile(join(folder, 'files', 'hollow.gguf'), Buffer.from('474755460300000000000000000000000000000000000000', 'hex'))
  const file = join(folder, 'join-token')
  await writeFile(file, token, { mode: 0o600 })
  return file
}

function objectOf(kind: string, name: string, spec: object): KubeObject {
  return { apiVersion, kind, metadata: { namespace, name }, ...{ spec } }
}

function startProcess(name: string, args: readonly string[], folder: string, environment: Readonly<Record<string, string>>): Process {
  const log = openSync(join(folder, `${name}.log`), 'a')
  const child: ChildProcess = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', log, log],
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, MNEMOS_LOG_LEVEL: 'info', ...environment },
  })
  closeSync(log)
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return { name, pid: child.pid ?? 0, ended, kill: (signal) => void child.kill(signal) }
}
