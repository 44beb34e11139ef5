/**
 * What a request counts for under the rate limits of policies, and what its user is told when one of them is full.
 *
 * Counts nothing itself. Who is counted is given as words that identify it; they may hold a user's name, so whoever keeps them
 * keeps a digest.
 */
import type { PolicyMode, PolicyRule } from '@mnemos/api'

/** A rule `rateLimit` of a policy that matches a request. */
export interface RateLimitRule {
  readonly policy: { readonly kind: 'Policy' | 'ClusterPolicy'; readonly namespace?: string; readonly name: string }
  readonly rule: string
  /** What to do about it, in the author's words. */
  readonly message: string | undefined
  readonly mode: PolicyMode
  readonly limit: NonNullable<PolicyRule['rateLimit']>
}

/** Who asks, as far as limits tell them apart. */
export interface CountedRequest {
  readonly user: string
  /** Absent for kinds of cluster scope. */
  readonly namespace?: string | undefined
  /** The API key that was shown, by its id; never the key itself. */
  readonly apiKey?: string | undefined
}

/** How a store counts one request for one rule. */
export interface RateCharge {
  /** What counts together. */
  readonly words: readonly string[]
  readonly limit:
    | { readonly algorithm: 'SlidingWindow'; readonly requests: number; readonly windowMs: number }
    | { readonly algorithm: 'TokenBucket'; readonly requests: number; readonly windowMs: number; readonly burst: number }
  /** Only in mode Enforce a full limit refuses. */
  readonly isAdvisory: boolean
}

/** When a full limit has room again. */
export interface NextRoom {
  /** RFC 3339. */
  readonly at: string
  readonly inSeconds: number
}

/** A rule that is full, and until when. */
export interface FullRule {
  readonly rule: RateLimitRule
  readonly next: NextRoom
}

/** What the store of rate limits says to one request. */
export type RateVerdict =
  /** There is room; `over` are rules that are full and do not enforce. */
  | { readonly kind: 'room'; readonly over: readonly FullRule[] }
  /** Rules that enforce are full. */
  | { readonly kind: 'full'; readonly rules: readonly FullRule[] }
  /** Nobody could count; `refusing` are the rules that refuse then. */
  | { readonly kind: 'uncounted'; readonly refusing: readonly RateLimitRule[] }

/** The charge of one request for one rule. */
export function chargeOf({ policy, rule, mode, limit }: RateLimitRule, request: CountedRequest): RateCharge {
  const { algorithm, requests, windowSeconds, burst = requests } = limit
  const rate = { requests, windowMs: windowSeconds * 1000 }
  return {
    words: [policy.kind, policy.namespace ?? '', policy.name, rule, limit.per, ...subjectOf(limit.per, request)],
    limit: algorithm === 'TokenBucket' ? { algorithm, ...rate, burst } : { algorithm, ...rate },
    isAdvisory: mode !== 'Enforce',
  }
}

function subjectOf(per: RateLimitRule['limit']['per'], { user, namespace = '', apiKey }: CountedRequest): readonly string[] {
  switch (per) {
    case 'User':
      return [user]
    case 'Namespace':
      return [namespace]
    case 'Key':
      return apiKey === undefined ? ['user', user] : ['key', apiKey]
    case 'Policy':
      return []
  }
}

/** What is full and when it is not, e.g. `is over 10 Jobs in 1 min for each user (Policy "a/b", rule "r"); the next fits at …`. */
export function fullMessage(rule: RateLimitRule, kind: string, next: NextRoom): string {
  return `is over ${limitText(rule.limit, kind)} (${ruleText(rule)}); the next one fits at ${next.at} (in ${next.inSeconds} s)`
}

/** What is said when nobody could count. */
export function uncountedMessage(rules: readonly RateLimitRule[]): string {
  const named = rules.map(ruleText).join(', ')
  return `cannot be counted now, because the store of rate limits does not answer, and ${named} refuses what it cannot count; try again`
}

/** The rule as messages name it. */
export function ruleText({ policy, rule }: RateLimitRule): string {
  const name = policy.namespace === undefined ? policy.name : `${policy.namespace}/${policy.name}`
  return `${policy.kind} "${name}", rule "${rule}"`
}

const counted: Readonly<Record<RateLimitRule['limit']['per'], string>> = {
  User: 'each user',
  Namespace: 'each namespace',
  Key: 'each API key',
  Policy: 'all together',
}

function limitText({ algorithm, requests, windowSeconds, burst = requests, per }: RateLimitRule['limit'], kind: string): string {
  const rate = `${requests} ${kind}${requests === 1 ? '' : 's'} in ${durationText(windowSeconds)}`
  const atOnce = algorithm === 'TokenBucket' && burst !== requests ? ` on average and ${burst} at once` : ''
  return `${rate}${atOnce} for ${counted[per]}`
}

function durationText(seconds: number): string {
  for (const [unit, length] of [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
  ] as const) {
    if (seconds % length === 0) return `${seconds / length} ${unit}`
  }
  return `${seconds} s`
}
