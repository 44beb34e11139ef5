/** What the webhook counts. Labels have few values: kinds that are not ours are counted as `other`, users and names never appear. */
import { kinds } from '@mnemos/api'
import { policyName, type Violation } from '@mnemos/domain'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export interface WebhookMetrics {
  readonly registry: Registry
  /** One review that was answered with a verdict. */
  reviewed(of: { kind: string; stage: string; operation: string; allowed: boolean; codes: readonly string[]; seconds: number }): void
  /** What policies found in one object that was really to be stored. */
  violated(violations: readonly Violation[]): void
  /** One HTTP request that was no review, by its status code. */
  rejected(statusCode: number): void
  certificate(notAfterMs: number): void
  registered(): void
}

const known = new Set(kinds.map((definition) => definition.kind))

export function createWebhookMetrics(registry = new Registry()): WebhookMetrics {
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const reviews = new Counter({
    name: 'mnemos_admission_reviews_total',
    help: 'Admission reviews answered, by kind, stage, operation and verdict.',
    labelNames: ['kind', 'stage', 'operation', 'verdict'],
    registers,
  })
  const findings = new Counter({
    name: 'mnemos_admission_findings_total',
    help: 'Mistakes found in refused objects, by kind and code.',
    labelNames: ['kind', 'code'],
    registers,
  })
  const violations = new Counter({
    name: 'mnemos_policy_violations_total',
    help: 'What policies found in objects, by policy, rule and what became of it (Block, Redact, Warn, Audit).',
    labelNames: ['policy', 'rule', 'action'],
    registers,
  })
  const seconds = new Histogram({
    name: 'mnemos_admission_review_seconds',
    help: 'From the end of the request body to the answer.',
    labelNames: ['kind', 'stage'],
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5],
    registers,
  })
  const rejected = new Counter({
    name: 'mnemos_webhook_rejected_requests_total',
    help: 'Requests to the admission port that were no review, by status code.',
    labelNames: ['code'],
    registers,
  })
  const expiry = new Gauge({
    name: 'mnemos_webhook_certificate_expiry_timestamp_seconds',
    help: 'When the served certificate ends.',
    registers,
  })
  const registrations = new Counter({
    name: 'mnemos_webhook_registrations_total',
    help: 'Times the webhook configurations were written or confirmed.',
    registers,
  })
  return {
    registry,
    reviewed: (of) => {
      const kind = known.has(of.kind) ? of.kind : 'other'
      reviews.inc({ kind, stage: of.stage, operation: of.operation, verdict: of.allowed ? 'allowed' : 'refused' })
      for (const code of of.codes) findings.inc({ kind, code })
      seconds.observe({ kind, stage: of.stage }, of.seconds)
    },
    violated: (found) => {
      for (const { policy, rule, action } of found) violations.inc({ policy: policyName(policy), rule, action })
    },
    rejected: (statusCode) => rejected.inc({ code: String(statusCode) }),
    certificate: (notAfterMs) => expiry.set(notAfterMs / 1000),
    registered: () => registrations.inc(),
  }
}
