/**
 * One object as it changes, watched as whoever asks: each version that is seen, until the object is gone.
 *
 * Guarantees: a reader that is slow misses versions in between and never the last one; a watch that ends, is cut or is too old is taken up
 * again, from what the object is then; what the cluster refuses is thrown.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, isExpired, KubeError, type KubeObject, type Resource, watch } from '@mnemos/kube'

/** Load balancers cut what is silent for a minute; a watch is asked for anew before. */
const watchSeconds = 50
const silenceMs = 60_000
const pauseMs = [500, 1000, 2000, 5000]

/** @param first as it was read just now; it is told first. */
export async function* followObject<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  first: T,
  signal: AbortSignal,
): AsyncGenerator<T> {
  let current: T | undefined = first
  let failures = 0
  const isStopped = (): boolean => signal.aborted
  while (current !== undefined && !isStopped()) {
    yield current
    try {
      for await (const seen of watched(client, resource, current, signal)) {
        failures = 0
        if (seen === 'gone') return
        current = seen
        yield seen
      }
    } catch (error) {
      if (isStopped()) return
      if (!(error instanceof KubeError) || isFinal(error)) throw error
      await pause(pauseMs[Math.min(failures, pauseMs.length - 1)] ?? 0, signal)
      failures += 1
    }
    current = await again(client, resource, current, signal)
  }
}

/** The object now; as it was while nobody answers. */
async function again<T extends KubeObject>(client: Client, resource: Resource<T>, last: T, signal: AbortSignal): Promise<T | undefined> {
  try {
    const found = await client.get(resource, last.metadata, { signal })
    return found?.metadata.uid === last.metadata.uid ? found : undefined
  } catch (error) {
    if (signal.aborted) return undefined
    if (error instanceof KubeError && !isFinal(error)) return last
    throw error
  }
}

/** What a watch has told and its reader has not taken yet. */
interface News<T> {
  latest: T | undefined
  isGone: boolean
  ended: { readonly error?: Error } | undefined
  wake: () => void
}

/** The changes that one watch tells, the newest of those that came while the reader was busy. */
async function* watched<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  from: T,
  signal: AbortSignal,
): AsyncGenerator<T | 'gone'> {
  const turn = new AbortController()
  const news: News<T> = { latest: undefined, isGone: false, ended: undefined, wake: () => undefined }
  const ending = watchInto(news, { client, resource, from }, AbortSignal.any([signal, turn.signal]))
  try {
    for (;;) {
      const { latest, isGone, ended } = news
      news.latest = undefined
      if (latest !== undefined) yield latest
      else if (isGone) yield 'gone'
      else if (ended === undefined) await new Promise<void>((resolve) => (news.wake = resolve))
      else if (ended.error === undefined) return
      else throw ended.error
    }
  } finally {
    turn.abort()
    await ending
  }
}

/** Never throws: how it ended is part of the news. */
async function watchInto<T extends KubeObject>(
  news: News<T>,
  { client, resource, from }: { readonly client: Client; readonly resource: Resource<T>; readonly from: T },
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace, uid, resourceVersion = '' } = from.metadata
  const options = { fieldSelector: `metadata.name=${name}`, resourceVersion, timeoutSeconds: watchSeconds, silenceMs, signal }
  try {
    await watch<T>(client, resource, { ...options, ...(namespace === undefined ? {} : { namespace }) }, (events) => {
      for (const { type, object } of events) {
        if (type === 'BOOKMARK') continue
        if (type === 'DELETED' || object.metadata.uid !== uid) news.isGone = true
        else news.latest = object
      }
      news.wake()
    })
    news.ended = {}
  } catch (error) {
    news.ended = { error: error instanceof Error ? error : new Error(String(error)) }
  }
  news.wake()
}

/** What trying again does not mend. */
function isFinal(error: KubeError): boolean {
  return error.status >= 400 && error.status < 500 && error.status !== 429 && !isExpired(error)
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}
