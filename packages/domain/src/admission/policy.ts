/** What the schema of a Policy or ClusterPolicy cannot say: that each of its rules can be judged, and that there are not too many. */
import { about, apiVersion, type Finding, judge, parseTime } from '@mnemos/api'
import { compilePolicy } from '../policies/compile.ts'
import { fieldOf, itemsOf, textOf } from '../reading.ts'
import type { ReviewContext, ReviewRequest } from './verdict.ts'

/** Most Policies of a namespace, and most ClusterPolicies: each of them is asked at every request, with up to 16 rules. */
export const maxPolicies = { Policy: 64, ClusterPolicy: 128 } as const

export function policyFindings(request: ReviewRequest, context: ReviewContext): readonly Finding[] {
  return [...compileFindings(request), ...tooMany(request, context)]
}

/**
 * Webhooks are shared by all, and a namespace must not make them slow. Two that come at the same moment may both pass: the bound is
 * for the time of a review and guards nothing else.
 */
function tooMany({ kind, operation, namespace, object }: ReviewRequest, { policies }: ReviewContext): readonly Finding[] {
  if (operation !== 'CREATE' || (kind !== 'Policy' && kind !== 'ClusterPolicy')) return []
  const others = policies.policiesOf(namespace).filter(({ id }) => id.kind === kind && id.name !== object?.metadata.name)
  if (others.length < maxPolicies[kind]) return []
  const place = kind === 'Policy' ? `namespace ${namespace ?? ''}` : 'the cluster'
  const [many, suggestion] = [
    kind === 'Policy' ? 'Policies' : 'ClusterPolicies',
    'put rules of several into one, which takes 16, or delete one',
  ]
  return [about(['metadata', 'name'], 'forbidden', `${place} has ${others.length} ${many} already, the most there may be`, suggestion)]
}

/** Why the policy does not compile. What its schema refuses, the schema's own findings say better. */
function compileFindings({ kind, object }: ReviewRequest): readonly Finding[] {
  if (object === undefined || judge(kind, { apiVersion, kind, metadata: { name: 'any' }, spec: object.spec }).length > 0) return []
  return compilePolicy({ kind, metadata: object.metadata, spec: object.spec }).problems
}

/** Exceptions that have ended are of no effect; nobody should believe they are. */
export function policyWarnings({ object }: ReviewRequest, { policies }: ReviewContext): readonly string[] {
  const now = policies.now()
  return itemsOf(fieldOf(object?.spec, 'exceptions')).flatMap((exception, index) => {
    const expiresAt = textOf(fieldOf(exception, 'expiresAt')) ?? ''
    return (parseTime(expiresAt) ?? 0) > now ? [] : [`spec.exceptions[${index}] ended at ${expiresAt} and lifts nothing`]
  })
}
