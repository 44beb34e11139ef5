/**
 * What admission knows when all that it knows is written down: policies, Schemas, Models, Pipelines and namespaces as objects, from files or
 * from lists of the API server.
 *
 * Guarantees: pure; whatever cannot be read counts as the webhook would count it (a policy that does not compile refuses).
 * Names of Models and Queues are never missed: a file that is not there says nothing about a cluster.
 */
import { group } from '@mnemos/api'
import { mayUse } from '../allowed-namespaces.ts'
import { type CompiledPolicy, compilePolicy } from '../policies/compile.ts'
import { factsThroughAlias, grantOf, modelFactsOf } from '../policies/model-facts.ts'
import type { PolicyWorld } from '../policies/policy-world.ts'
import type { ModelFacts } from '../policies/subject.ts'
import { type AppliedSchema, appliedSchemaOf, withSchemas } from '../schemas/applied.ts'
import { readReviewed } from './admit.ts'
import { type Catalog, emptyCatalog } from './catalog.ts'
import { knownPipelineOf } from './known-pipeline.ts'
import type { ReviewContext, ReviewedObject } from './verdict.ts'

export interface WrittenWorldOptions extends Pick<PolicyWorld, 'findPii' | 'redactPii' | 'now'> {
  /** Where objects of namespaced kinds are that name no namespace. Default `default`. */
  readonly namespace?: string | undefined
  /** Accounts of our own processes. Default none. */
  readonly trustedUsers?: ReadonlySet<string>
}

type Labels = Readonly<Record<string, string>>

/** The context of reviews in a world that consists of these objects; those of other kinds are left alone. */
export function writtenWorld(objects: readonly unknown[], options: WrittenWorldOptions): ReviewContext {
  const { namespace: usual = 'default', trustedUsers = new Set<string>(), findPii, redactPii, now } = options
  const read = objects.flatMap((object) => readReviewed(object) ?? [])
  const ours = read.filter(({ apiVersion }) => apiVersion.startsWith(`${group}/`))
  const namespaceOf = ({ metadata }: ReviewedObject): string => metadata.namespace ?? usual
  const policies = ours
    .filter(({ kind }) => kind === 'Policy' || kind === 'ClusterPolicy')
    .map((each) => compiledAt(each, namespaceOf(each)))
    .toSorted(inOrder)
  const labels = new Map(
    read
      .filter(({ apiVersion, kind }) => apiVersion === 'v1' && kind === 'Namespace')
      .map(({ metadata }) => [metadata.name, metadata.labels]),
  )
  const namespaceLabels = (name: string): Labels => ({ 'kubernetes.io/metadata.name': name, ...labels.get(name) })
  const models = new Map(
    ours.filter(({ kind }) => kind === 'Model').map((model) => [`${namespaceOf(model)}/${model.metadata.name ?? ''}`, model]),
  )
  const pipelines = new Map(
    ours
      .filter(({ kind }) => kind === 'Pipeline')
      .map((each) => [`${namespaceOf(each)}/${each.metadata.name ?? ''}`, knownPipelineOf(each)]),
  )
  const catalog: Catalog = { ...emptyCatalog, pipeline: (namespace, name) => pipelines.get(`${namespace}/${name}`) }
  return {
    trustedUsers,
    catalog: withSchemas(catalog, ours.flatMap(schemaOf)),
    policies: {
      policiesOf: (namespace) => policies.filter(({ id }) => id.namespace === undefined || id.namespace === namespace),
      namespaceLabels,
      modelFacts: (namespace, name, from) => {
        const model = models.get(`${namespace}/${name}`)
        if (model === undefined || !mayUse(grantOf(model), namespace, { name: from, labels: namespaceLabels(from) })) return undefined
        const factsOf = (of: string): ModelFacts | undefined => modelFactsOf(models.get(`${namespace}/${of}`))
        const facts = factsOf(name)
        return facts === undefined ? undefined : factsThroughAlias(facts, factsOf)
      },
      ...{ findPii, redactPii, now },
    },
  }
}

/** As the webhook has them, so that a refusal reads the same. */
function inOrder({ id: a }: CompiledPolicy, { id: b }: CompiledPolicy): number {
  return a.kind.localeCompare(b.kind) || a.name.localeCompare(b.name)
}

function compiledAt({ kind, metadata: { name }, spec }: ReviewedObject, namespace: string): CompiledPolicy {
  return compilePolicy({ kind, metadata: { name, ...(kind === 'Policy' ? { namespace } : {}) }, spec })
}

function schemaOf({ kind, metadata: { name = '' }, spec, status }: ReviewedObject): readonly AppliedSchema[] {
  const applied = kind === 'Schema' ? appliedSchemaOf({ metadata: { name }, spec, status }) : undefined
  return applied === undefined ? [] : [applied]
}
