/**
 * Which objects were really stored after they were admitted: by the API server's own word, whoever has a say after us.
 *
 * Guarantees: each object whose storing was expected here is told once it is seen, also when it is gone again by then. Watches
 * metadata alone, and nothing at all until somebody expects something. An object that comes and goes while a watch is
 * interrupted is not seen.
 */
import { type Client, type Clock, createInformer, type Informer, type KubeObject } from '@mnemos/kube'
import type { Logger } from 'pino'
import { policedResources } from './policed-resources.ts'

export interface StoredObjects {
  /** Tells when the object of this UID is stored. */
  expect(uid: string): void
  /** Whether the object of this UID is there, or was a moment ago. Of what was never watched nothing is known, and a watch begins. */
  wasStored(uid: string): boolean
  /** Watches until the signal, from when something is expected on. */
  run(signal: AbortSignal): Promise<void>
}

export interface StoredObjectsOptions {
  readonly client: Client
  readonly clock: Clock
  readonly logger: Logger
  /** How long an object is expected, and remembered after it is gone, in ms. */
  readonly patienceMs: number
  readonly onStored: (uid: string) => void
}

/** More than this at once are not waited for; they are found by asking for each other's charges. */
const maxExpected = 100_000

export function watchStoredObjects({ client, clock, logger, patienceMs, onStored }: StoredObjectsOptions): StoredObjects {
  const informers = Object.values(policedResources).map((resource) =>
    createInformer({ client, clock, logger, resource, metadataOnly: true, transform: bare }),
  )
  /** UIDs with the time until which they matter, in that order. */
  const expected = new Map<string, number>()
  const gone = new Map<string, number>()
  let begin = (): void => undefined
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const keep = (uids: Map<string, number>, uid: string): void => {
    const now = clock.monotonic()
    for (const [old, until] of uids) {
      if (until > now && uids.size < maxExpected) break
      uids.delete(old)
    }
    uids.set(uid, now + patienceMs)
  }
  const seen = (uid: string): void => {
    if (expected.delete(uid)) onStored(uid)
  }
  const isThere = (uid: string): boolean => informers.some(({ cache }) => cache.byUid(uid) !== undefined)
  for (const informer of informers) {
    informer.onChange(({ type, object: { metadata } }) => {
      if (metadata.uid === undefined) return
      seen(metadata.uid)
      if (type === 'deleted') keep(gone, metadata.uid)
    })
  }
  return {
    expect: (uid) => {
      begin()
      keep(expected, uid)
      if (isThere(uid)) seen(uid)
    },
    wasStored: (uid) => {
      begin()
      return isThere(uid) || gone.has(uid)
    },
    run: async (signal) => {
      await Promise.race([begun, aborted(signal)])
      const all: readonly Informer<KubeObject>[] = informers
      if (!signal.aborted) await Promise.all(all.map((informer) => informer.run(signal)))
    },
  }
}

function bare({ apiVersion, kind, metadata: { name, namespace, uid, resourceVersion } }: KubeObject): KubeObject {
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
