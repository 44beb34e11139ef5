/**
 * The names of Models and Queues, from caches that are filled in the background.
 *
 * Guarantees: a question is answered at once from memory; before the first list has arrived the answer is "unknown", so an
 * outage of the API server silences warnings and delays nothing. Objects are cut down to the few fields that matter.
 */
import { allowedNamespaces, group, type KindDefinition, modelKind, queueKind, version } from '@mnemos/api'
import { type AllowedNamespaces, type Catalog, mayUse } from '@mnemos/domain'
import { type Client, createInformer, type Informer, type KubeObject, type Resource, resource } from '@mnemos/kube'
import type { Logger } from 'pino'
import { z } from 'zod'

/** A Model cut down to its name and who may use it. */
interface NamedModel extends KubeObject {
  readonly allowed?: AllowedNamespaces
}

const granting = z.object({ spec: z.object({ allowedNamespaces }) })

const byNamespace = 'namespace'

export interface LiveCatalog extends Catalog {
  /** Fills the caches until the signal. */
  run(signal: AbortSignal): Promise<void>
}

export function openCatalog(client: Client, logger: Logger): LiveCatalog {
  const models = createInformer({
    client,
    logger,
    resource: resource<NamedModel>(namesOf(modelKind)),
    transform: (model) => ({ ...bare(model), allowed: grantOf(model) }),
    indexes: { [byNamespace]: (model) => [model.metadata.namespace ?? ''] },
  })
  const queues = createInformer({ client, logger, resource: resource(namesOf(queueKind)), transform: bare })
  const namespaces = createInformer({
    client,
    logger,
    resource: resource({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false }),
    transform: (namespace) => ({ ...bare(namespace), metadata: { ...bare(namespace).metadata, labels: namespace.metadata.labels ?? {} } }),
  })
  const all: readonly Informer<KubeObject>[] = [models, queues, namespaces]
  return {
    models: (namespace, from) => {
      if (!models.hasSynced() || !namespaces.hasSynced()) return undefined
      const labels = namespaces.cache.get({ name: from })?.metadata.labels ?? {}
      return models.cache
        .byIndex(byNamespace, namespace)
        .filter((model) => mayUse(model.allowed ?? { from: 'Same' }, namespace, { name: from, labels }))
        .map((model) => model.metadata.name)
    },
    queues: () => (queues.hasSynced() ? queues.cache.list().map((queue) => queue.metadata.name) : undefined),
    run: async (signal) => {
      await Promise.all(all.map((informer) => informer.run(signal)))
    },
  }
}

/** A Model that cannot be read grants nothing. */
function grantOf(model: KubeObject): AllowedNamespaces {
  const parsed = granting.safeParse(model)
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
