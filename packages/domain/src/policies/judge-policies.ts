/**
 * The verdict of all policies on one object, each judged by itself: what one of them refuses is refused, whatever the others say.
 */
import { about, type Finding, type PiiEntityName, type PolicyMode } from '@mnemos/api'
import { type CompiledPolicy, type CompiledRule, type PolicyId, policyName } from './compile.ts'
import type { RateLimitRule } from './rate-limit.ts'
import type { FindPii, RuleFinding } from './rule-kind.ts'
import type { PolicySubject } from './subject.ts'

/** One thing that a rule of a policy found. */
export interface Violation {
  readonly policy: PolicyId
  readonly rule: string
  readonly type: string
  readonly mode: PolicyMode
  /** What becomes of it. */
  readonly action: 'Block' | 'Redact' | 'Warn' | 'Audit'
  /** Where and what, without a value that may be personal. */
  readonly finding: Finding
  /** The kind of personal data, of a rule `pii`. */
  readonly entity?: PiiEntityName
}

export interface PolicyContext {
  readonly findPii: FindPii
  /** Milliseconds since the epoch, for exceptions. */
  readonly now: number
  /** Only rules of these types; all when absent. */
  readonly types?: readonly string[]
}

/** Violations of a subject, in the order of the policies and their rules. */
export function judgePolicies(subject: PolicySubject, policies: readonly CompiledPolicy[], context: PolicyContext): readonly Violation[] {
  return policies.flatMap((policy) => {
    if (!policy.isInNamespaces(subject.namespace, subject.namespaceLabels) || !isOfKind(policy, subject)) return []
    if (policy.problems.length > 0) return doesNotCompile(policy, subject, context)
    const rules = policy.rules.filter((rule) => isWanted(rule.type, context) && isJudgedBy(rule, policy, subject))
    if (rules.length === 0 || !policy.match.applies(subject)) return []
    return rules.flatMap((rule) => violationsOf(policy, rule, subject, context))
  })
}

/** What people ask for; Jobs that a run makes are not counted again. */
const usuallyCounted: ReadonlySet<PolicySubject['kind']> = new Set(['Job', 'PipelineRun'])

/** Rate limits that count the creation of a subject. Those of a policy that does not compile are not asked: it refuses anyway. */
export function matchedRateLimits(subject: PolicySubject, policies: readonly CompiledPolicy[], now: number): readonly RateLimitRule[] {
  return policies.flatMap((policy) => {
    const { id, mode, match } = policy
    if (policy.problems.length > 0 || !policy.isInNamespaces(subject.namespace, subject.namespaceLabels)) return []
    if (!(match.kinds ?? usuallyCounted).has(subject.kind)) return []
    const counted = policy.rules.flatMap(({ name, message, rateLimit }) =>
      rateLimit === undefined || policy.isLifted(name, subject, now) ? [] : [{ policy: id, rule: name, message, mode, limit: rateLimit }],
    )
    return counted.length > 0 && match.applies(subject) ? counted : []
  })
}

/** Whether the object is of the kind, the namespace and the sort that the policy has an opinion on. */
export function isLookedAt(policy: CompiledPolicy, subject: PolicySubject): boolean {
  return (
    policy.isInNamespaces(subject.namespace, subject.namespaceLabels) &&
    isOfKind(policy, subject) &&
    policy.rules.some((rule) => rule.judgement === undefined || isJudgedBy(rule, policy, subject)) &&
    policy.match.applies(subject)
  )
}

function isJudgedBy({ judgement }: CompiledRule, { match }: CompiledPolicy, { kind }: PolicySubject): boolean {
  if (judgement === undefined || !judgement.kinds.includes(kind)) return false
  return match.kinds !== undefined || judgement.whenNamed?.includes(kind) !== true
}

function isOfKind({ match }: CompiledPolicy, { kind }: PolicySubject): boolean {
  return match.kinds?.has(kind) !== false
}

function isWanted(type: string, { types }: PolicyContext): boolean {
  return types?.includes(type) !== false
}

function doesNotCompile(policy: CompiledPolicy, subject: PolicySubject, { types }: PolicyContext): readonly Violation[] {
  if (types !== undefined || !policy.match.applies(subject)) return []
  const message = `${policyName(policy.id)} does not compile, and what it may be meant for is refused until it does`
  const suggestion = 'correct it, or delete it; its condition Ready says what is wrong'
  const { id, mode } = policy
  return [{ policy: id, rule: '', type: '', mode, action: 'Block', finding: about(['spec'], 'forbidden', message, suggestion) }]
}

function violationsOf(policy: CompiledPolicy, rule: CompiledRule, subject: PolicySubject, context: PolicyContext): readonly Violation[] {
  const findings = rule.judgement?.judge(subject, context) ?? []
  if (findings.length === 0 || policy.isLifted(rule.name, subject, context.now)) return []
  const { id, mode } = policy
  return findings.map((found) => ({
    policy: id,
    rule: rule.name,
    type: rule.type,
    mode,
    action: actionOf(mode, found),
    finding: findingOf(policy, rule, found),
    ...(found.entity === undefined ? {} : { entity: found.entity }),
  }))
}

function actionOf(mode: PolicyMode, { action }: RuleFinding): Violation['action'] {
  if (mode === 'Audit') return 'Audit'
  if (mode === 'Warn' || action === 'Warn') return 'Warn'
  return action === 'Redact' ? 'Redact' : 'Block'
}

function findingOf({ id }: CompiledPolicy, { name, message: advice }: CompiledRule, { path, message, suggestion }: RuleFinding): Finding {
  const said = `${message} (${policyName(id)}, rule "${name}")`
  return about(path, 'forbidden', said, advice ?? suggestion)
}

/** Two violations that say the same of the same field: what an update did not make wrong is not held against it. */
export function isSameViolation(a: Violation, b: Violation): boolean {
  return (
    a.rule === b.rule &&
    a.finding.path === b.finding.path &&
    a.finding.message === b.finding.message &&
    policyName(a.policy) === policyName(b.policy)
  )
}
