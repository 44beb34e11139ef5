/**
 * The names of Models, WorkerPools and Queues, from caches that are filled in the background.
 *
 * Guarantees: a question is answered at once from memory; before the first list has arrived the answer is "unknown", so an
 * outage of the API server silences warnings and delays nothing. Objects are cut down to the few fields that matter.
 */
import { allowedNamespaces, group, type KindDefinition, modelKind, queueKind, version, workerPoolKind } from '@mnemos/api'
import { type AllowedNamespaces, type Catalog, mayUse } from '@mnemos/domain'
import { type Client, createInformer, type Informer, type KubeObject, type Resource, resource } from '@mnemos/kube'
import type { Logger } from 'pino'
import { z } from 'zod'

/** A Model or WorkerPool cut down to its name and who may use it. */
interface Lent extends KubeObject {
  readonly allowed?: AllowedNamespaces
}

const granting = z.object({ spec: z.object({ allowedNamespaces }) })

const byNamespace = 'namespace'

export interface LiveCatalog extends Catalog {
  /** Fills the caches until the signal. */
  run(signal: AbortSignal): Promise<void>
}

export function openCatalog(client: Client, logger: Logger): LiveCatalog {
  const lentOf = (kind: Parameters<typeof namesOf>[0]): Informer<Lent> =>
    createInformer({
      client,
      logger,
      resource: resource<Lent>(namesOf(kind)),
      transform: (object) => ({ ...bare(object), allowed: grantOf(object) }),
      indexes: { [byNamespace]: (object) => [object.metadata.namespace ?? ''] },
    })
  const models = lentOf(modelKind)
  const pools = lentOf(workerPoolKind)
  const queues = createInformer({ client, logger, resource: resource(namesOf(queueKind)), transform: bare })
  const namespaces = createInformer({
    client,
    logger,
    resource: resource({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false }),
    transform: (namespace) => ({ ...bare(namespace), metadata: { ...bare(namespace).metadata, labels: namespace.metadata.labels ?? {} } }),
  })
  const all: readonly Informer<KubeObject>[] = [models, pools, queues, namespaces]
  const lentTo = (lent: Informer<Lent>, namespace: string, from: string): readonly string[] | undefined => {
    if (!lent.hasSynced() || !namespaces.hasSynced()) return undefined
    const labels = namespaces.cache.get({ name: from })?.metadata.labels ?? {}
    return lent.cache
      .byIndex(byNamespace, namespace)
      .filter(({ allowed }) => mayUse(allowed ?? { from: 'Same' }, namespace, { name: from, labels }))
      .map(({ metadata }) => metadata.name)
  }
  return {
    models: (namespace, from) => lentTo(models, namespace, from),
    pools: (namespace, from) => lentTo(pools, namespace, from),
    queues: () => (queues.hasSynced() ? queues.cache.list().map((queue) => queue.metadata.name) : undefined),
    run: async (signal) => {
      await Promise.all(all.map((informer) => informer.run(signal)))
    },
  }
}

/** What cannot be read grants nothing. */
function grantOf(object: KubeObject): AllowedNamespaces {
  const parsed = granting.safeParse(object)
  return parsed.success ? parsed.data.spec.allowedNamespaces : { from: 'Same' }
}

function bare({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion } = metadata
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

function namesOf({ plural, kind, scope }: KindDefinition<z.ZodObject, z.ZodObject>): Resource {
  return { group, version, plural, kind, namespaced: scope === 'Namespaced' }
}
