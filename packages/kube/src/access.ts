/**
 * What a process asks of the API server, as data: each process declares it beside its code, and its RBAC rules follow from
 * that, so that neither can be changed without the other.
 */
import type { Resource } from './types.ts'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'patch' | 'delete'

export interface Access {
  readonly resource: Pick<Resource, 'group' | 'plural'>
  readonly subresource?: string
  readonly verbs: readonly Verb[]
  /** Only objects of these names. RBAC cannot tell a name for `create`, `list` and `watch`. */
  readonly names?: readonly string[]
  /** Where: everywhere, or only in the namespace of the system itself. */
  readonly scope: 'cluster' | 'system'
}

/** A rule as a Role or ClusterRole carries it. */
export interface PolicyRule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly Verb[]
}

/** What an informer does. */
export const watched = ['list', 'watch'] as const
/** Server-side apply: a patch, which is allowed to create only with `create` too. */
export const applied = ['create', 'patch'] as const

/** The rules of one scope, sorted, those for the same resources and names as one. */
export function policyRules(access: readonly Access[], scope: Access['scope']): readonly PolicyRule[] {
  const rules = new Map<string, { rule: PolicyRule; verbs: Set<Verb> }>()
  for (const { resource, subresource, verbs, names } of access.filter((each) => each.scope === scope)) {
    const plural = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`
    for (const verb of verbs) {
      // A name says nothing about an object that is not there yet.
      const resourceNames = verb === 'create' ? undefined : names
      const key = JSON.stringify([resource.group, plural, resourceNames ?? []])
      const entry = rules.get(key) ?? {
        rule: { apiGroups: [resource.group], resources: [plural], ...(resourceNames === undefined ? {} : { resourceNames }), verbs: [] },
        verbs: new Set(),
      }
      entry.verbs.add(verb)
      rules.set(key, entry)
    }
  }
  return [...rules].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { rule, verbs }]) => ({ ...rule, verbs: [...verbs].sort() }))
}
