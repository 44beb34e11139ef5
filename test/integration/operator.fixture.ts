/**
 * A real operator on a real API server, with workers that do what a test tells them: the far side of the dispatch protocol
 * spoken over real gRPC, without an agent behind it.
 */
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { after } from 'node:test'
import { type ClientDuplexStream, Client as GrpcClient, credentials as grpcCredentials } from '@grpc/grpc-js'
import { apiVersion, type Job, type JobInput, jobResource, type Model, modelResource, workerPoolResource } from '@mnemos/api'
import {
  type AssignmentWork,
  type AttemptRef,
  attemptKey,
  decodeModel,
  decodeWork,
  dispatchService,
  type Hello,
  type OperatorMessage,
  Verdict,
  type WorkerMessage,
  workerMessage,
} from '@mnemos/contract'
import { type Client, type Credentials, createClient, createInformer, type KubeObject, resource } from '@mnemos/kube'
import { type OperatorConfig, parseOperatorConfig, runOperator } from '@mnemos/operator'
import { eventually, startTestCluster, type TestCluster } from '@mnemos/testkit'
import { pino } from 'pino'

export const jobs = resource<Job>(jobResource)
export const models = resource<Model>(modelResource)
const pools = resource(workerPoolResource)
const secrets = resource({ group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true })
const namespaces = resource({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false })

export const digest = `sha256:${'d'.repeat(64)}`
export const joinToken = 'a-token-for-tests'

/** Times 20 × faster than the defaults. */
export const fast = {
  lease: { leaseMs: 3000, renewMs: 2000, retryMs: 400, fenceMs: 1200 },
  heartbeatMs: 500,
  suspectMs: 1500,
  probeMs: 500,
  offlineMs: 3000,
  derivedStatusMs: 250,
} as const

export interface OperatorProcess {
  readonly dispatch: string
  readonly health: string
  /** Stops it as SIGTERM would. */
  stop(): Promise<void>
}

export interface Bench {
  readonly cluster: TestCluster
  readonly client: Client
  /** @param credentials default: admin, straight to the API server */
  startOperator(identity?: string, credentials?: Credentials, overrides?: Partial<OperatorConfig>): Promise<OperatorProcess>
  job(name: string): Promise<Job>
  create(name: string, spec?: Partial<JobInput['spec']>): Promise<Job>
  /** Deletes every Job that has not ended. */
  clear(): Promise<void>
  /** Waits until the Job is in one of these phases. */
  until(name: string, ...phases: readonly string[]): Promise<Job>
}

interface BenchOptions {
  /** Run the controllers of Kubernetes, too: Deployments make pods, what has no owner is collected. */
  readonly controllers?: boolean
  /** Environment of the operator. */
  readonly settings?: Readonly<Record<string, string>>
}

const running = new Set<() => Promise<void> | void>()

/** A control plane with our kinds, a pool, its join token and a verified Model `m`. */
export async function startBench({ controllers = false, settings = {} }: BenchOptions = {}): Promise<Bench> {
  // Hooks run in the order in which they were made: whoever talks to the API server ends before it does.
  after(async () => {
    for (const stop of running) await stop()
  })
  const cluster = await startTestCluster({ crds: true, controllers })
  const client = createClient({ credentials: cluster.credentials(), userAgent: 'test' })
  running.add(() => client.close())
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'mnemos-system' } })
  const inDefault = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name })
  const pool = { apiVersion, kind: 'WorkerPool', metadata: inDefault('pool'), spec: { external: true } }
  await client.create(pools, pool)
  const joins = { namespace: 'mnemos-system', name: 'mnemos-join-default.pool' }
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: joins, stringData: { token: joinToken } }
  await client.create(secrets, secret)
  const job = async (name: string): Promise<Job> => {
    const found = await client.get(jobs, inDefault(name))
    assert.ok(found, `Job ${name} is gone`)
    return found
  }
  return {
    cluster,
    client,
    job,
    startOperator: (identity, credentials = cluster.credentials(), overrides = {}) =>
      startOperator(credentials, { settings, overrides, ...(identity === undefined ? {} : { identity }) }),
    create: async (name, spec = {}) => client.create(jobs, aJobObject(name, spec)),
    clear: async () => {
      const { items } = await client.list(jobs, { namespace: 'default' })
      const open = items.filter(({ status }) => !['Succeeded', 'Failed', 'Cancelled'].includes(status?.phase ?? ''))
      await Promise.all(open.map(({ metadata }) => client.delete(jobs, { namespace: 'default', name: metadata.name })))
    },
    until: async (name, ...phases) =>
      eventually(
        async () => {
          const found = await job(name)
          assert.ok(phases.includes(found.status?.phase ?? ''), `Job ${name} is ${JSON.stringify(found.status)}`)
          return found
        },
        { timeoutMs: 15_000, message: `Job ${name} is ${phases.join(' or ')}` },
      ),
  }
}

