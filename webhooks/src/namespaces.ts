/**
 * Looks a namespace up that the cache has not seen: one that was made a moment ago is under the same policies as all others.
 *
 * What was found is kept until the cache has it, for a minute at most; so is that there is none.
 */
import { type Client, type Clock, type KubeObject, resource } from '@mnemos/kube'

type Labels = Readonly<Record<string, string>>

export interface Namespaces {
  labelsOf(namespace: string): Labels | undefined
  /** Nothing to wait for when the labels are known. @throws when nobody answers */
  learn(namespace: string, waitMs: number): Promise<void> | undefined
}

const keptMs = 60_000
const maxKept = 1000
const namespaces = resource<KubeObject>({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false })

/** @param cached labels of a namespace that the cache has seen */
export function createNamespaces(client: Client, clock: Clock, cached: (namespace: string) => Labels | undefined): Namespaces {
  const looked = new Map<string, { readonly until: number; readonly labels: Labels }>()
  const kept = (namespace: string): Labels | undefined => {
    const entry = looked.get(namespace)
    return entry !== undefined && entry.until > clock.monotonic() ? entry.labels : undefined
  }
  const lookUp = async (namespace: string, waitMs: number): Promise<void> => {
    const found = await client.get(namespaces, { name: namespace }, { signal: AbortSignal.timeout(waitMs) })
    if (looked.size >= maxKept) looked.clear()
    looked.set(namespace, { until: clock.monotonic() + keptMs, labels: found?.metadata.labels ?? {} })
  }
  return {
    labelsOf: (namespace) => cached(namespace) ?? kept(namespace),
    learn: (namespace, waitMs) => ((cached(namespace) ?? kept(namespace)) ? undefined : lookUp(namespace, waitMs)),
  }
}
