/**
 * Which models the workers of a pool are to hold ready: those that the pool serves, then those that its spec names. Said once to
 * each stream, and again when the list changes. A worker that makes nothing of it still works.
 */
import type { Model } from '@mnemos/api'
import { type AssignedModel, assignedModelOf, encodeModel, operatorMessage } from '@mnemos/contract'
import { mayUse } from '@mnemos/domain'
import type { AssignmentSigner } from '@mnemos/identity'
import { keyOf, nameOfKey, type Reader } from '@mnemos/kube'
import { models, namespaces, pools } from '../resources.ts'
import type { Session } from './sessions.ts'

export interface PreloadContext {
  readonly reader: Reader
  readonly signer: AssignmentSigner
  readonly serverUrl: string
  readonly epoch: bigint
}

/** A worker fetches as soon as it is told; a new stream gets a new token. */
const tokenSeconds = 6 * 3600

/** Tells a worker which models to hold ready, unless it knows. @throws when the token cannot be signed */
export async function tellPreload({ reader, signer, serverUrl, epoch }: PreloadContext, session: Session): Promise<void> {
  const wanted = modelsFor(reader, session.poolKey)
  const key = JSON.stringify(wanted)
  const { send } = session
  if (send === undefined || key === (session.preloaded ?? '[]')) return
  session.preloaded = key
  const { namespace = '' } = nameOfKey(session.poolKey)
  const reads = wanted.map(({ artifact }) => artifact)
  const token = await signer.sign({ uid: `preload/${session.poolKey}`, attempt: 0, namespace, job: '', reads, writes: [] }, tokenSeconds)
  send(operatorMessage(epoch, { case: 'preload', value: { token, serverUrl, models: wanted.map(encodeModel) } }))
}

function modelsFor(reader: Reader, poolKey: string): AssignedModel[] {
  const pool = reader.get(pools, nameOfKey(poolKey))
  if (pool === undefined) return []
  const home = pool.metadata.namespace ?? ''
  const isAllowed = (allowed: Model['spec']['allowedNamespaces'], of: string, namespace: string): boolean =>
    mayUse(allowed, of, { name: namespace, labels: reader.get(namespaces, { name: namespace })?.metadata.labels ?? {} })
  const served = reader
    .byIndex(models, 'pool', poolKey)
    .filter(({ metadata }) => isAllowed(pool.spec.allowedNamespaces, home, metadata.namespace ?? ''))
  const named = (pool.spec.models ?? []).flatMap(({ name, namespace = home }) => reader.get(models, { name, namespace }) ?? [])
  const lent = named.filter(({ metadata, spec }) => isAllowed(spec.allowedNamespaces, metadata.namespace ?? '', home))
  const byKey = new Map([...inOrder(served), ...lent].map((model) => [keyOf(model.metadata), assignedModelOf(model)]))
  return [...byKey.values()]
    .filter((model) => model !== undefined)
    .filter(({ engine }) => pool.spec.engines.some((each) => each === engine))
}

function inOrder(list: readonly Model[]): readonly Model[] {
  return [...list].sort((a, b) => (keyOf(a.metadata) < keyOf(b.metadata) ? -1 : 1))
}
