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
import type { Catalog } from './catalog.ts'
import { jobFindings, jobWarnings } from './job.ts'
import { modelSpecWarnings } from './model.ts'
import { isSameJson } from './reading.ts'
import { refusalOf, unknownKind } from './refusal.ts'
import { requesterFindings, requesterOf, requesterWarnings, stampRequester } from './requester.ts'
import type { ReviewContext, ReviewedObject, ReviewRequest, Verdict } from './verdict.ts'
import { workerPoolWarnings } from './worker-pool.ts'

/** What a kind adds to its schema; a kind without an entry has a schema that says it all. */
interface KindReview {
  readonly findings?: (request: ReviewRequest) => readonly Finding[]
  readonly warnings?: (request: ReviewRequest, catalog: Catalog) => readonly string[]
}

const kindReviews: Readonly<Partial<Record<string, KindReview>>> = {
  Job: { findings: jobFindings, warnings: jobWarnings },
  Model: { warnings: modelSpecWarnings },
  WorkerPool: { warnings: workerPoolWarnings },
}

const kindNames = kinds.map((definition) => definition.kind)
const admitted: Verdict = { allowed: true, warnings: [], findings: [] }

/** Judges one request. Never throws on any object that decodes. */
export function review(request: ReviewRequest, context: ReviewContext): Verdict {
  if (request.operation === 'DELETE' || request.operation === 'CONNECT') return admitted
  if (request.group !== group || !kindNames.includes(request.kind)) {
    return { allowed: false, status: unknownKind(request, kindNames), warnings: [], findings: [] }
  }
  const judged = isSpecJudged(request)
  const findings = judged ? newFindings(request) : []
  const requester = requesterOf(request, context)
  return request.stage === 'mutate' ? mutation(request, findings, requester) : validation(request, findings, requester, judged, context)
}

function mutation(request: ReviewRequest, findings: readonly Finding[], requester: string | undefined): Verdict {
  if (findings.length > 0) return refuse(request, findings)
  const patch = stampRequester(request, requester)
  if (patch.length === 0) return admitted
  return { allowed: true, warnings: requesterWarnings(request, requester), patch, findings: [] }
}

function validation(
  request: ReviewRequest,
  specFindings: readonly Finding[],
  requester: string | undefined,
  judged: boolean,
  context: ReviewContext,
): Verdict {
  const findings = [...specFindings, ...requesterFindings(request, requester)]
  if (findings.length > 0) return refuse(request, findings)
  const warnings = judged ? (kindReviews[request.kind]?.warnings?.(request, context.catalog) ?? []) : []
  return warnings.length === 0 ? admitted : { allowed: true, warnings, findings: [] }
}

function refuse(request: ReviewRequest, findings: readonly Finding[]): Verdict {
  return { allowed: false, status: refusalOf(request, findings), warnings: [], findings }
}

/** Metadata, finalizers and status are not ours to judge, and an object on its way out must be able to leave. */
function isSpecJudged(request: ReviewRequest): boolean {
  if (request.operation === 'CREATE') return true
  const leaving = request.object?.metadata.deletionTimestamp !== undefined
  return !leaving && !isSameJson(request.object?.spec, request.oldObject?.spec)
}

function newFindings(request: ReviewRequest): readonly Finding[] {
  const findings = findingsOf(request)
  if (findings.length === 0 || request.oldObject === undefined) return findings
  const before = findingsOf({ ...request, object: request.oldObject })
  return findings.filter((finding) => !before.some((old) => isSameFinding(old, finding)))
}

/** Our own findings say more than the schema's about the same field, so they take its place. */
function findingsOf(request: ReviewRequest): readonly Finding[] {
  const own = kindReviews[request.kind]?.findings?.(request) ?? []
  const schema = judge(request.kind, subjectOf(request.kind, request.object), { unknownFields: 'ignore' })
  return [...schema.filter((finding) => !own.some(({ path }) => path === finding.path)), ...own]
}

/** Without status: whatever a user writes there is dropped by the API server before anybody reads it. */
function subjectOf(kind: string, object: ReviewedObject | undefined): unknown {
  return { apiVersion, kind, metadata: { name: object?.metadata.name ?? 'generated' }, spec: object?.spec }
}

function isSameFinding(a: Finding, b: Finding): boolean {
  return a.path === b.path && a.code === b.code && a.message === b.message
}
