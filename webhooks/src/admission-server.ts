/**
 * The HTTPS server that API servers call: decodes a review, asks the domain, encodes the verdict.
 *
 * Guarantees: each request gets exactly one answer within the deadline; nothing that a client sends ends the process or is
 * held beyond the body limit; a new certificate is taken up without closing a connection; while draining, calls are still
 * answered, and each answer asks the caller to open its next connection elsewhere.
 * Must not know: how certificates are made, what is registered, what makes an object wrong.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { type AddressInfo, Server as NetServer } from 'node:net'
import { admitted, type ReviewRequest } from '@mnemos/domain'
import type { KeyedCertificate } from '@mnemos/identity'
import { listening } from '@mnemos/kube'
import type { Logger } from 'pino'
import { decodeReview, encodeReview, ReviewDecodeError } from './admission-review.ts'
import { JsonTextError } from './json-text.ts'
import { loggedField, loggedName } from './logged-text.ts'
import type { WebhookMetrics } from './metrics.ts'
import { hangUp, isAnnouncedTooLarge, readBody } from './request-body.ts'
import type { Reviewer } from './reviewer.ts'
import type { Tracing } from './tracing.ts'

const stages: ReadonlyMap<string, ReviewRequest['stage']> = new Map([
  ['/mutate', 'mutate'],
  ['/validate', 'validate'],
])

/** API servers send at most two objects of 3 MiB and an envelope. */
const maxBodyBytes = 7 * 1024 * 1024
/** Longer than the 90 s after which an API server closes an idle connection, so that it is never we who do. */
const keepAliveTimeoutMs = 120_000

export interface AdmissionServerOptions {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly leaf: KeyedCertificate
  readonly review: Reviewer
  /** Longest time from the first byte of a request to its answer. */
  readonly deadlineMs: number
  readonly logger: Logger
  readonly metrics: WebhookMetrics
  readonly tracing: Tracing
}

export interface AdmissionServer {
  readonly port: number
  /** Serves another certificate from the next connection on. */
  use(leaf: KeyedCertificate): void
  /** Answers for `graceMs` more while callers move away, then closes; resolves when the last call is answered. */
  drain(graceMs: number): Promise<void>
}

/** Starts listening. @throws the error of `listen`, e.g. EADDRINUSE */
export async function listenForReviews(options: AdmissionServerOptions): Promise<AdmissionServer> {
  const { leaf, logger } = options
  let draining = false
  const server = createServer({
    ...tlsOf(leaf),
    minVersion: 'TLSv1.3',
    keepAliveTimeout: keepAliveTimeoutMs,
    headersTimeout: 10_000,
    requestTimeout: 30_000,
  })
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    if (draining) response.setHeader('Connection', 'close')
    answer(request, response, options).catch((error: unknown) => {
      logger.error({ err: error }, 'a review failed')
      reject(request, response, options, 500, 'internal error')
    })
  }
  server.on('request', onRequest)
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (!isAnnouncedTooLarge(request, maxBodyBytes)) response.writeContinue()
    onRequest(request, response)
  })
  server.on('tlsClientError', (error) => logger.debug({ err: error }, 'a TLS handshake failed'))
  await listens(server, options)
  return {
    port: portOf(server),
    use: (next) => server.setSecureContext({ ...tlsOf(next), minVersion: 'TLSv1.3' }),
    drain: async (graceMs) => {
      draining = true
      await closed(server, graceMs, options.deadlineMs)
    },
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, options: AdmissionServerOptions): Promise<void> {
  const started = performance.now()
  const stage = stages.get(pathOf(request))
  if (stage === undefined || !isJsonPost(request)) {
    reject(request, response, options, ...misaddressed(request, stage !== undefined))
    return
  }
  const outcome = await readBody(request, { maxBytes: maxBodyBytes, deadlineMs: options.deadlineMs })
  const isLate = performance.now() - started > options.deadlineMs
  if (outcome.kind === 'body' && !isLate) await judge(outcome.bytes, stage, request, response, options)
  else if (outcome.kind === 'tooLarge') reject(request, response, options, 413, `a review has at most ${maxBodyBytes} bytes`)
  else if (outcome.kind !== 'aborted') reject(request, response, options, 408, `no review arrived within ${options.deadlineMs} ms`)
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?')[0] ?? ''
}

