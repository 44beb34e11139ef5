/**
 * What workers ask for: bytes and token streams, each allowed by the token of one attempt and by nothing else.
 */
import { Readable } from 'node:stream'
import type { ArtifactStore } from '@mnemos/artifacts'
import { routes, tokenLine } from '@mnemos/contract'
import type { Assignment, AssignmentVerifier } from '@mnemos/identity'
import type { StreamStore, StreamToken } from '@mnemos/stores'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { bearerOf } from './callers.ts'
import { looksLikeAssignment, type PodAttempts } from './pod-attempts.ts'
import { Refusal } from './refusal.ts'
import { bytesOf } from './request-bytes.ts'
import { fastifyPath } from './route-path.ts'
import { sendStored } from './sending-bytes.ts'

export interface WorkerRoutesOptions {
  readonly artifacts: ArtifactStore
  readonly streams: StreamStore
  readonly verifier: AssignmentVerifier
  /** Tokens of pods, for sidecars. */
  readonly podAttempts: PodAttempts
}

const maxLineLength = 1024 * 1024
const modelPrefix = 'models/sha256/'

export function registerWorkerRoutes(app: FastifyInstance, { artifacts, streams, verifier, podAttempts }: WorkerRoutesOptions): void {
  const assignmentOf = verifiedOnce({
    verify: (token) => (looksLikeAssignment(token) ? verifier.verify(token) : podAttempts.verify(token)),
  })
  const streamOf = async (request: FastifyRequest): Promise<string> => {
    const { uid, attempt } = request.params as { uid: string; attempt: string } // by the path of the route
    const assignment = await assignmentOf(request)
    if (assignment.uid !== uid || String(assignment.attempt) !== attempt)
      throw new Refusal('MNEMOS_FORBIDDEN', 'The token belongs to another attempt.')
    return `${uid}/${attempt}`
  }
  const keyOf = (request: FastifyRequest): string => (request.params as { '*': string })['*']

  app.get(fastifyPath(routes.attemptWork.path), async (request, reply) => {
    await streamOf(request)
    void reply.header('cache-control', 'no-store')
    return podAttempts.work(await assignmentOf(request))
  })
  app.post(fastifyPath(routes.putEvents.path), async (request, reply) => {
    const stream = await streamOf(request)
    const next = await ingest(streams, stream, bytesOf(request.body))
    // Answered in the middle of the body: the rest of it is nobody's.
    if (!request.raw.readableEnded) void reply.header('connection', 'close')
    return { next }
  })
  app.get(fastifyPath(routes.nextEvent.path), async (request) => ({ next: await streams.next(await streamOf(request)) }))

  app.get(fastifyPath(routes.getArtifact.path), { exposeHeadRoute: false }, async (request, reply) => {
    const key = keyOf(request)
    mustRead(await assignmentOf(request), key)
    const url = await artifacts.urlOf(key)
    if (url !== undefined) return redirect(artifacts, key, { url, reply })
    return sendStored(artifacts, { key, missing: `There is no object ${key}.` }, { request, reply })
  })
  app.head(fastifyPath(routes.headArtifact.path), async (request, reply) => {
    const key = keyOf(request)
    const assignment = await assignmentOf(request)
    if (!mayWrite(assignment, key)) mustRead(assignment, key)
    const found = await artifacts.head(key)
    if (found === undefined) return reply.code(404).send()
    return reply.header('etag', `"${found.sha256}"`).header('content-length', found.sizeBytes).send()
  })
  app.put(fastifyPath(routes.putArtifact.path), async (request) => {
    const key = keyOf(request)
    if (!mayWrite(await assignmentOf(request), key)) throw new Refusal('MNEMOS_FORBIDDEN', `The token does not allow to write ${key}.`)
    const promised = request.headers['x-mnemos-sha256']
    const sha256 = key.startsWith(modelPrefix) ? key.slice(modelPrefix.length) : typeof promised === 'string' ? promised : undefined
    return artifacts.put(key, Readable.from(bytesOf(request.body)), sha256 === undefined ? {} : { sha256 })
  })
}

function mustRead(assignment: Assignment, key: string): void {
  if (!assignment.reads.includes(key)) throw new Refusal('MNEMOS_FORBIDDEN', `The token does not allow to read ${key}.`)
}

function mayWrite(assignment: Assignment, key: string): boolean {
  return assignment.writes.some((prefix) => key.startsWith(prefix))
}

/** A worker shows one token many times; its signature is checked once. */
function verifiedOnce(verifier: AssignmentVerifier): (request: FastifyRequest) => Promise<Assignment> {
  const keepMs = 60_000
  const maxKept = 4096
  const known = new Map<string, { readonly until: number; readonly assignment: Assignment }>()
  return async (request) => {
    const token = bearerOf(request.headers.authorization)
    const entry = known.get(token)
    if (entry !== undefined && entry.until > performance.now()) return entry.assignment
    const assignment = await verifier.verify(token)
    if (known.size >= maxKept) known.clear()
    known.set(token, { until: performance.now() + keepMs, assignment })
    return assignment
  }
}

/**
 * Reads lines of JSON as fast as they come and puts them in the stream. A stream that was lost meanwhile is answered at once, so
 * that the worker sends it again now and not at its end.
 * @returns the index wanted next
 */
async function ingest(streams: StreamStore, stream: string, body: AsyncIterable<Buffer>): Promise<number> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoded(decoder, chunk)).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > maxLineLength) throw new Refusal('MNEMOS_TOO_LARGE', 'A line of the stream is longer than 1 MiB.')
    const { next, isGap } = await take(streams, stream, lines)
    if (isGap) return next
  }
  return (await take(streams, stream, [rest + decoded(decoder)])).next
}

async function take(streams: StreamStore, stream: string, lines: readonly string[]): Promise<{ next: number; isGap: boolean }> {
  const parsed = lines.filter((line) => line !== '').map(parseLine)
  const tokens = parsed.filter((line) => 'index' in line)
  const next = await streams.append(stream, tokens)
  const wanted = Math.max(-1, ...tokens.map(({ index }) => index)) + 1
  const end = parsed.find((line) => 'end' in line)
  if (end === undefined) return { next, isGap: next < wanted }
  return { next: await streams.end(stream, end.at ?? wanted), isGap: false }
}

/** @param chunk the end when absent */
function decoded(decoder: InstanceType<typeof TextDecoder>, chunk?: Buffer): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined })
  } catch (cause) {
    throw new Refusal('MNEMOS_BAD_REQUEST', 'The stream is no UTF-8.', { cause })
  }
}

function parseLine(line: string): StreamToken | { end: true; at?: number | undefined } {
  try {
    return tokenLine.parse(JSON.parse(line))
  } catch {
    // The line itself is somebody's text and is not repeated.
    throw new Refusal('MNEMOS_BAD_REQUEST', 'A line of the stream is neither {"index", "text"} nor {"end": true}.')
  }
}

/** Sends a reader to the store itself. Our own token is not for it. */
async function redirect(
  artifacts: ArtifactStore,
  key: string,
  { url, reply }: { url: string; reply: FastifyReply },
): Promise<FastifyReply> {
  const about = await artifacts.head(key)
  if (about === undefined) throw new Refusal('MNEMOS_NOT_FOUND', `There is no object ${key}.`)
  return reply.code(307).header('location', url).header('etag', `"${about.sha256}"`).header('cache-control', 'no-store').send()
}
