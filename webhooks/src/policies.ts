/**
 * The policies in force, compiled, from caches that are filled in the background.
 *
 * Guarantees: questions are answered at once from memory; a policy is compiled once for each of its versions. Until the first
 * lists have arrived `isKnown` is false, and whoever asks must refuse: policies that were not read yet are no permission.
 */
import { clusterPolicyKind, group, policyKind, version } from '@mnemos/api'
import { type CompiledPolicy, compilePolicy, type PolicyWorld } from '@mnemos/domain'
import { type Client, type Clock, createInformer, type Informer, type KubeObject, resource } from '@mnemos/kube'
import type { Logger } from 'pino'
import type { LiveCatalog } from './catalog.ts'
import type { Namespaces } from './namespaces.ts'

interface StoredPolicy extends KubeObject {
  readonly spec?: unknown
}

export interface LivePolicies extends PolicyWorld {
  /** Whether all policies and namespaces are known. */
  isKnown(): boolean
  /** Resolves once they are. @throws when the signal aborts first */
  known(signal: AbortSignal): Promise<void>
  /** Fills the caches until the signal. */
  run(signal: AbortSignal): Promise<void>
}

export interface PoliciesOptions {
  readonly client: Client
  readonly logger: Logger
  readonly clock: Clock
  readonly catalog: LiveCatalog
  readonly namespaces: Pick<Namespaces, 'labelsOf'>
  readonly pii: Pick<PolicyWorld, 'findPii' | 'redactPii'>
}

const byNamespace = 'namespace'

export function openPolicies({ client, logger, clock, catalog, namespaces, pii }: PoliciesOptions): LivePolicies {
  const own = createInformer<StoredPolicy>({
    client,
    logger,
    resource: resource({ group, version, plural: policyKind.plural, kind: policyKind.kind, namespaced: true }),
    transform: withoutStatus,
    indexes: { [byNamespace]: ({ metadata }) => [metadata.namespace ?? ''] },
  })
  const ofCluster = createInformer<StoredPolicy>({
    client,
    logger,
    resource: resource({ group, version, plural: clusterPolicyKind.plural, kind: clusterPolicyKind.kind, namespaced: false }),
    transform: withoutStatus,
  })
  const compiled = new WeakMap<StoredPolicy, CompiledPolicy>()
  const compiledOf = (policy: StoredPolicy): CompiledPolicy => {
    const known = compiled.get(policy)
    if (known !== undefined) return known
    const fresh = compilePolicy(policy)
    const names = { kind: policy.kind, namespace: policy.metadata.namespace, name: policy.metadata.name }
    if (fresh.problems.length > 0) logger.error({ ...names, problems: fresh.problems }, 'a stored policy does not compile')
    compiled.set(policy, fresh)
    return fresh
  }
  const lists = new Map<string | undefined, readonly CompiledPolicy[]>()
  for (const informer of [own, ofCluster]) informer.onChange(() => lists.clear())
  return {
    findPii: (text, entities) => pii.findPii(text, entities),
    redactPii: (text, entities) => pii.redactPii(text, entities),
    policiesOf: (namespace) => {
      const known = lists.get(namespace)
      if (known !== undefined) return known
      const found = inOrder([...ofCluster.cache.list(), ...(namespace === undefined ? [] : own.cache.byIndex(byNamespace, namespace))])
      const list = found.map(compiledOf)
      lists.set(namespace, list)
      return list
    },
    namespaceLabels: (namespace) => namespaces.labelsOf(namespace) ?? {},
    modelFacts: (namespace, name, from) => catalog.modelFacts(namespace, name, from),
    now: () => clock.now(),
    isKnown: () => own.hasSynced() && ofCluster.hasSynced() && catalog.knowsNamespaces(),
    known: async (signal) => {
      await Promise.all([own.synced(signal), ofCluster.synced(signal), catalog.namespacesKnown(signal)])
    },
    run: async (signal) => {
      const both: readonly Informer<StoredPolicy>[] = [own, ofCluster]
      await Promise.all(both.map((informer) => informer.run(signal)))
    },
  }
}

/** By name, ClusterPolicies first, so that a refusal reads the same each time. */
function inOrder(policies: readonly StoredPolicy[]): readonly StoredPolicy[] {
  return policies.toSorted((a, b) => a.kind.localeCompare(b.kind) || a.metadata.name.localeCompare(b.metadata.name))
}

/** A status changes with every scan and says nothing to admission. */
function withoutStatus({ apiVersion, kind, metadata, spec }: StoredPolicy): StoredPolicy {
  const { name, namespace, uid, resourceVersion, generation } = metadata
  const kept = { name, ...(namespace === undefined ? {} : { namespace }), ...(uid === undefined ? {} : { uid }) }
  return {
    apiVersion,
    kind,
    metadata: {
      ...kept,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(generation === undefined ? {} : { generation }),
    },
    spec,
  }
}
