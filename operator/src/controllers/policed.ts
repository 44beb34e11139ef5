/** What policies may know of an object, from the caches of the operator. */
import type { Job, Model, PersonalDataActions } from '@mnemos/api'
import {
  type CompiledPolicy,
  compilePolicy,
  enforcedAgainst,
  factsThroughAlias,
  type ModelFacts,
  mayUse,
  type PolicyObject,
  personalDataActions,
  type Scanned,
} from '@mnemos/domain'
import type { Reader } from '@mnemos/kube'
import { clusterPolicies, models, namespaces, policies } from '../resources.ts'

/** Objects of a cache are never changed, only replaced. */
const compiled = new WeakMap<PolicyObject, CompiledPolicy>()

export function compiledOf(policy: PolicyObject): CompiledPolicy {
  const known = compiled.get(policy) ?? compilePolicy(policy)
  compiled.set(policy, known)
  return known
}

/** What an Enforce policy has against a Model as it is known now. */
export function violationOf(reader: Reader, model: Model, now: number): string | undefined {
  const found = policiesOf(reader, model.metadata.namespace)
  return found.length === 0 ? undefined : enforcedAgainst(found, scannedOf(reader, model), now)
}

/** What policies say now about personal data in the input and the output of a Job. */
export function personalDataOf(reader: Reader, job: Job, now: number): PersonalDataActions | undefined {
  const found = policiesOf(reader, job.metadata.namespace)
  return found.length === 0 ? undefined : personalDataActions(scannedOf(reader, job), found, now)
}

function policiesOf(reader: Reader, namespace: string | undefined): readonly CompiledPolicy[] {
  const own = reader.list(policies).filter(({ metadata }) => metadata.namespace === namespace)
  return [...reader.list(clusterPolicies), ...own].map(compiledOf)
}

export function scannedOf(reader: Reader, object: Scanned['object']): Scanned {
  const { namespace } = object.metadata
  return {
    object,
    namespaceLabels: namespace === undefined ? {} : labelsOf(reader, namespace),
    modelFacts: (of, name) => factsOf(reader, of, name, namespace ?? ''),
  }
}

function labelsOf(reader: Reader, namespace: string): Scanned['namespaceLabels'] {
  return reader.get(namespaces, { name: namespace })?.metadata.labels ?? {}
}

/** Facts of a Model that Jobs of `from` may use. */
function factsOf(reader: Reader, namespace: string, name: string, from: string): ModelFacts | undefined {
  const model = reader.get(models, { namespace, name })
  if (model === undefined || !mayUse(model.spec.allowedNamespaces, namespace, { name: from, labels: labelsOf(reader, from) }))
    return undefined
  // Who may use an alias may use what it leads to: both are of one namespace.
  return factsThroughAlias(plainFactsOf(model), (target) => {
    const found = reader.get(models, { namespace, name: target })
    return found === undefined ? undefined : plainFactsOf(found)
  })
}

function plainFactsOf({ spec, status }: Model): ModelFacts {
  const { source, license } = spec
  return {
    uri: source.uri,
    digest: source.digest,
    license: license ?? status?.resolved?.license,
    isImported: status?.digest !== undefined,
  }
}
