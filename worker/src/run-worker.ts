/**
 * A worker from start to end: opens cache and spool, keeps the stream to the operator, and stops in order.
 *
 * Order of the end: take nothing new → finish what runs, or hand it back after the grace → wait a little for the operator to
 * acknowledge results → close the stream → end the engine. What is not acknowledged stays on disk for the next start.
 */
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { type AttemptRef, type HelloSchema, type WorkerMessage, workerMessage } from '@mnemos/contract'
import type { Logger } from 'pino'
import { Agent } from './agent/agent.ts'
import type { Workshop } from './agent/attempt.ts'
import { type Connection, createConnection } from './agent/connection.ts'
import { createHeartbeats } from './agent/heartbeats.ts'
import { createPreloader, type Preloader } from './agent/preloader.ts'
import { openResultSpool, type ResultSpool } from './agent/result-spool.ts'
import { openModelCache } from './cache/model-cache.ts'
import { type Clock, systemClock } from './clock.ts'
import { readProofs, type WorkerConfig } from './config.ts'
import type { Engine } from './engine/engine.ts'
import { llamaCppEngine } from './engine/llama-cpp.ts'
import { stubEngine } from './engine/stub.ts'
import { serveHealth } from './health.ts'
import { addGauges, createMetrics, type WorkerMetrics } from './metrics.ts'
import { createServers, type Servers } from './storage/server.ts'

export interface WorkerPorts {
  /** The worker stops in order when it aborts. */
  readonly signal: AbortSignal
  readonly logger: Logger
  readonly clock?: Clock
  readonly random?: () => number
  /** Instead of the configured engine; the worker closes it. */
  readonly engine?: Engine
  /** Export the figures of the process, too. Default false: several workers may share a process. */
  readonly isProcess?: boolean
}

const version = '0.1.0'

/**
 * Runs until the signal aborts and everything is in order.
 * @throws when the cache folder or the health port cannot be used; losing the operator is no error
 */
export async function runWorker(config: WorkerConfig, ports: WorkerPorts): Promise<void> {
  const { signal, logger, clock = systemClock } = ports
  const worker = await assemble(config, ports)
  const { agent, connection, spool, engine } = worker
  const isReady = (): boolean => connection.isConnected() && !signal.aborted
  const { healthHost: host, healthPort: port } = config
  const health = port === 0 ? undefined : await serveHealth({ host, port, registry: worker.metrics.registry, isReady })

  const leaving = new AbortController()
  const connected = connection.run(leaving.signal)
  logger.info({ worker: config.name, pool: config.pool, engine: engine.name, slots: config.slots }, 'the worker started')
  await aborted(signal)
  logger.info({ running: agent.running().length }, 'the worker stops')
  await Promise.all([agent.stop(config.graceMs), worker.preloader.stop()])
  await acknowledged(spool, connection, clock)
  leaving.abort(new Error('the worker stops'))
  await connected
  await Promise.all([engine.close(), worker.servers.close(), health?.close()])
  logger.info({ kept: spool.all().length }, 'the worker stopped')
}

interface Assembled {
  readonly agent: Agent
  readonly connection: Connection
  readonly spool: ResultSpool
  readonly engine: Engine
  readonly preloader: Preloader
  readonly servers: Servers
  readonly metrics: WorkerMetrics
}

