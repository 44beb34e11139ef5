/**
 * The server: Jobs for people, bytes and streams for workers, over HTTP. Holds the only credentials of the stores.
 */
import { randomUUID } from 'node:crypto'
import compress from '@fastify/compress'
import { openApi, routes } from '@mnemos/contract'
import { assignmentVerifier, loadAssignmentKeys } from '@mnemos/identity'
import { type Credentials, createClient, kubeMetrics, listening } from '@mnemos/kube'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import type { Logger } from 'pino'
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import { createArtifactSweeper } from './artifact-sweeper.ts'
import { createCallers } from './callers.ts'
import { registerCollections } from './collection-routes.ts'
import type { ServerConfig } from './config.ts'
import { registerFileRoutes } from './file-routes.ts'
import { createJobFollower } from './job-follower.ts'
import { registerJudgingRoutes } from './judging-routes.ts'
import { registerLineage } from './lineage-routes.ts'
import { readLiveObjects } from './live-objects.ts'
import { registerLogStoring } from './log-routes.ts'
import { registerModelRollback } from './model-rollback.ts'
import { olderPipeline } from './older-pipeline.ts'
import { openStores } from './open-stores.ts'
import { registerPipelineRuns } from './pipeline-run-routes.ts'
import { createPodAttempts } from './pod-attempts.ts'
import { refusalOf, refusalOfOwnRequest } from './refusal.ts'
import { takesBytes } from './request-bytes.ts'
import { limited } from './request-limits.ts'
import { registerRevisions } from './revision-routes.ts'
import { registerRunWork } from './run-work-routes.ts'
import { type CertificatePair, followPair, readPair } from './tls-files.ts'
import { registerUserRoutes } from './user-routes.ts'
import { registerWorkerRoutes } from './worker-routes.ts'

export interface ServerPorts {
  readonly credentials: Credentials
  readonly signal: AbortSignal
  readonly logger: Logger
  /** Told where it listens. */
  readonly onListening?: (url: string) => void
}

/** Runs until the signal. @throws when the port cannot be bound, or the certificate or the artifact folder cannot be used */
export async function runServer(config: ServerConfig, { credentials, signal, logger, onListening }: ServerPorts): Promise<void> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const client = createClient({ credentials, userAgent: 'mnemos-server', metrics: kubeMetrics(registry), connections: 32 })
  const { cert: _cert, key: _key, ...tls } = credentials.tls
  const open = createClient({ credentials: { server: credentials.server, tls }, userAgent: 'mnemos-server', connections: 32 })
  const stores = await openStores(config, { logger, registry })
  const { artifacts, streams } = stores
  const follower = createJobFollower(client, logger)
  const { tlsFolder } = config
  const certificate = tlsFolder === undefined ? undefined : await readPair(tlsFolder)
  const app = createApp(config, logger, { registry, certificate })
  app.get('/healthz', () => 'ok')
  app.get('/readyz', (_request, reply) => {
    const troubles = stores.watch.troubles().map((trouble) => `store ${trouble}`)
    if (!follower.hasSynced()) return reply.code(503).send(['the cache of Jobs is not filled yet', ...troubles].join('\n'))
    return reply.code(stores.watch.wasReached() ? 200 : 503).send(troubles.length === 0 ? 'ok' : troubles.join('\n'))
  })
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  app.get(routes.health.path, () => ({ status: 'ok' }))
  app.get(routes.openapi.path, () => openApi('v1'))
  const identified = createCallers(client, open)
  const { requestsPerMinute: perMinute, systemNamespace } = config
  const callers = perMinute === 0 ? identified : limited(identified, { store: stores.rates, perMinute, systemNamespace, logger, registry })
  await app.register(async (people) => {
    // Of these routes alone: workers move bytes, and ask for ranges of them.
    await people.register(compress, { threshold: 1024, encodings: ['br', 'gzip', 'identity'] })
    registerUserRoutes(people, { callers, artifacts, streams, follower, signal })
    registerJudgingRoutes(people, callers)
    registerCollections(people, callers, { Pipeline: olderPipeline })
    registerPipelineRuns(people, { callers, signal })
    registerRunWork(people, { callers, artifacts })
    registerLineage(people, { callers, artifacts, follower })
    registerRevisions(people, callers)
    registerModelRollback(people, callers)
  })
  await app.register((workers, _options, done) => {
    takesBytes(workers)
    registerFileRoutes(workers, { callers, artifacts, maxBytes: config.fileBytes })
    registerLogStoring(workers, { callers, artifacts, follower })
    registerWorkerRoutes(workers, {
      artifacts,
      streams,
      podAttempts: createPodAttempts({
        client,
        jobOf: (uid) => follower.get(uid),
        jobNamed: (namespace, name) => follower.named(namespace, name),
      }),
      verifier: assignmentVerifier(async () => {
        try {
          return await loadAssignmentKeys(client, config.systemNamespace)
        } catch (error) {
          throw refusalOfOwnRequest(error)
        }
      }),
    })
    done()
  })
  const sweeper = createArtifactSweeper(
    { artifacts, readLive: (until) => readLiveObjects(client, until), logger, registry },
    { retentionMs: config.outputsRetentionSeconds * 1000, everyMs: config.outputsSweepSeconds * 1000 },
  )
  const following = Promise.all([follower.run(signal), stores.watch.run(signal), sweeper.run(signal)])
  const { host, port } = config
  const settings = { setting: 'MNEMOS_SERVER_PORT', hostSetting: 'MNEMOS_SERVER_HOST' }
  const url = await listening({ what: 'HTTP', host, port, ...settings }, () => app.listen({ host, port }))
  if (tlsFolder !== undefined && certificate !== undefined)
    void followPair(app.server, { folder: tlsFolder, served: certificate, logger, signal })
  logger.info({ url }, 'server listens')
  onListening?.(url)
  if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  await app.close()
  await following
  await Promise.all([client.close(), open.close(), stores.close()])
}