export function aJobObject(name: string, spec: Partial<JobInput['spec']> = {}): KubeObject & { spec: unknown } {
  const work =
    spec.maintenance === undefined && spec.container === undefined
      ? { inference: { modelRef: { name: 'm' }, prompt: `Prompt of ${name}.` } }
      : {}
  return { apiVersion, kind: 'Job', metadata: { name, namespace: 'default' }, spec: { ...work, ...spec } }
}

/** A Model that the next worker to import it finds verified. */
export async function createModel(client: Client, name: string, source: { uri?: string; digest?: string } = {}): Promise<void> {
  const spec = { source: { uri: `file:///${name}.gguf`, ...source } }
  await client.create(models, { apiVersion, kind: 'Model', metadata: { name, namespace: 'default' }, spec } as KubeObject)
}

/** What an import of anything finds. */
export const imported = JSON.stringify({
  digest,
  artifact: `models/sha256/${digest.slice(7)}`,
  sizeBytes: 1024,
  format: 'gguf',
  family: 'llama',
})

/** Every version of every Job, as a watch of its own saw them. */
export async function watchJobs(client: Client): Promise<{ phases(name: string): string[]; versions(name: string): readonly Job[] }> {
  const seen = new Map<string, Job[]>()
  const informer = createInformer({ client, resource: jobs })
  informer.onChange(({ type, object }) => {
    const versions = seen.get(object.metadata.name) ?? []
    if (type !== 'deleted') versions.push(object)
    seen.set(object.metadata.name, versions)
  })
  const stopped = new AbortController()
  running.add(() => stopped.abort())
  void informer.run(stopped.signal)
  await informer.synced()
  return {
    versions: (name) => seen.get(name) ?? [],
    phases: (name) => (seen.get(name) ?? []).map(({ status }) => status?.phase ?? ''),
  }
}

interface StartOptions {
  readonly settings: Readonly<Record<string, string>>
  readonly overrides: Partial<OperatorConfig>
  readonly identity?: string
}

async function startOperator(
  credentials: Credentials,
  { settings, overrides, identity = `operator-${randomUUID()}` }: StartOptions,
): Promise<OperatorProcess> {
  const stopped = new AbortController()
  const config = parseOperatorConfig(settings, { identity, dispatchPort: 0, healthPort: 0, ...fast, ...overrides })
  const logger = pino({ level: process.env['MNEMOS_TEST_LOG'] ?? 'silent', name: identity })
  let done: Promise<void> | undefined
  const ports = await new Promise<{ dispatch: number; health: number }>((resolve, reject) => {
    done = runOperator(config, { credentials, signal: stopped.signal, logger, onListening: resolve })
    done.catch(reject)
  })
  const stop = async (): Promise<void> => {
    stopped.abort()
    await done
    running.delete(stop)
  }
  running.add(stop)
  return { dispatch: `127.0.0.1:${ports.dispatch}`, health: `http://127.0.0.1:${ports.health}`, stop }
}

export interface Given {
  readonly ref: AttemptRef
  readonly work: AssignmentWork
  readonly token: string
  readonly at: number
}

type HelloInit = Partial<Pick<Hello, 'pool' | 'worker' | 'instance' | 'joinToken' | 'podToken'>>

export interface ConnectOptions {
  readonly slots?: number
  /** The join token. */
  readonly token?: string
  readonly timeoutMs?: number
  /** What Hello says otherwise. */
  readonly hello?: HelloInit
}

