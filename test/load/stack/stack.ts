/**
 * MNEMOS with hollow workers, for benchmarks: a real API server, the operator and the server as processes of their own, and the
 * real worker agent over real gRPC with an engine that answers at once.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { apiVersion, type Job, jobResource, type Model, modelResource, workerPoolResource } from '@mnemos/api'
import { type Cluster, freePort, startCluster } from '@mnemos/cluster'
import { type Client, createClient, type KubeObject, resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'

const root = join(import.meta.dirname, '../../..')
export const benchNamespace = 'bench'
export const modelName = 'hollow'
export const jobs = resource<Job>(jobResource)
const models = resource<Model>(modelResource)
const pools = resource(workerPoolResource)
const core = (plural: string, kind: string, namespaced = true) => resource({ group: '', version: 'v1', plural, kind, namespaced })

/** What a hollow worker tells when an assignment reached its engine. */
export interface Received {
  readonly prompt: string
  /** Milliseconds since 1970, with fractions. */
  readonly at: number
}

export interface Stack {
  readonly cluster: Cluster
  readonly client: Client
  readonly operator: ChildProcess
  onReceived(listener: (received: Received) => void): () => void
  /** Resident memory of the operator in MiB. */
  operatorMiB(): Promise<number>
  /** Processor time so far in ms, by process; `generator` is the calling one. */
  cpuMs(): Promise<Readonly<Record<string, number>>>
  /** Ends operator, server and workers; the API server goes on, with nobody else asking it. */
  stopProcesses(): Promise<void>
  stop(): Promise<void>
}

export interface StackOptions {
  readonly workers: number
  readonly slots: number
  readonly log: (line: string) => void
}

/** Starts everything and returns when the Model is ready on the workers. */
export async function startStack({ workers, slots, log }: StackOptions): Promise<Stack> {
  const folder = await mkdtemp(join(tmpdir(), 'mnemos-bench-'))
  const cluster = await startCluster({ controllers: false, log })
  const client = createClient({
    credentials: { server: cluster.server, tls: { ca: cluster.ca }, token: () => Promise.resolve(cluster.token) },
    connections: 64,
  })
  const token = await prepare(cluster, client, folder)
  const [dispatch, health, server] = [await freePort(), await freePort(), await freePort()]
  const serverUrl = `http://127.0.0.1:${server}`
  const operator = startProcess('operator', folder, cluster.kubeconfig, {
    MNEMOS_DISPATCH_PORT: String(dispatch),
    MNEMOS_HEALTH_PORT: String(health),
    MNEMOS_SERVER_URL: serverUrl,
  })
  const store = startProcess('server', folder, cluster.kubeconfig, {
    MNEMOS_SERVER_PORT: String(server),
    MNEMOS_ARTIFACTS_FOLDER: join(folder, 'artifacts'),
  })
  const listeners = new Set<(received: Received) => void>()
  const hollow = fork(join(root, 'test/load/stack/hollow-workers.ts'), {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOLLOW_WORKERS: String(workers),
      HOLLOW_SLOTS: String(slots),
      HOLLOW_FOLDER: folder,
      HOLLOW_OPERATOR: `127.0.0.1:${dispatch}`,
      HOLLOW_POOL: `${benchNamespace}/pool`,
      HOLLOW_TOKEN_FILE: token,
    },
  })
  hollow.on('message', (received) => {
    for (const listener of listeners) listener(received as Received) // sent by hollow-workers.ts
  })
  const stopProcesses = async (): Promise<void> => {
    for (const child of [hollow, operator, store]) await ended(child)
  }
  const stop = async (): Promise<void> => {
    await stopProcesses()
    await client.close()
    await cluster.stop()
    await rm(folder, { recursive: true, force: true })
  }
  await client.create(models, {
    apiVersion,
    kind: 'Model',
    metadata: { namespace: benchNamespace, name: modelName },
    ...{ spec: { source: { uri: 'file:///hollow.gguf' } } },
  })
  log('waiting for the Model to be imported …')
  const imported = eventually(
    async () => (await client.get(models, { namespace: benchNamespace, name: modelName }))?.status?.phase === 'Ready',
    {
      timeoutMs: 60_000,
      intervalMs: 100,
      message: `the Model is ready; logs are in ${folder}`,
    },
  )
  await imported.catch(async (error: unknown) => {
    await stopProcesses()
    await cluster.stop()
    throw error
  })
  return {
    cluster,
    client,
    operator,
    onReceived: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    operatorMiB: () => residentMiB(operator.pid ?? 0),
    cpuMs: () =>
      processorTimes({ ...cluster.pids(), operator: operator.pid, server: store.pid, workers: hollow.pid, generator: process.pid }),
    stopProcesses,
    stop,
  }
}

