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
  while (current !== undefined && !signal.aborted) {
    yield current
    try {
      for await (const seen of watched(client, resource, current, signal)) {
        failures = 0
        if (seen === 'gone') return
        current = seen
        yield seen
      }
    } catch (error) {
      if (signal.aborted) return
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

/** The changes that one watch tells, the newest of those that came while the reader was busy. */
async function* watched<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  from: T,
  signal: AbortSignal,
): AsyncGenerator<T | 'gone'> {
  const { name, namespace, uid, resourceVersion = '' } = from.metadata
  const turn = new AbortController()
  let [latest, isGone, hasEnded]: [T | undefined, boolean, boolean] = [undefined, false, false]
  let failure: unknown
  let news = Promise.withResolvers<undefined>()
  const ending = watch<T>(
    client,
    resource,
    {
      ...(namespace === undefined ? {} : { namespace }),
      ...{ fieldSelector: `metadata.name=${name}`, resourceVersion, timeoutSeconds: watchSeconds, silenceMs },
      signal: AbortSignal.any([signal, turn.signal]),
    },
    (events) => {
      for (const { type, object } of events) {
        if (type === 'BOOKMARK') continue
        if (type === 'DELETED' || object.metadata.uid !== uid) isGone = true
        else latest = object
      }
      news.resolve(undefined)
    },
  )
    .catch((error: unknown) => {
      failure = error
    })
    .finally(() => {
      hasEnded = true
      news.resolve(undefined)
    })
  try {
    for (;;) {
      await news.promise
      news = Promise.withResolvers()
      const object = latest
      latest = undefined
      if (object !== undefined) yield object
      if (isGone) yield 'gone'
      if (hasEnded && latest === undefined) break
    }
    if (failure !== undefined) throw failure
  } finally {
    turn.abort()
    await ending
  }
}

/** What trying again does not mend. */
function isFinal(error: KubeError): boolean {
  return error.status >= 400 && error.status < 500 && error.status !== 429 && !isExpired(error)
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}
