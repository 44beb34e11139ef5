/**
 * One request through everything that has a say: the world is brought up to date, the domain judges, rights are asked
 * for, rate limits are charged, the audit is written.
 *
 * Fails closed: while policies are not known, or a namespace cannot be looked up, or nobody says what the user may do, the answer is
 * "not now", which is no judgement of the object and may be tried again.
 */
import {
  admitted,
  type NeededRight,
  newlyNeededRights,
  type ReviewContext,
  type ReviewRequest,
  rateLimited,
  review,
  rightUnknown,
  unavailable,
  type Verdict,
  withoutRight,
} from '@mnemos/domain'
import type { Audit } from './audit.ts'
import type { Forecast } from './blast-radius.ts'
import type { Namespaces } from './namespaces.ts'
import type { PersonalData } from './personal-data.ts'
import type { LivePolicies } from './policies.ts'
import type { RateLimiter } from './rate-limits.ts'
import type { ReviewTrace } from './tracing.ts'
import type { UserRights } from './user-rights.ts'

/** A request with what surrounds it. */
export interface ReviewCall {
  readonly uid: string
  readonly dryRun: boolean
  readonly request: ReviewRequest
  /** Told of each part that waits for somebody else. */
  readonly trace: ReviewTrace
}

export type Reviewer = (call: ReviewCall) => Verdict | Promise<Verdict>

export interface ReviewerOptions {
  readonly context: ReviewContext
  readonly policies: Pick<LivePolicies, 'isKnown' | 'known'>
  readonly namespaces: Pick<Namespaces, 'learn'>
  readonly pii: Pick<PersonalData, 'read'>
  readonly rights: UserRights
  readonly forecast: Forecast
  readonly limits: RateLimiter
  readonly audit: Audit
  /** Longest wait for what is not known yet, in milliseconds. */
  readonly waitMs: number
}

export function createReviewer(options: ReviewerOptions): Reviewer {
  const { context, limits, rights, forecast, audit } = options
  const decide = (call: ReviewCall): Verdict | Promise<Verdict> => {
    const verdict = review(call.request, context)
    const needed = verdict.allowed ? newlyNeededRights(call.request, context) : []
    return needed.length === 0 ? counted(call, verdict) : entitled(call, verdict, needed)
  }
  const entitled = async (call: ReviewCall, verdict: Verdict, needed: readonly NeededRight[]): Promise<Verdict> => {
    const denied = await call.trace.part('rights', rights.denied(call.request, needed)).catch(() => undefined)
    if (denied === undefined) return rightUnknown(call.request, verdict)
    return counted(call, denied.length === 0 ? verdict : withoutRight(call.request, verdict, denied))
  }
  const counted = (call: ReviewCall, verdict: Verdict): Verdict | Promise<Verdict> => {
    if (verdict.allowed && verdict.rateLimits.length > 0) return limited(call, verdict)
    audit(call, verdict)
    // Only who tries a policy on is told what exists: the others would wait for it.
    const ahead = call.dryRun && verdict.allowed && call.request.stage === 'validate' ? forecast(call.request) : undefined
    return ahead === undefined
      ? verdict
      : call.trace.part('blast radius', ahead).then((lines) => ({ ...verdict, warnings: [...verdict.warnings, ...lines] }))
  }
  const limited = async (call: ReviewCall, verdict: Verdict): Promise<Verdict> => {
    const { request, dryRun, uid } = call
    // The API server gives an object its UID before it asks whether it is valid, and keeps it when it stores it.
    const rated = {
      uid: request.object?.metadata.uid ?? uid,
      dryRun,
      user: request.userName,
      namespace: request.namespace,
      apiKey: request.apiKey,
    }
    const rates = await call.trace.part('rate limits', limits.count(rated, verdict.rateLimits))
    const decided = rateLimited(request, verdict, rates)
    audit(call, decided)
    return decided
  }
  return (call) => {
    const waits = whatToWaitFor(call, options)
    // The common case waits for nothing.
    return waits === undefined ? decide(call) : afterWaiting(call, waits, decide)
  }
}

/** What must be known before the request can be judged, and what the user is told when it does not come. */
interface Wait {
  readonly name: string
  readonly wait: () => Promise<(() => void) | undefined>
  readonly orElse: string
}

function whatToWaitFor({ request }: ReviewCall, { policies, namespaces, pii, waitMs }: ReviewerOptions): Wait | undefined {
  const { namespace } = request
  const learning = policies.isKnown() && namespace !== undefined ? namespaces.learn(namespace, waitMs) : undefined
  const reading = policies.isKnown() && learning === undefined ? pii.read(request) : undefined
  if (reading !== undefined)
    return {
      name: 'personal data',
      wait: () => reading,
      orElse: 'cannot be judged now: looking for personal data took too long; try again',
    }
  if (policies.isKnown() && learning === undefined) return undefined
  return {
    name: 'what is not known yet',
    wait: async () => {
      const signal = AbortSignal.timeout(waitMs)
      await policies.known(signal)
      await (learning ?? (namespace === undefined ? undefined : namespaces.learn(namespace, waitMs)))
      return await pii.read(request)
    },
    orElse: 'cannot be judged yet: MNEMOS has not read the policies and namespaces of the cluster; try again',
  }
}

async function afterWaiting(call: ReviewCall, { name, wait, orElse }: Wait, decide: Reviewer): Promise<Verdict> {
  let forget: (() => void) | undefined
  try {
    forget = await call.trace.part(name, wait())
  } catch {
    return { ...admitted, allowed: false, status: unavailable(call.request, orElse) }
  }
  try {
    return await decide(call)
  } finally {
    forget?.()
  }
}