async function assemble(config: WorkerConfig, ports: WorkerPorts): Promise<Assembled> {
  const { logger, clock = systemClock, random = Math.random } = ports
  const engine = ports.engine ?? engineOf(config, clock)
  const workshop = await furnish(config, engine, { logger, clock, random })
  const spool = await openResultSpool(join(config.cacheDir, 'results'))
  const metrics = createMetrics(ports.isProcess ?? false)
  const send = (message: WorkerMessage): boolean => connection.send(message)
  const { slots, progressMs } = config
  const agent = new Agent({ workshop, spool, slots, progressMs, logger, metrics, send })
  const preloader = createPreloader(workshop, slots)
  const models = (): { digest: string; loaded: boolean }[] => {
    const loaded = new Set(engine.models())
    return [...new Set([...workshop.cache.digests(), ...loaded])].map((digest) => ({ digest, loaded: loaded.has(digest) }))
  }
  const beat = (): void => {
    send(workerMessage({ case: 'heartbeat', value: { running: agent.running(), models: models() } }))
  }
  const heartbeats = createHeartbeats(beat, clock)
  const instance = randomUUID()
  const connection: Connection = createConnection({
    addresses: config.operator,
    caFile: config.caFile,
    clock,
    random,
    logger,
    hello: () => {
      const capabilities = { engines: [...workshop.engines.keys()], slots, memoryBytes: BigInt(totalmem()), version, models: models() }
      return helloOf(config, instance, { capabilities, running: agent.running(), finished: refsOf(spool) })
    },
    onMessage: (message) => {
      if (message.message.case === 'welcome') heartbeats.start(message.message.value.heartbeatMs)
      if (message.message.case === 'preload') preloader.obey(message.message.value)
      if (message.message.case === 'ping') beat()
      agent.obey(message)
    },
    onDisconnected: () => heartbeats.stop(),
  })
  addGauges(metrics, {
    running: () => agent.running().length,
    isConnected: () => connection.isConnected(),
    cacheBytes: () => workshop.cache.sizeBytes(),
    cachedModels: () => workshop.cache.digests().length,
  })
  return { agent, connection, spool, engine, metrics, preloader, servers: workshop.servers }
}

/** What attempts need: cache, engines, rules. Clears away what an earlier process left under way. */
async function furnish(config: WorkerConfig, engine: Engine, of: Pick<Workshop, 'logger' | 'clock' | 'random'>): Promise<Workshop> {
  const scratch = join(config.cacheDir, 'scratch')
  await rm(scratch, { recursive: true, force: true })
  const retry = { forMs: config.storageRetryMs }
  const cache = await openModelCache({
    folder: config.cacheDir,
    limitBytes: config.cacheBytes,
    clock: of.clock,
    random: of.random,
    retry,
    onCorrupt: ({ path, digest, found }) => of.logger.warn({ path, wanted: digest, found }, 'a damaged model file was removed'),
  })
  const sources = { fileRoot: config.fileRoot, allowPrivate: config.allowPrivateSources }
  const servers = createServers({ connections: 2 * config.slots + 8, caFile: config.caFile })
  return { ...of, cache, engines: enginesByName(engine), servers, retry, sources, scratch }
}

function engineOf(config: WorkerConfig, clock: Clock): Engine {
  if (config.engine === 'stub') return stubEngine({ clock })
  const { slots, engineThreads } = config
  // As many models as there may be attempts: no attempt unloads the model of another between its load and its answer.
  return llamaCppEngine({ clock, parallel: slots, maxLoaded: slots, ...(engineThreads === undefined ? {} : { threads: engineThreads }) })
}

/** The stub stands in for any engine, so that ordinary Models run on hollow workers. */
export function enginesByName(engine: Engine): ReadonlyMap<string, Engine> {
  const names = engine.name === 'stub' ? ['stub', 'llama-cpp', 'vllm', 'pytorch'] : [engine.name]
  return new Map(names.map((name) => [name, engine]))
}

function helloOf(config: WorkerConfig, instance: string, of: Pick<HelloInit, 'capabilities' | 'running' | 'finished'>): WorkerMessage {
  const [poolNamespace = '', pool = ''] = config.pool.split('/')
  return workerMessage({
    case: 'hello',
    value: { poolNamespace, pool, worker: config.name, instance, ...readProofs(config), ...of },
  })
}

type HelloInit = MessageInitShape<typeof HelloSchema>

const refsOf = (spool: ResultSpool): AttemptRef[] => spool.all().flatMap(({ ref }) => (ref === undefined ? [] : [ref]))

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** Gives the operator up to two seconds to acknowledge the last results; it may be gone already. */
async function acknowledged(spool: ResultSpool, connection: Connection, clock: Clock): Promise<void> {
  for (let waitedMs = 0; waitedMs < 2000 && connection.isConnected() && spool.all().length > 0; waitedMs += 20) await clock.sleep(20)
}
