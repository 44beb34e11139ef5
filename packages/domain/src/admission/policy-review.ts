/**
 * What the policies say to one request: what they refuse, rewrite, warn of and record.
 *
 * An update is held only to what it makes wrong. Redaction happens before the object is stored, so what would have been
 * refused is looked for in the text as it came; afterwards only placeholders are left to find.
 */
import { group } from '@mnemos/api'
import { isSameViolation, judgePolicies, matchedRateLimits, type Violation } from '../policies/judge-policies.ts'
import type { RateLimitRule } from '../policies/rate-limit.ts'
import { type PolicySubject, type Requester, subjectOf } from '../policies/subject.ts'
import { fieldOf, isSameJson } from '../reading.ts'
import { requesterAnnotation } from './requester.ts'
import type { ReviewContext, ReviewedObject, ReviewRequest } from './verdict.ts'

/** Whether policies have a say: not of metadata alone, except labels, by which they choose; not of what is on its way out. */
export function isPolicyJudged({ operation, object, oldObject }: ReviewRequest): boolean {
  if (operation === 'CREATE') return true
  if (object?.metadata.deletionTimestamp !== undefined) return false
  return !(isSameJson(object?.spec, oldObject?.spec) && isSameJson(object?.metadata.labels ?? {}, oldObject?.metadata.labels ?? {}))
}

/** Violations that the request brings about. */
export function policyViolations(request: ReviewRequest, context: ReviewContext, types?: readonly string[]): readonly Violation[] {
  const { policies } = context
  const found = policies.policiesOf(request.namespace)
  const subject = found.length === 0 ? undefined : subjectOfRequest(request, context)
  if (subject === undefined) return []
  const options = { findPii: policies.findPii, now: policies.now(), ...(types === undefined ? {} : { types }) }
  const violations = judgePolicies(subject, found, options)
  if (violations.length === 0 || request.oldObject === undefined) return violations
  const before = subjectOfRequest({ ...request, object: request.oldObject }, context)
  const old = before === undefined ? [] : judgePolicies(before, found, options)
  return violations.filter((violation) => !old.some((each) => isSameViolation(violation, each)))
}

/** Rate limits that count the request: creations by people, not the children that MNEMOS makes of what was counted already. */
export function rateLimitsOf(request: ReviewRequest, context: ReviewContext): readonly RateLimitRule[] {
  if (request.operation !== 'CREATE' || context.trustedUsers.has(request.userName)) return []
  const found = context.policies.policiesOf(request.namespace).filter(({ rules }) => rules.some(({ rateLimit }) => rateLimit !== undefined))
  const subject = found.length === 0 ? undefined : subjectOfRequest(request, context)
  return subject === undefined ? [] : matchedRateLimits(subject, found, context.policies.now())
}

function subjectOfRequest(request: ReviewRequest, context: ReviewContext): PolicySubject | undefined {
  const { operation, namespace, object, oldObject, kind } = request
  if (request.group !== group || (operation !== 'CREATE' && operation !== 'UPDATE')) return undefined
  // Tasks of the platform follow from objects that were judged.
  if (context.trustedUsers.has(request.userName) && fieldOf(object?.spec, 'maintenance') !== undefined) return undefined
  const { policies } = context
  return subjectOf({
    ...{ kind, operation, namespace, object, oldObject },
    namespaceLabels: namespace === undefined ? {} : policies.namespaceLabels(namespace),
    requester: requesterOfSubject(request, context),
    modelFacts: (modelNamespace, name) => policies.modelFacts(modelNamespace, name, namespace ?? ''),
  })
}

/** Our own processes act for whoever asked for the parent. */
function requesterOfSubject(request: ReviewRequest, { trustedUsers }: ReviewContext): Requester {
  const named = annotationOf(request.operation === 'UPDATE' ? request.oldObject : request.object)
  if (trustedUsers.has(request.userName) && named !== undefined && named !== '') return { user: named, groups: undefined }
  return { user: request.userName, groups: request.groups ?? [] }
}

function annotationOf(object: ReviewedObject | undefined): string | undefined {
  return object?.metadata.annotations?.[requesterAnnotation]
}
