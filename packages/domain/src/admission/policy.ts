/** What the schema of a Policy or ClusterPolicy cannot say: that each of its rules can be judged. */
import { apiVersion, type Finding, judge, parseTime } from '@mnemos/api'
import { compilePolicy } from '../policies/compile.ts'
import { fieldOf, itemsOf, textOf } from '../reading.ts'
import type { ReviewContext, ReviewRequest } from './verdict.ts'

/** Why the policy does not compile. What its schema refuses, the schema's own findings say better. */
export function policyFindings({ kind, object }: ReviewRequest): readonly Finding[] {
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
