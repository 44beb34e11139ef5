/**
 * The verdict on a request after its rate limits were asked.
 *
 * A refusal names no `retryAfterSeconds`: clients would sleep that long without a word, and people would wonder.
 */
import { about } from '@mnemos/api'
import type { Violation } from '../policies/judge-policies.ts'
import { type FullRule, fullMessage, type RateVerdict, uncountedMessage } from '../policies/rate-limit.ts'
import { warningOf } from './policy-warning.ts'
import { unavailable } from './refusal.ts'
import type { Refusal, ReviewRequest, Verdict } from './verdict.ts'

/** @param verdict the one that asked for the count */
export function rateLimited(request: ReviewRequest, verdict: Verdict, rates: RateVerdict): Verdict {
  switch (rates.kind) {
    case 'room': {
      const violations = rates.over.map((full) => violationOf(request, full, full.rule.mode === 'Warn' ? 'Warn' : 'Audit'))
      const warnings = violations.filter(({ action }) => action === 'Warn').map((violation) => warningOf(violation))
      return { ...verdict, warnings: [...verdict.warnings, ...warnings], violations: [...verdict.violations, ...violations] }
    }
    case 'full': {
      const violations = rates.rules.map((full) => violationOf(request, full, 'Block'))
      const findings = violations.map(({ finding }) => finding)
      return {
        ...verdict,
        allowed: false,
        status: tooMany(request, violations),
        warnings: [],
        findings,
        violations: [...verdict.violations, ...violations],
      }
    }
    case 'uncounted': {
      if (rates.refusing.length === 0) return verdict
      const status = unavailable(request, uncountedMessage(rates.refusing))
      return { ...verdict, allowed: false, status, warnings: [] }
    }
  }
}

function violationOf(request: ReviewRequest, { rule, next }: FullRule, action: Violation['action']): Violation {
  const said = `${nameOf(request)} ${fullMessage(rule, request.kind, next)}`
  return {
    policy: rule.policy,
    rule: rule.rule,
    type: 'rateLimit',
    mode: rule.mode,
    action,
    finding: about([], 'forbidden', said, rule.message),
  }
}

function tooMany(request: ReviewRequest, violations: readonly Violation[]): Refusal {
  const sentences = violations.map(({ finding }) => [finding.message, finding.suggestion].filter((text) => text !== undefined).join('; '))
  return {
    code: 429,
    reason: 'TooManyRequests',
    message: sentences.join('\n'),
    details: {
      name: request.object?.metadata.name ?? '',
      group: request.group,
      kind: request.kind,
      causes: sentences.map((message) => ({ reason: 'TooManyRequests', field: '', message })),
    },
  }
}

function nameOf({ kind, object }: ReviewRequest): string {
  const { name = '', generateName = '' } = object?.metadata ?? {}
  return `${kind} "${name === '' ? `${generateName}*` : name}"`
}