/** A worker under a test's control. */
export class ScriptedWorker {
  readonly name: string
  instance: string = randomUUID()
  readonly assigned: Given[] = []
  readonly cancelled: string[] = []
  /** `<uid>/<attempt> <verdict>` of every Ack. */
  readonly acks: string[] = []
  /** Names of the models in every Preload. */
  readonly preloads: string[][] = []
  /** What Hello and heartbeats say it runs, and which results it keeps. */
  readonly running = new Map<string, AttemptRef>()
  readonly results = new Map<string, WorkerMessage>()
  readonly #ended = new Map<string, WorkerMessage>()
  welcome = 0
  drained = 0
  ended: string | undefined
  /** Why streams ended, in order. */
  readonly refusals: string[] = []
  #stream: ClientDuplexStream<WorkerMessage, OperatorMessage> | undefined
  #client: GrpcClient | undefined
  #beat: NodeJS.Timeout | undefined
  /** What to do with an assignment; imports are done at once, the rest is held. */
  onAssign: (given: Given) => void = ({ ref, work }) => {
    if (work.type === 'maintenance') this.succeed(ref, imported)
  }

  constructor(name: string) {
    this.name = name
    after(() => this.disconnect())
  }

  /** Connects, tried again while nobody leads there; resolves with the first Welcome. */
  async connect(address: string, { slots = 4, token = joinToken, timeoutMs = 15_000, hello = {} }: ConnectOptions = {}): Promise<this> {
    await eventually(
      async () => {
        this.#open(address, slots, { joinToken: token, ...hello })
        const before = this.welcome
        await eventually(() => this.welcome > before || this.ended !== undefined, { timeoutMs: 2000 })
        if (this.ended !== undefined && !this.ended.startsWith('14 ')) return true
        return this.ended === undefined
      },
      { timeoutMs },
    )
    return this
  }

  #isPaused = false

