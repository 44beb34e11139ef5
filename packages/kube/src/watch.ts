/**
 * One watch request and its events.
 *
 * Guarantees: events are dealt with before the next bytes are read, so a slow consumer holds the socket back; a line cut in
 * the middle, silence longer than allowed and a reset all end the watch with an error that says which.
 */
import { StringDecoder } from 'node:string_decoder'
import type { Dispatcher } from 'undici'
import { type Client, pathOf } from './client.ts'
import { reasonOf } from './clock.ts'
import { KubeError } from './errors.ts'
import { headersOf, metadataOf, refusal, withQuery } from './send.ts'
import type { KubeObject, Resource } from './types.ts'

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: T
}

export interface WatchOptions {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Only `metadata` of each object is sent. */
  readonly metadataOnly?: boolean
  readonly resourceVersion: string
  /** The server ends the watch after this long, with a bookmark shortly before. */
  readonly timeoutSeconds: number
  /** Silence after which the connection counts as dead. */
  readonly silenceMs: number
  readonly signal: AbortSignal
}

/**
 * Hands the events of one watch over, chunk by chunk as they come, until the server ends it.
 * @throws KubeError: 410 `Expired` when the version is too old; status 0 with reason Silent, Truncated or Reset otherwise; the
 * signal's reason
 */
export async function watch<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  options: WatchOptions,
  onEvents: (events: readonly WatchEvent<T>[]) => void,
): Promise<void> {
  const { namespace, labelSelector, fieldSelector, metadataOnly = false, resourceVersion, timeoutSeconds, silenceMs, signal } = options
  const path = pathOf(resource, namespace === undefined ? {} : { namespace })
  const query = {
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion,
    timeoutSeconds: String(timeoutSeconds),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  }
  const headers = await headersOf(client.transport, client.context, metadataOnly ? { headers: metadataOf('PartialObjectMetadata') } : {})
  if (signal.aborted) throw reasonOf(signal)
  const { watches, basePath } = client.transport
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined
    let isOver = false
    const end = (error?: Error): void => {
      if (isOver) return
      isOver = true
      clearTimeout(watchdog)
      signal.removeEventListener('abort', stop)
      if (error === undefined) resolve()
      else reject(error)
      if (error !== undefined) controller?.abort(error)
    }
    const stop = (): void => end(reasonOf(signal))
    const isSilent = (): void => end(new KubeError(`the watch was silent for ${silenceMs} ms`, { status: 0, reason: 'Silent' }))
    const watchdog = setTimeout(isSilent, silenceMs)
    signal.addEventListener('abort', stop, { once: true })

    const decoder = new StringDecoder('utf8')
    const answer = { status: 0, retryAfter: undefined as string | string[] | undefined }
    let rest = ''
    // The raw handler, because a stream and its iterator would cost more than all that is done with an event here.
    watches.dispatch(
      { method: 'GET', path: withQuery(basePath + path, query), headers },
      {
        onRequestStart: (started) => {
          controller = started
          if (isOver) started.abort(new Error('the watch is over'))
        },
        onResponseStart: (_controller, status, { 'retry-after': retryAfter }) => {
          answer.status = status
          answer.retryAfter = retryAfter
        },
        onResponseData: (_controller, chunk) => {
          if (isOver) return
          watchdog.refresh()
          rest += decoder.write(chunk)
          const lastLine = answer.status === 200 ? rest.lastIndexOf('\n') : -1
          if (lastLine < 0) return
          const lines = rest.slice(0, lastLine).split('\n')
          rest = rest.slice(lastLine + 1)
          try {
            onEvents(lines.flatMap((line) => parseLine<T>(line)))
          } catch (error) {
            end(error instanceof Error ? error : new Error(String(error)))
          }
        },
        onResponseEnd: () => {
          if (answer.status !== 200) end(refusal('GET', path, answer.status, rest, answer.retryAfter))
          else if (rest.trim() === '') end()
          else end(new KubeError('the watch ended in the middle of an event', { status: 0, reason: 'Truncated' }))
        },
        onResponseError: (_controller, cause) => end(new KubeError('the watch was cut', { status: 0, reason: 'Reset', cause })),
      },
    )
  })
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
