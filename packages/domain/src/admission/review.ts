/**
 * The verdict on one admission request: what is wrong with it, all at once, and what is stamped on it.
 *
 * Flow: a request that changes nothing we judge passes → findings refuse it → otherwise the mutating stage stamps and the
 * validating stage warns.
 * Guarantees: pure and total; `review` of an object with its own patch applied patches nothing; the verdict is the same for
 * create, apply, patch and dry-run; an update is refused only for what it makes wrong, so an object that a newer version
 * would refuse can still be cancelled, relabelled and deleted.
 * Caveat: what needs `oldSelf` (frozen fields, one-way cancel) is refused by the rules of the CRD, whether we run or not.
 */
import { apiVersion, type Finding, group, judge, kinds } from '@mnemos/api'
import type { Violation } from '../policies/judge-policies.ts'
import { isSameJson } from '../reading.ts'
import { appliedFindings, appliedWarnings } from './applied-schemas.ts'
import { jobFindings, jobWarnings } from './job.ts'
import { modelSpecWarnings } from './model.ts'
import { pipelineFindings, pipelineWarnings } from './pipeline.ts'
import { pipelineRunFindings, pipelineRunWarnings } from './pipeline-run.ts'
import { policyFindings, policyWarnings } from './policy.ts'
import { isPolicyJudged, policyViolations, rateLimitsOf } from './policy-review.ts'
import { warningOf } from './policy-warning.ts'
import { redactionPatch } from './redaction.ts'
import { refusalOf, unknownKind } from './refusal.ts'
import { requesterFindings, requesterOf, requesterWarnings, stampRequester } from './requester.ts'
import { stampDecisions, stampFindings } from './run-decisions.ts'
import { schemaFindings, schemaWarnings } from './schema.ts'
import type { PatchOperation, ReviewContext, ReviewedObject, ReviewRequest, Verdict } from './verdict.ts'
import { workerPoolWarnings } from './worker-pool.ts'

/** What a kind adds to its schema; a kind without an entry has a schema that says it all. */
interface KindReview {
  readonly findings?: (request: ReviewRequest, context: ReviewContext) => readonly Finding[]
  readonly warnings?: (request: ReviewRequest, context: ReviewContext) => readonly string[]
  /** What is written into it; without effect on what was written so already. */
  readonly stamp?: (request: ReviewRequest, context: ReviewContext) => readonly PatchOperation[]
  /** Whether that is still so after every mutation. */
  readonly stampFindings?: (request: ReviewRequest, context: ReviewContext) => readonly Finding[]
}

const kindReviews: Readonly<Partial<Record<string, KindReview>>> = {
  Job: { findings: jobFindings, warnings: jobWarnings },
  Model: { warnings: modelSpecWarnings },
  Pipeline: { findings: pipelineFindings, warnings: pipelineWarnings },
  PipelineRun: { findings: pipelineRunFindings, warnings: pipelineRunWarnings, stamp: stampDecisions, stampFindings },
  Schema: { findings: schemaFindings, warnings: schemaWarnings },
  WorkerPool: { warnings: workerPoolWarnings },
  Policy: { findings: policyFindings, warnings: policyWarnings },
  ClusterPolicy: { findings: policyFindings, warnings: policyWarnings },
}

const kindNames = kinds.map((definition) => definition.kind)
const nothing = { warnings: [], findings: [], violations: [], rateLimits: [] } as const
/** The verdict on what there is nothing to say about. */
export const admitted: Verdict = { allowed: true, ...nothing }

/** Judges one request. Never throws on any object that decodes. */
export function review(request: ReviewRequest, context: ReviewContext): Verdict {
  if (request.operation === 'DELETE' || request.operation === 'CONNECT') return admitted
  if (request.group !== group || !kindNames.includes(request.kind)) {
    return { allowed: false, status: unknownKind(request, kindNames), ...nothing }
  }
  const findings = isSpecJudged(request) ? [...newFindings(request, context), ...appliedFindings(request, context.catalog)] : []
  const requester = requesterOf(request, context)
  return request.stage === 'mutate' ? mutation(request, context, findings, requester) : validation(request, context, findings, requester)
}

