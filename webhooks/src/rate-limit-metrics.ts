/** What the webhook counts about counting. Policies and rules are labels, users never. */
import type { RateLimitRule } from '@mnemos/domain'
import { Counter, Histogram, type Registry } from 'prom-client'

/** What became of one request under one rule. `over`: a rule that does not enforce is full; the others name what the user met. */
export type RateOutcome = 'admitted' | 'over' | 'refused' | 'uncountedAdmitted' | 'uncountedRefused'

export interface RateLimitMetrics {
  counted(rule: RateLimitRule, outcome: RateOutcome): void
  /** How long the store took for one answer, or to give none. */
  asked(seconds: number, isAnswered: boolean): void
  confirmed(outcome: 'confirmed' | 'unknown' | 'late' | 'failed', count: number): void
}

export function createRateLimitMetrics(registry: Registry): RateLimitMetrics {
  const registers = [registry]
  const requests = new Counter({
    name: 'mnemos_rate_limit_requests_total',
    help: 'Requests that a rate limit counts, by policy, rule and outcome (admitted, over, refused, uncountedAdmitted, uncountedRefused).',
    labelNames: ['policy', 'rule', 'outcome'],
    registers,
  })
  const seconds = new Histogram({
    name: 'mnemos_rate_limit_store_seconds',
    help: 'How long the store of rate limits took, by whether it answered.',
    labelNames: ['answered'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
    registers,
  })
  const confirmations = new Counter({
    name: 'mnemos_rate_limit_confirmations_total',
    help: 'Charges whose object was stored: confirmed, unknown to the store, too late for it; failed counts attempts.',
    labelNames: ['outcome'],
    registers,
  })
  return {
    counted: ({ policy, rule }, outcome) => {
      const name = policy.namespace === undefined ? policy.name : `${policy.namespace}/${policy.name}`
      requests.inc({ policy: `${policy.kind} "${name}"`, rule, outcome })
    },
    asked: (duration, isAnswered) => seconds.observe({ answered: String(isAnswered) }, duration),
    confirmed: (outcome, count) => {
      if (count > 0) confirmations.inc({ outcome }, count)
    },
  }
}