/** Kinds, namespaces, pool, join token, and the bytes of a model that is none. @returns the file with the token */
async function prepare(cluster: Cluster, client: Client, folder: string): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    const apply = spawn(cluster.kubectl, ['apply', '--server-side', '-f', join(root, 'crds')], {
      env: { KUBECONFIG: cluster.kubeconfig, HOME: folder },
    })
    apply.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`kubectl apply -f crds ended with ${code}`))))
  })
  for (const name of ['mnemos-system', benchNamespace])
    await client.create(core('namespaces', 'Namespace', false), object('v1', 'Namespace', { name }))
  const token = randomBytes(16).toString('hex')
  await client.create(
    core('secrets', 'Secret'),
    object('v1', 'Secret', { namespace: 'mnemos-system', name: `mnemos-join-${benchNamespace}.pool` }, { stringData: { token } }),
  )
  const spec = { external: true, engines: ['llama-cpp'] }
  await eventually(() => client.create(pools, object(apiVersion, 'WorkerPool', { namespace: benchNamespace, name: 'pool' }, { spec })), {
    message: 'WorkerPools are served',
  })
  await mkdir(join(folder, 'files'))
  // The smallest file that is a GGUF: magic, version 3, no tensors, no metadata.
  await writeFile(
    join(folder, 'files', 'hollow.gguf'),
    Buffer.from('475547460300000000000000000000000000000000000000'.replace('47554746', '47475546'), 'hex'),
  )
  const file = join(folder, 'join-token')
  await writeFile(file, token, { mode: 0o600 })
  return file
}

export function object(version: string, kind: string, metadata: { name: string; namespace?: string }, rest: object = {}): KubeObject {
  return { apiVersion: version, kind, metadata, ...rest }
}

/** A short Job that asks the hollow model; `id` is its prompt. */
export function hollowJob(id: string): KubeObject {
  return object(
    apiVersion,
    'Job',
    { namespace: benchNamespace, name: id },
    { spec: { inference: { modelRef: { name: modelName }, prompt: id, parameters: { maxTokens: 8 } } } },
  )
}

function startProcess(name: string, folder: string, kubeconfig: string, environment: Readonly<Record<string, string>>): ChildProcess {
  const log = openSync(join(folder, `${name}.log`), 'a')
  const child = spawn(process.execPath, [join(root, 'cli/src/main.ts'), name, '--kubeconfig', kubeconfig], {
    stdio: ['ignore', log, log],
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, MNEMOS_LOG_LEVEL: 'warn', ...environment },
  })
  closeSync(log)
  return child
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
  await gone
  clearTimeout(timer)
}

async function processorTimes(pids: Readonly<Record<string, number | undefined>>): Promise<Record<string, number>> {
  const clockTicksPerSecond = 100 // USER_HZ of every Linux that Node runs on
  const times = Object.entries(pids).map(async ([name, pid]) => {
    // Fields 14 and 15 are user and system time; the second, the program's name, may hold blanks and ends with the last parenthesis.
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
    return [name, ((Number(fields[11]) + Number(fields[12])) * 1000) / clockTicksPerSecond] as const
  })
  return Object.fromEntries(await Promise.all(times))
}

async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
}