/**
 * Of the policies only those that may rewrite are asked here, before anything is rewritten. The others have their say when all
 * webhooks have rewritten what they want; but who is refused now is told everything at once.
 */
function mutation(request: ReviewRequest, context: ReviewContext, findings: readonly Finding[], requester: string | undefined): Verdict {
  const isJudged = isPolicyJudged(request)
  const pii = isJudged ? policyViolations(request, context, ['pii']) : []
  if (findings.length > 0 || pii.some(({ action }) => action === 'Block')) {
    return refuse(request, findings, isJudged ? policyViolations(request, context) : [])
  }
  const redacted = pii.filter(({ action }) => action === 'Redact')
  const own = kindReviews[request.kind]?.stamp?.(request, context) ?? []
  const patch = [...stampRequester(request, requester), ...own, ...redactionPatch(request, redacted, context.policies)]
  if (patch.length === 0) return admitted
  const warnings = [...requesterWarnings(request, requester), ...redacted.map((violation) => warningOf(violation, 'redacted'))]
  return { ...admitted, warnings, patch, violations: redacted }
}

function validation(
  request: ReviewRequest,
  context: ReviewContext,
  specFindings: readonly Finding[],
  requester: string | undefined,
): Verdict {
  const stamps = isSpecJudged(request) ? (kindReviews[request.kind]?.stampFindings?.(request, context) ?? []) : []
  const findings = [...specFindings, ...requesterFindings(request, requester), ...stamps]
  const violations = isPolicyJudged(request) ? policyViolations(request, context).map(tooLateToRedact) : []
  if (findings.length > 0 || violations.some(({ action }) => action === 'Block')) return refuse(request, findings, violations)
  const own = isSpecJudged(request)
    ? [...(kindReviews[request.kind]?.warnings?.(request, context) ?? []), ...appliedWarnings(request, context.catalog)]
    : []
  const warnings = [...own, ...violations.filter(({ action }) => action === 'Warn').map((violation) => warningOf(violation))]
  return { ...admitted, warnings, violations, rateLimits: rateLimitsOf(request, context) }
}

/** What is still there after every mutation was put back by somebody, or never taken out. */
function tooLateToRedact(violation: Violation): Violation {
  return violation.action === 'Redact' ? { ...violation, action: 'Block' } : violation
}

function refuse(request: ReviewRequest, own: readonly Finding[], violations: readonly Violation[]): Verdict {
  const findings = [...own, ...violations.filter(({ action }) => action === 'Block').map(({ finding }) => finding)]
  return { ...admitted, allowed: false, status: refusalOf(request, findings), findings, violations }
}

/** Metadata, finalizers and status are not ours to judge, and an object on its way out must be able to leave. */
function isSpecJudged(request: ReviewRequest): boolean {
  if (request.operation === 'CREATE') return true
  const leaving = request.object?.metadata.deletionTimestamp !== undefined
  return !leaving && !isSameJson(request.object?.spec, request.oldObject?.spec)
}

function newFindings(request: ReviewRequest, context: ReviewContext): readonly Finding[] {
  const findings = findingsOf(request, context)
  if (findings.length === 0 || request.oldObject === undefined) return findings
  const before = new Set(findingsOf({ ...request, object: request.oldObject }, context).map(identityOf))
  return findings.filter((finding) => !before.has(identityOf(finding)))
}

/** Our own findings say more than the schema's about the same field, so they take its place. */
function findingsOf(request: ReviewRequest, context: ReviewContext): readonly Finding[] {
  const own = kindReviews[request.kind]?.findings?.(request, context) ?? []
  const schema = judge(request.kind, subjectOf(request.kind, request.object), { unknownFields: 'ignore' })
  return [...schema.filter((finding) => !own.some(({ path }) => path === finding.path)), ...own]
}

/** Without status: whatever a user writes there is dropped by the API server before anybody reads it. */
function subjectOf(kind: string, object: ReviewedObject | undefined): unknown {
  return { apiVersion, kind, metadata: { name: object?.metadata.name ?? 'generated' }, spec: object?.spec }
}

/** Two findings of the same identity say the same of the same field. */
function identityOf({ path, code, message }: Finding): string {
  return JSON.stringify([path, code, message])
}
