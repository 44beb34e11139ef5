/**
 * The names of Models, WorkerPools, Queues and Pipelines, what runs are held to, and what policies ask of Models and namespaces, from caches
 * that are filled in the background.
 *
 * Guarantees: a question is answered at once from memory; before the first list has arrived the answer is "unknown", so an
 * outage of the API server silences warnings and delays nothing. Objects are cut down to the few fields that matter.
 */
import {
  group,
  type KindDefinition,
  labelSelector,
  modelKind,
  type Priority,
  pipelineKind,
  priorities,
  queueKind,
  schemaKind,
  version,
  workerPoolKind,
} from '@mnemos/api'
import {
  type AllowedNamespaces,
  type AppliedSchema,
  appliedSchemaOf,
  type Catalog,
  factsThroughAlias,
  grantOf,
  type KnownPipeline,
  knownPipelineOf,
  type ModelFacts,
  mayUse,
  modelFactsOf,
  selects,
} from '@mnemos/domain'
import { type Client, createInformer, type Informer, type KubeObject, type Resource, resource } from '@mnemos/kube'
import type { Logger } from 'pino'
import { z } from 'zod'

/** A Model or WorkerPool cut down to its name, who may use it and, of a Model, its facts. */
interface Lent extends KubeObject {
  readonly allowed?: AllowedNamespaces
  readonly facts?: ModelFacts | undefined
}

/** A Queue cut down to its name, whose Jobs it takes and how urgent they may be. */
interface Selecting extends KubeObject {
  readonly selector?: AllowedNamespaces['selector']
  readonly maxPriority?: Priority | undefined
}

const selecting = z.object({ spec: z.object({ namespaceSelector: labelSelector.optional(), maxPriority: z.enum(priorities).optional() }) })
/** A Schema cut down to the version in force, compiled. */
interface Applied extends KubeObject {
  readonly applied?: AppliedSchema | undefined
}

/** A Pipeline cut down to what runs are held to. */
interface Declaring extends KubeObject {
  readonly known?: KnownPipeline
}

const byNamespace = 'namespace'

export interface LiveCatalog extends Catalog {
  /** Fills the caches until the signal. */
  run(signal: AbortSignal): Promise<void>
  /** Whether the namespaces are known; until then no selector of namespaces can be told to miss. */
  knowsNamespaces(): boolean
  /** Resolves once they are. @throws when the signal aborts first */
  namespacesKnown(signal: AbortSignal): Promise<void>
  /** Labels of a namespace; undefined when the cache has not seen it. */
  labelsOf(namespace: string): Readonly<Record<string, string>> | undefined
  /** Facts of a Model that `from` may use. */
  modelFacts(namespace: string, name: string, from: string): ModelFacts | undefined
}

export function openCatalog(client: Client, logger: Logger): LiveCatalog {
  const lentOf = (kind: Parameters<typeof namesOf>[0]): Informer<Lent> =>
    createInformer({
      client,
      logger,
      resource: resource<Lent>(namesOf(kind)),
      transform: (object) => ({ ...bare(object), allowed: grantOf(object), facts: modelFactsOf(object) }),
      indexes: { [byNamespace]: (object) => [object.metadata.namespace ?? ''] },
    })
  const models = lentOf(modelKind)
  const pools = lentOf(workerPoolKind)
  const queues = createInformer({
    client,
    logger,
    resource: resource<Selecting>(namesOf(queueKind)),
    transform: (queue) => {
      const { namespaceSelector, maxPriority } = selecting.safeParse(queue).data?.spec ?? {}
      return { ...bare(queue), selector: namespaceSelector, maxPriority }
    },
  })
  const schemas = createInformer({
    client,
    logger,
    resource: resource<Applied>(namesOf(schemaKind)),
    transform: (object) => ({ ...bare(object), applied: appliedSchemaOf(object) }),
  })
  const pipelines = createInformer({
    client,
    logger,
    resource: resource<Declaring>(namesOf(pipelineKind)),
    transform: (object) => ({ ...bare(object), known: knownPipelineOf(object) }),
    indexes: { [byNamespace]: (object) => [object.metadata.namespace ?? ''] },
  })
  const namespaces = createInformer({
    client,
    logger,
    resource: resource({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false }),
    transform: (namespace) => ({ ...bare(namespace), metadata: { ...bare(namespace).metadata, labels: namespace.metadata.labels ?? {} } }),
  })
  const all: readonly Informer<KubeObject>[] = [models, pools, queues, schemas, pipelines, namespaces]
  const labelsOf = (from: string): Readonly<Record<string, string>> => namespaces.cache.get({ name: from })?.metadata.labels ?? {}
  const lentTo = (lent: Informer<Lent>, namespace: string, from: string): readonly string[] | undefined => {
    if (!lent.hasSynced() || !namespaces.hasSynced()) return undefined
    const labels = labelsOf(from)
    return lent.cache
      .byIndex(byNamespace, namespace)
      .filter(({ allowed }) => mayUse(allowed ?? { from: 'Same' }, namespace, { name: from, labels }))
      .map(({ metadata }) => metadata.name)
  }
  return {
    models: (namespace, from) => lentTo(models, namespace, from),
    pools: (namespace, from) => lentTo(pools, namespace, from),
    queues: (from) => {
      if (!queues.hasSynced() || !namespaces.hasSynced()) return undefined
      const labels = labelsOf(from)
      return queues.cache
        .list()
        .filter(({ selector }) => selects(selector, { name: from, labels }))
        .map(({ metadata }) => metadata.name)
    },
    maxPriority: (name, from) => {
      const queue = queues.cache.get({ name })
      return queue !== undefined && selects(queue.selector, { name: from, labels: labelsOf(from) }) ? queue.maxPriority : undefined
    },
    pipelines: (namespace) =>
      pipelines.hasSynced() ? pipelines.cache.byIndex(byNamespace, namespace).map(({ metadata }) => metadata.name) : undefined,
    pipeline: (namespace, name) => pipelines.cache.get({ namespace, name })?.known,
    schemas: (kind) => {
      if (!schemas.hasSynced()) return undefined
      return schemas.cache.list().flatMap(({ applied }) => (applied?.appliesTo.some((target) => target.kind === kind) ? [applied] : []))
    },
    knowsNamespaces: () => namespaces.hasSynced(),
    namespacesKnown: (signal) => namespaces.synced(signal),
    labelsOf: (namespace) => namespaces.cache.get({ name: namespace })?.metadata.labels,
    modelFacts: (namespace, name, from) => {
      const model = models.cache.get({ namespace, name })
      if (model?.facts === undefined || !mayUse(model.allowed ?? { from: 'Same' }, namespace, { name: from, labels: labelsOf(from) }))
        return undefined
      // Who may use an alias may use what it leads to: both are of one namespace.
      return factsThroughAlias(model.facts, (target) => models.cache.get({ namespace, name: target })?.facts)
    },
    run: async (signal) => {
      await Promise.all(all.map((informer) => informer.run(signal)))
    },
  }
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