interface AppOptions {
  readonly registry: Registry
  /** Undefined is plain HTTP. */
  readonly certificate: CertificatePair | undefined
}

function createApp(config: ServerConfig, logger: Logger, { registry, certificate }: AppOptions): FastifyInstance {
  const app = Fastify({
    https: certificate ?? null,
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: config.bodyBytes,
    genReqId: () => randomUUID(),
    frameworkErrors: answerRefusal,
    forceCloseConnections: true,
    keepAliveTimeout: 95_000,
  })
  const took = new Histogram({
    name: 'mnemos_http_request_duration_seconds',
    help: 'Time of HTTP requests.',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  })
  // JSON must be UTF-8: a decoder that replaces what is broken would store something else than was sent.
  app.addContentTypeParser(['application/json', 'application/merge-patch+json'], { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      // Clients name a type also where they send nothing, as with DELETE.
      if (body.length === 0) done(null, undefined)
      else done(null, JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body as Buffer)))
    } catch {
      done(new SyntaxError('no JSON in UTF-8'))
    }
  })
  app.addHook('onResponse', async (request, reply) => {
    took.observe({ method: request.method, route: request.routeOptions.url ?? 'none', status: reply.statusCode }, reply.elapsedTime / 1000)
  })
  app.setErrorHandler(answerRefusal)
  app.setNotFoundHandler(async (request, reply) =>
    reply.code(404).send({
      error: {
        code: 'MNEMOS_NOT_FOUND',
        message: `There is no route ${request.method} ${request.url.split('?')[0] ?? ''}; see /openapi.json.`,
        requestId: request.id,
      },
    }),
  )
  return app as unknown as FastifyInstance
}

/** Answers every error in the one shape of the contract. */
function answerRefusal(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const refusal = refusalOf(error)
  // A caller that has left (a cancelled stream, a worker that stops) is no mistake of ours.
  const level = reply.raw.destroyed ? 'debug' : 'error'
  if (refusal.status >= 500) request.log[level]({ code: refusal.code, cause: String(refusal.cause ?? error) }, 'a request failed')
  if (refusal.retryAfterSeconds !== undefined) void reply.header('retry-after', refusal.retryAfterSeconds)
  const body = {
    code: refusal.code,
    message: refusal.message,
    requestId: request.id,
    ...(refusal.details === undefined ? {} : { details: refusal.details }),
  }
  void reply.code(refusal.status).send({ error: body })
}