function isJsonPost({ method, headers }: IncomingMessage): boolean {
  return method === 'POST' && /^application\/json\b/.test(headers['content-type'] ?? '')
}

function misaddressed({ method }: IncomingMessage, isKnownPath: boolean): [statusCode: number, message: string] {
  if (!isKnownPath) return [404, `the paths are ${[...stages.keys()].join(', ')}`]
  return method === 'POST' ? [415, 'a review is application/json'] : [405, 'a review is a POST']
}

async function judge(
  body: Buffer,
  stage: ReviewRequest['stage'],
  request: IncomingMessage,
  response: ServerResponse,
  options: AdmissionServerOptions,
): Promise<void> {
  const { review, logger, metrics, tracing } = options
  const started = performance.now()
  const trace = tracing.begin(request.headers, stage)
  try {
    const { uid, dryRun, request: subject } = decodeReview(body, stage)
    const verdict = subject === undefined ? admitted : await review({ uid, dryRun, request: subject, trace })
    send(response, 200, encodeReview(uid, verdict))
    const { allowed, findings, violations, warnings } = verdict
    const counts = { findings: findings.length, violations: violations.length, warnings: warnings.length }
    trace.end({ statusCode: 200, uid, dryRun, allowed, ...counts, ...(subject === undefined ? {} : { request: subject }) })
    if (subject === undefined) return
    const { kind, operation, namespace, userName, object } = subject
    const codes = verdict.findings.map((finding) => finding.code)
    metrics.reviewed({ kind, stage, operation, allowed: verdict.allowed, codes, seconds: (performance.now() - started) / 1000 })
    if (!dryRun) metrics.violated(verdict.violations)
    // Fields and codes, never values: a value may be a prompt.
    const facts = { uid, stage, operation, kind, namespace, name: loggedName(object?.metadata.name), user: userName, dryRun }
    if (verdict.allowed) logger.debug(facts, 'admitted')
    else
      logger.info(
        { ...facts, findings: verdict.findings.slice(0, 20).map(({ path, code }) => ({ path: loggedField(path), code })) },
        'refused',
      )
  } catch (error) {
    const isTheirs = error instanceof JsonTextError || error instanceof ReviewDecodeError
    trace.end({ statusCode: isTheirs ? 400 : 500 })
    if (!isTheirs) throw error
    reject(request, response, options, 400, error.message)
  }
}

/** Answers a request that is no review, and closes its connection: whoever sends such things is no API server. */
function reject(
  request: IncomingMessage,
  response: ServerResponse,
  { metrics }: AdmissionServerOptions,
  statusCode: number,
  message: string,
): void {
  metrics.rejected(statusCode)
  if (!response.headersSent) {
    response.setHeader('Connection', 'close')
    send(response, statusCode, JSON.stringify({ error: { code: statusCode, message } }))
  }
  if (!request.complete) hangUp(request)
}

function send(response: ServerResponse, statusCode: number, body: string): void {
  response.writeHead(statusCode, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}

function tlsOf(leaf: KeyedCertificate): { key: string; cert: string } {
  return { key: leaf.privateKey, cert: leaf.certificate }
}

async function listens(server: Server, { host, port }: AdmissionServerOptions): Promise<void> {
  const settings = { setting: 'MNEMOS_WEBHOOK_PORT', hostSetting: 'MNEMOS_WEBHOOK_HOST' }
  await listening(
    { what: 'reviews', host, port, ...settings },
    () =>
      new Promise<void>((resolve, fail) => {
        server.once('error', fail)
        server.listen({ host, port }, () => {
          server.off('error', fail)
          resolve()
        })
      }),
  )
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port')
  return address.port
}

async function closed(server: Server, graceMs: number, deadlineMs: number): Promise<void> {
  await new Promise<void>((resolve) => setTimeout(resolve, graceMs))
  await new Promise<void>((resolve) => {
    // `close` of an HTTP server also cuts connections without a request, and with them callers between handshake and
    // question. The one of a plain server only stops accepting; each answer from here on closes its connection.
    const idle = setTimeout(() => server.closeIdleConnections(), deadlineMs / 2)
    const all = setTimeout(() => server.closeAllConnections(), deadlineMs)
    NetServer.prototype.close.call(server, () => {
      clearTimeout(idle)
      clearTimeout(all)
      resolve()
    })
  })
}
