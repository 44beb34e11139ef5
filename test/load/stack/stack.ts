/**
 * MNEMOS for benchmarks: a real API server, the operator and the server as processes of their own with their defaults; hollow
 * workers, which are the real agent over real gRPC with an engine that answers at once; and, when asked for, simulated nodes, on which
 * pods that the real scheduler bound succeed at once.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { apiVersion, type Job, jobResource, type Model, modelResource, workerPoolResource } from '@mnemos/api'
import { type Cluster, freePort, startCluster, startSimulatedNodes } from '@mnemos/cluster'
import { type Client, createClient, type KubeObject, resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { asShipped, ended, fromSource, processorTimes, residentMiB, startProcess } from './processes.ts'

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
  /** The most that it ever was. */
  operatorPeakMiB(): Promise<number>
  /** Processor time so far in ms, by process; `generator` is the calling one. */
  cpuMs(): Promise<Readonly<Record<string, number>>>
  /** Ends operator, server and workers; the API server goes on, with nobody else asking it. */
  stopProcesses(): Promise<void>
  stop(): Promise<void>
}

export interface StackOptions {
  /** Hollow workers, in one process; 0: none, and no Model. */
  readonly workers: number
  readonly slots: number
  /** Nodes for pods. With none, which is the default, neither scheduler nor controllers of Kubernetes run. */
  readonly simulatedNodes?: number
  /** Run the operator and the server as images have them, and not from their sources: for figures of memory. */
  readonly shipped?: boolean
  readonly log: (line: string) => void
}

/** Starts everything and returns when the Model is ready on the workers, and the nodes are ready for pods. */
export async function startStack({ workers, slots, simulatedNodes = 0, shipped = false, log }: StackOptions): Promise<Stack> {
  const folder = await mkdtemp(join(tmpdir(), 'mnemos-bench-'))
  const program = shipped ? await asShipped() : fromSource
  const cluster = await startCluster({ controllers: simulatedNodes > 0, log })
  const nodes = simulatedNodes === 0 ? undefined : await startSimulatedNodes(cluster, { nodes: simulatedNodes, log })
  const client = createClient({
    credentials: { server: cluster.server, tls: { ca: cluster.ca }, token: () => Promise.resolve(cluster.token) },
    connections: 64,
  })
  const token = await prepare(cluster, client, folder)
  const [dispatch, health, server] = [await freePort(), await freePort(), await freePort()]
  const serverUrl = `http://127.0.0.1:${server}`
  const started = { program, folder, kubeconfig: cluster.kubeconfig }
  const operator = startProcess('operator', started, {
    MNEMOS_DISPATCH_PORT: String(dispatch),
    MNEMOS_HEALTH_PORT: String(health),
    MNEMOS_SERVER_URL: serverUrl,
  })
  const store = startProcess('server', started, {
    MNEMOS_SERVER_PORT: String(server),
    MNEMOS_ARTIFACTS_FOLDER: join(folder, 'artifacts'),
  })
  const listeners = new Set<(received: Received) => void>()
  const tell = (received: Received): void => {
    for (const listener of listeners) listener(received)
  }
  const hollow = workers === 0 ? undefined : startHollowWorkers({ workers, slots, folder, operator: `127.0.0.1:${dispatch}`, token, tell })
  const stopProcesses = async (): Promise<void> => {
    for (const child of [hollow, operator, store]) if (child !== undefined) await ended(child)
  }
  const stop = async (): Promise<void> => {
    await stopProcesses()
    await client.close()
    await nodes?.stop()
    await cluster.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    if (workers > 0) await importModel(client, log)
    if (nodes !== undefined) await serviceAccountIsThere(client)
  } catch (error) {
    log(`not ready; logs are in ${folder}`)
    await stopProcesses()
    await nodes?.stop()
    await cluster.stop()
    throw error
  }
  return {
    cluster,
    client,
    operator,
    onReceived: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    operatorMiB: async () => (await residentMiB(operator.pid ?? 0)).now,
    operatorPeakMiB: async () => (await residentMiB(operator.pid ?? 0)).peak,
    cpuMs: () =>
      processorTimes({
        ...cluster.pids(),
        ...{ operator: operator.pid, server: store.pid, generator: process.pid },
        ...(hollow === undefined ? {} : { workers: hollow.pid }),
        ...(nodes === undefined ? {} : { kwok: nodes.pid }),
      }),
    stopProcesses,
    stop,
  }
}

interface HollowWorkers {
  readonly workers: number
  readonly slots: number
  readonly folder: string
  readonly operator: string
  readonly token: string
  readonly tell: (received: Received) => void
}

function startHollowWorkers({ workers, slots, folder, operator, token, tell }: HollowWorkers): ChildProcess {
  const child = fork(join(root, 'test/load/stack/hollow-workers.ts'), {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOLLOW_WORKERS: String(workers),
      HOLLOW_SLOTS: String(slots),
      HOLLOW_FOLDER: folder,
      HOLLOW_OPERATOR: operator,
      HOLLOW_POOL: `${benchNamespace}/pool`,
      HOLLOW_TOKEN_FILE: token,
    },
  })
  child.on('message', (received) => tell(received as Received)) // sent by hollow-workers.ts
  return child
}

async function importModel(client: Client, log: (line: string) => void): Promise<void> {
  const metadata = { namespace: benchNamespace, name: modelName }
  await client.create(models, object(apiVersion, 'Model', metadata, { spec: { source: { uri: 'file:///hollow.gguf' } } }))
  log('waiting for the Model to be imported …')
  await eventually(async () => (await client.get(models, metadata))?.status?.phase === 'Ready', {
    timeoutMs: 60_000,
    intervalMs: 100,
    message: 'the Model is ready',
  })
}

/** Without it every pod of the namespace is refused. */
async function serviceAccountIsThere(client: Client): Promise<void> {
  const accounts = core('serviceaccounts', 'ServiceAccount')
  await eventually(() => client.get(accounts, { namespace: benchNamespace, name: 'default' }), {
    timeoutMs: 60_000,
    message: `namespace ${benchNamespace} has its ServiceAccount`,
  })
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
