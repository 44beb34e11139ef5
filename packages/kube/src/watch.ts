/**
 * One watch request as an async sequence of events.
 *
 * Guarantees: reads no faster than the consumer (back-pressure reaches the socket); a line cut in the middle, silence
 * longer than allowed and a reset all end the sequence with an error that says which.
 */
import { type Client, pathOf } from './client.ts'
import { KubeError } from './errors.ts'
import { headersOf, refusal, withQuery } from './send.ts'
import type { KubeObject, Resource } from './types.ts'

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: T
}

export interface WatchOptions {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly resourceVersion: string
  /** The server ends the watch after this long, with a bookmark shortly before. */
  readonly timeoutSeconds: number
  /** Silence after which the connection counts as dead. */
  readonly silenceMs: number
  readonly signal: AbortSignal
}

/** Why a watch ended, for metrics and tests. */
export type WatchEnd = 'timeout' | 'silence' | 'cut' | 'reset'

/**
 * Yields the events of one watch until the server ends it.
 * @throws KubeError: 410 `Expired` when the version is too old; status 0 with reason Silent, Truncated or Reset otherwise
 */
export async function* watch<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  options: WatchOptions,
): AsyncGenerator<readonly WatchEvent<T>[]> {
  const { namespace, labelSelector, fieldSelector, resourceVersion, timeoutSeconds } = options
  const path = pathOf(resource, namespace === undefined ? {} : { namespace })
  const query = {
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion,
    timeoutSeconds: String(timeoutSeconds),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  }
  const silence = new AbortController()
  const watchdog = setTimeout(() => silence.abort(), options.silenceMs)
  try {
    const answer = await client.transport.watches.request({
      method: 'GET',
      path: withQuery(client.transport.basePath + path, query),
      headers: await headersOf(client.transport, client.context, {}),
      signal: AbortSignal.any([options.signal, silence.signal]),
    })
    if (answer.statusCode !== 200) throw refusal('GET', path, answer.statusCode, await answer.body.text(), answer.headers['retry-after'])
    answer.body.setEncoding('utf8')
    let rest = ''
    for await (const chunk of answer.body as AsyncIterable<string>) {
      watchdog.refresh()
      const text = rest + chunk
      const end = text.lastIndexOf('\n')
      rest = text.slice(end + 1)
      if (end >= 0)
        yield text
          .slice(0, end)
          .split('\n')
          .flatMap((line) => parseLine<T>(line))
    }
    if (rest.trim() !== '') throw new KubeError('the watch ended in the middle of an event', { status: 0, reason: 'Truncated' })
  } catch (error) {
    if (error instanceof KubeError || options.signal.aborted) throw error
    if (silence.signal.aborted) throw new KubeError(`the watch was silent for ${options.silenceMs} ms`, { status: 0, reason: 'Silent' })
    throw new KubeError('the watch was cut', { status: 0, reason: 'Reset', cause: error })
  } finally {
    clearTimeout(watchdog)
  }
}

interface Line {
  readonly type: string
  readonly object: unknown
}

/** @throws KubeError for a line that is no JSON, and for an ERROR event with what it says */
function parseLine<T>(line: string): WatchEvent<T>[] {
  if (line === '') return []
  let event: Line
  try {
    event = JSON.parse(line) as Line
  } catch (cause) {
    throw new KubeError('the watch sent a line that is no JSON', { status: 0, reason: 'Truncated', cause })
  }
  if (event.type === 'ERROR') {
    const status = event.object as { code?: number; reason?: string; message?: string }
    throw new KubeError(status.message ?? 'the watch failed', { status: status.code ?? 0, reason: status.reason ?? 'WatchError' })
  }
  return [event as WatchEvent<T>]
}