  #open(address: string, slots: number, hello: HelloInit): void {
    this.disconnect()
    this.ended = undefined
    this.#isPaused = false
    const { connect } = dispatchService
    this.#client = new GrpcClient(address, grpcCredentials.createInsecure())
    const stream = this.#client.makeBidiStreamRequest(connect.path, connect.requestSerialize, connect.responseDeserialize)
    this.#stream = stream
    stream.on('data', (message: OperatorMessage) => {
      if (this.#stream === stream) this.#received(message)
    })
    stream.on('error', (error: Error & { code?: number }) => {
      if (this.#stream !== stream) return
      this.ended = `${error.code ?? ''} ${error.message}`
      this.refusals.push(this.ended)
    })
    stream.write(
      workerMessage({
        case: 'hello',
        value: {
          poolNamespace: 'default',
          pool: 'pool',
          worker: this.name,
          instance: this.instance,
          capabilities: { engines: ['llama-cpp'], slots, version: 'test', models: [{ digest, loaded: true }] },
          running: [...this.running.values()],
          finished: [...this.results.values()].flatMap(({ message }) =>
            message.case === 'result' && message.value.ref !== undefined ? [message.value.ref] : [],
          ),
          ...hello,
        },
      }),
    )
    this.#beat = setInterval(() => this.beat(), fast.heartbeatMs)
  }

  beat(): void {
    this.#send(workerMessage({ case: 'heartbeat', value: { running: [...this.running.values()], models: [{ digest, loaded: true }] } }))
  }

  /** Cuts the line; the process goes on as it was. */
  disconnect(): void {
    clearInterval(this.#beat)
    const [stream, client] = [this.#stream, this.#client]
    this.#stream = undefined
    this.#client = undefined
    stream?.on('error', () => undefined)
    stream?.cancel()
    client?.close()
  }

  /** Stops talking without hanging up, as a paused process does. */
  pause(): void {
    this.#isPaused = true
    clearInterval(this.#beat)
  }

  /** Another process takes the name: nothing of the first is left. */
  restart(): void {
    this.disconnect()
    this.instance = randomUUID()
    this.running.clear()
    this.results.clear()
  }

  #received({ message }: OperatorMessage): void {
    switch (message.case) {
      case 'welcome':
        this.welcome += 1
        for (const result of this.results.values()) this.#send(result)
        return
      case 'assign': {
        const { ref, work, token } = message.value
        assert.ok(ref)
        const given = { ref, work: decodeWork(work), token, at: performance.now() }
        this.assigned.push(given)
        this.running.set(attemptKey(ref), ref)
        this.onAssign(given)
        return
      }
      case 'cancel':
        if (message.value.ref !== undefined) this.cancelled.push(attemptKey(message.value.ref))
        return
      case 'preload':
        this.preloads.push(message.value.models.map((model) => decodeModel(model).name))
        return
      case 'ping':
        if (!this.#isPaused) this.beat()
        return
      case 'drain':
        this.drained += 1
        return
      case 'ack': {
        const { ref, verdict } = message.value
        if (ref === undefined) return
        this.acks.push(`${attemptKey(ref)} ${verdictName(verdict)}`)
        this.results.delete(attemptKey(ref))
        return
      }
      case undefined:
    }
  }

  start(ref: AttemptRef): void {
    this.#send(workerMessage({ case: 'started', value: { ref } }))
  }

  succeed(ref: AttemptRef, text = '{"text":"hello"}'): void {
    const sha256 = createHash('sha256').update(text).digest('hex')
    const uri = `artifact://outputs/${ref.namespace}/${ref.jobUid}/a${ref.attempt}/result.json`
    const usage = { promptTokens: 3, completionTokens: 5, durationMs: 7n }
    const value = { uri, sha256, sizeBytes: BigInt(text.length), inline: text, usage }
    this.#end(ref, workerMessage({ case: 'result', value: { ref, outcome: { case: 'success', value } } }))
  }

  fail(ref: AttemptRef, failureClass: string, message = 'It broke.', reason = 'Broke'): void {
    const value = { class: failureClass, reason, message, hint: '' }
    this.#end(ref, workerMessage({ case: 'result', value: { ref, outcome: { case: 'failure', value } } }))
  }

  /** Keeps a result as though its Ack had never come. */
  keep(ref: AttemptRef): void {
    const ended = this.#ended.get(attemptKey(ref))
    if (ended !== undefined) this.results.set(attemptKey(ref), ended)
  }

  cancel(ref: AttemptRef): void {
    this.#end(ref, workerMessage({ case: 'result', value: { ref, outcome: { case: 'cancelled', value: {} } } }))
  }

  release(ref: AttemptRef, reason = 'draining'): void {
    this.running.delete(attemptKey(ref))
    this.#send(workerMessage({ case: 'released', value: { ref, reason } }))
  }

  /** The newest assignment of a Job. */
  async given(name: string, attempt = 1): Promise<Given> {
    return eventually(() => this.assigned.find(({ ref }) => ref.name === name && ref.attempt === attempt), {
      timeoutMs: 15_000,
      message: `${this.name} was given attempt ${attempt} of ${name}`,
    })
  }

  #end(ref: AttemptRef, result: WorkerMessage): void {
    this.running.delete(attemptKey(ref))
    this.results.set(attemptKey(ref), result)
    this.#ended.set(attemptKey(ref), result)
    this.#send(result)
  }

  #send(message: WorkerMessage): void {
    this.#stream?.write(message)
  }
}

function verdictName(verdict: Verdict): string {
  return Object.entries(Verdict).find(([, value]) => value === verdict)?.[0] ?? String(verdict)
}

/** A worker as it would run in a pod of a pool: let in by the token that the kubelet would have mounted. */
export async function workerInPod(client: Client, operator: OperatorProcess, pod: KubeObject, pool: string): Promise<ScriptedWorker> {
  const { name, uid = '' } = pod.metadata
  const spec = { audiences: ['mnemos'], boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } }
  const path = `/api/v1/namespaces/default/serviceaccounts/mnemos-${pool}/token`
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec }
  const { status } = await client.request<{ status: { token: string } }>('POST', path, { body })
  return new ScriptedWorker(name).connect(operator.dispatch, { hello: { pool, joinToken: '', podToken: status.token } })
}
