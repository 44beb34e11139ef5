/** A verdict after the rate limits had their say: refused when one is full, or when one cannot be counted and says so. */
import { about } from '@mnemos/api'
import type { Violation } from '../policies/judge-policies.ts'
import { type FullRule, fullMessage, type RateVerdict, uncountedMessage } from '../policies/rate-limit.ts'
import { warningOf } from './policy-warning.ts'
import { tooManyRequests, unavailable } from './refusal.ts'
import type { ReviewRequest, Verdict } from './verdict.ts'

export function rated(request: ReviewRequest, verdict: Verdict, rate: RateVerdict): Verdict {
  switch (rate.kind) {
    case 'room': {
      const violations = rate.over.map((full) => violationOf(request, full))
      const warnings = violations.filter(({ action }) => action === 'Warn').map((violation) => warningOf(violation))
      return { ...verdict, warnings: [...verdict.warnings, ...warnings], violations: [...verdict.violations, ...violations] }
    }
    case 'full': {
      const violations = rate.rules.map((full) => violationOf(request, full))
      const status = tooManyRequests(
        request,
        rate.rules.map(({ rule, next }) => advised(fullMessage(rule, request.kind, next), rule.message)),
      )
      const findings = violations.map(({ finding }) => finding)
      return { ...verdict, allowed: false, warnings: [], status, findings, violations: [...verdict.violations, ...violations] }
    }
    case 'uncounted': {
      if (rate.refusing.length === 0) return verdict
      return { ...verdict, allowed: false, warnings: [], status: unavailable(request, uncountedMessage(rate.refusing)) }
    }
  }
}

function violationOf({ kind }: ReviewRequest, { rule, next }: FullRule): Violation {
  const { policy, mode, message } = rule
  const action = mode === 'Enforce' ? 'Block' : mode
  const finding = about([], 'forbidden', fullMessage(rule, kind, next), message)
  return { policy, rule: rule.rule, type: 'rateLimit', mode, action, finding }
}

function advised(sentence: string, advice: string | undefined): string {
  return advice === undefined ? sentence : `${sentence}; ${advice}`
}
