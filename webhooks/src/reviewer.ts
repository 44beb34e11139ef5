/**
 * One request through everything that has a say: the world is brought up to date, the domain judges, rate limits are charged,
 * the audit is written.
 *
 * Fails closed: while policies are not known, or a namespace cannot be looked up, the answer is "not now", which is no judgement
 * of the object and may be tried again.
 */
import { admitted, type ReviewContext, type ReviewRequest, review, unavailable, type Verdict } from '@mnemos/domain'
import type { Audit } from './audit.ts'

/** A request with what surrounds it. */
export interface ReviewCall {
  readonly uid: string
  readonly dryRun: boolean
  readonly request: ReviewRequest
}

export type Reviewer = (call: ReviewCall) => Verdict | Promise<Verdict>

export interface ReviewerOptions {
  readonly context: ReviewContext
  /** Whether policies and namespaces are known. */
  readonly isKnown: () => boolean
  /** Resolves once they are. @throws when the signal aborts first */
  readonly known: (signal: AbortSignal) => Promise<void>
  /** Makes sure that the labels of a namespace are known, if it exists. Nothing to wait for when they are already. */
  readonly learn: (namespace: string, signal: AbortSignal) => Promise<void> | undefined
  /** What counts requests: a refusal, or nothing when there is room. */
  readonly charge: (call: ReviewCall, verdict: Verdict) => Promise<Verdict>
  readonly audit: Audit
  /** Longest wait for what is not known yet, in milliseconds. */
  readonly waitMs: number
}

export function createReviewer(options: ReviewerOptions): Reviewer {
  const { context, isKnown, learn, charge, audit } = options
  const decide = (call: ReviewCall): Verdict | Promise<Verdict> => {
    const verdict = review(call.request, context)
    const done = (decided: Verdict): Verdict => {
      audit(call, decided)
      return decided
    }
    return verdict.allowed && verdict.rateLimits.length > 0 ? charge(call, verdict).then(done) : done(verdict)
  }
  return (call) => {
    const { namespace } = call.request
    const learning = isKnown() && namespace !== undefined ? learn(namespace, AbortSignal.timeout(options.waitMs)) : undefined
    // The common case waits for nothing.
    return isKnown() && learning === undefined ? decide(call) : afterLearning(call, learning, options, decide)
  }
}

async function afterLearning(
  call: ReviewCall,
  learning: Promise<void> | undefined,
  { known, learn, waitMs }: ReviewerOptions,
  decide: Reviewer,
): Promise<Verdict> {
  const { namespace } = call.request
  try {
    const signal = AbortSignal.timeout(waitMs)
    await known(signal)
    await (learning ?? (namespace === undefined ? undefined : learn(namespace, signal)))
  } catch {
    const message = `${call.request.kind} cannot be judged yet: MNEMOS has not read the policies and namespaces of the cluster; try again`
    return { ...admitted, allowed: false, status: unavailable(call.request, message) }
  }
  return decide(call)
}
