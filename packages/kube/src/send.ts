/** One request and its answer: fence, headers, time-out, `Retry-After`, errors. */

import { errors } from 'undici'
import type { RequestContext } from './client.ts'
import { reasonOf } from './clock.ts'
import { KubeError, type StatusDetails } from './errors.ts'
import type { Transport } from './transport.ts'

export interface RequestOptions {
  readonly body?: unknown
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  /** Default application/json. */
  readonly contentType?: string
  readonly signal?: AbortSignal
  /** Told each warning of the answer, of a refusal too. */
  readonly onWarning?: (text: string) => void
}

const maxThrottled = 5
/** A fenced write gives up at the server this long after it began, well before the next leader may start. */
const fencedWriteSeconds = 5

/** Sends a request and returns the parsed JSON of a 2xx answer. @throws KubeError for everything else */
export async function send(
  transport: Transport,
  context: RequestContext,
  method: string,
  path: string,
  options: RequestOptions,
): Promise<unknown> {
  const isWrite = method !== 'GET'
  for (let tries = 1; ; tries += 1) {
    if (isWrite) context.fence?.check()
    try {
      return await sendOnce(transport, context, method, path, options)
    } catch (error) {
      // 429 and 503 with Retry-After say that the request was not carried out; so it may be repeated.
      // Without it, 429 is the word of somebody's policy: whoever asks is told, and does not wait in silence.
      if (!(error instanceof KubeError) || error.retryAfterMs === undefined || tries >= maxThrottled) throw error
      await context.clock.sleep(error.retryAfterMs, options.signal)
    }
  }
}

async function sendOnce(
  transport: Transport,
  context: RequestContext,
  method: string,
  path: string,
  options: RequestOptions,
): Promise<unknown> {
  const started = context.clock.monotonic()
  const fenced = method !== 'GET' && context.fence !== undefined ? { timeout: `${fencedWriteSeconds}s` } : {}
  let code = '<error>'
  try {
    const answer = await transport.requests.request({
      method: method, // undici lists the usual methods only
      path: withQuery(transport.basePath + path, { ...options.query, ...fenced }),
      headers: await headersOf(transport, context, options),
      body: options.body === undefined ? null : JSON.stringify(options.body),
      // Not AbortSignal.timeout: one such timer for each request would go off long after its answer.
      headersTimeout: context.requestTimeoutMs,
      bodyTimeout: context.requestTimeoutMs,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
    code = String(answer.statusCode)
    const text = await answer.body.text()
    if (options.onWarning !== undefined) for (const warning of warningsOf(answer.headers['warning'])) options.onWarning(warning)
    if (answer.statusCode < 300) return text === '' ? undefined : JSON.parse(text)
    throw refusal(method, path, answer.statusCode, text, answer.headers['retry-after'])
  } catch (error) {
    if (error instanceof KubeError) throw error
    if (options.signal?.aborted === true) throw reasonOf(options.signal)
    throw new KubeError(`${method} ${path}: no answer from the API server`, {
      status: 0,
      reason: error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError ? 'Timeout' : 'Unreachable',
      cause: error,
    })
  } finally {
    context.metrics?.request(method, code, context.clock.monotonic() - started)
  }
}

/** The texts of `Warning` headers as API servers send them: `299 - "text"`, several in one header or in several. */
export function warningsOf(header: string | string[] | undefined): readonly string[] {
  const joined = Array.isArray(header) ? header.join(', ') : (header ?? '')
  return [...joined.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text.replaceAll(/\\(.)/g, '$1'))
}

/** The header that asks for metadata alone; a server that cannot leave the rest out sends it. */
export function metadataOf(kind: 'PartialObjectMetadata' | 'PartialObjectMetadataList'): { readonly accept: string } {
  return { accept: `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json` }
}

/** The headers of every request, with a fresh token. */
export async function headersOf(
  transport: Transport,
  context: RequestContext,
  options: Pick<RequestOptions, 'body' | 'headers' | 'contentType'>,
): Promise<Record<string, string | string[]>> {
  const token = await transport.credentials.token?.()
  return {
    accept: 'application/json',
    'user-agent': context.userAgent,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(options.body === undefined ? {} : { 'content-type': options.contentType ?? 'application/json' }),
    ...context.headers,
    ...options.headers,
  }
}

export function withQuery(path: string, query: Readonly<Record<string, string>>): string {
  const text = new URLSearchParams(query).toString()
  if (text === '') return path
  return `${path}${path.includes('?') ? '&' : '?'}${text}`
}

/** A KubeError from an answer that is no success; the body is a `Status` when the API server wrote it. */
export function refusal(
  method: string,
  path: string,
  statusCode: number,
  text: string,
  retryAfter: string | string[] | undefined,
): KubeError {
  const status = parseStatus(text)
  const seconds = Number(Array.isArray(retryAfter) ? retryAfter[0] : retryAfter)
  const throttled = (statusCode === 429 || statusCode === 503) && retryAfter !== undefined && Number.isFinite(seconds)
  return new KubeError(status.message ?? `${method} ${path}: ${statusCode} ${text.slice(0, 200)}`, {
    status: statusCode,
    reason: status.reason ?? String(statusCode),
    ...(status.details === undefined ? {} : { details: status.details }),
    ...(throttled ? { retryAfterMs: Math.max(seconds, 0.1) * 1000 } : {}),
  })
}

function parseStatus(text: string): { message?: string; reason?: string; details?: StatusDetails } {
  try {
    const value: unknown = JSON.parse(text)
    // A body whose kind is Status was written by the API server.
    return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status' ? (value as { message?: string }) : {}
  } catch {
    return {}
  }
}
