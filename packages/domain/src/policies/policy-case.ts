/**
 * One case of a policy's own tests: an object, and what should become of it.
 *
 * Pure; the verdict is that of `admit`, and nothing is counted under rate limits. A case whose object its own kind refuses fails
 * whatever it expects: otherwise a typing mistake would pass for the refusal that a policy owes.
 */
import { type Finding, group, judge, kinds } from '@mnemos/api'
import { readPattern } from '@mnemos/json-schema'
import { type Admission, admit, readReviewed } from '../admission/admit.ts'
import type { ReviewContext, ReviewedObject, ReviewRequest } from '../admission/verdict.ts'
import { type PolicyId, policyName } from './compile.ts'

/** From the weakest to the strongest; an object meets the strongest that any rule asks for. */
export const caseOutcomes = ['Allowed', 'Warned', 'Redacted', 'Refused'] as const
export type CaseOutcome = (typeof caseOutcomes)[number]

export interface PolicyCase {
  readonly name: string
  readonly object: unknown
  /** What is stored when the object arrives; then it is an update. */
  readonly oldObject?: unknown
  /** Default: an update with `oldObject`, else a creation. */
  readonly operation?: 'CREATE' | 'UPDATE'
  /** Default: a user without a name. */
  readonly user?: string
  readonly groups?: readonly string[]
  /** Milliseconds since the epoch, for exceptions that end. Default: the clock of the context. */
  readonly now?: number
  readonly expect: CaseOutcome
  /** A rule that must have led to it, by its name or as `ClusterPolicy "house"/ceiling`. */
  readonly rule?: string
  /** A pattern (ECMA-262, matched in linear time) that one of the findings or warnings must hold. */
  readonly message?: string
}

export interface CaseResult {
  readonly passed: boolean
  /** What is otherwise than expected; absent when passed. */
  readonly problem?: string
  /** Absent when the case itself is wrong. */
  readonly outcome?: CaseOutcome
  /** What was found and warned about, as people read it; never the value that is personal. */
  readonly said: readonly string[]
}

const maxPatternLength = 1000

/** Judges one case. @param namespace of objects that name none; default `default` */
export function runCase(policyCase: PolicyCase, context: ReviewContext, namespace = 'default'): CaseResult {
  const { expect, rule, now } = policyCase
  const request = requestOf(policyCase, namespace)
  if (typeof request === 'string') return failed(request)
  const at = now === undefined ? context : { ...context, policies: { ...context.policies, now: () => now } }
  const admission = admit(request, at)
  const [outcome, said] = [outcomeOf(admission), sentencesOf(admission)]
  const problem =
    outcome === expect
      ? (ruleProblem(rule, admission, outcome, at.policies.policiesOf(request.namespace)) ?? messageProblem(policyCase.message, said))
      : `it is ${outcome} and should be ${expect}`
  return { passed: problem === undefined, ...(problem === undefined ? {} : { problem }), outcome, said }
}

/** The request that the case stands for, or what is wrong with the case. */
function requestOf(
  { object, oldObject, operation, user = '', groups = [] }: PolicyCase,
  usual: string,
): Omit<ReviewRequest, 'stage'> | string {
  const [read, old] = [readReviewed(object), readReviewed(oldObject)]
  const definition = kinds.find(({ kind }) => kind === read?.kind)
  if (read === undefined || definition === undefined || !read.apiVersion.startsWith(`${group}/`)) {
    return `object is no object of ${group}; the kinds are ${kinds.map(({ kind }) => kind).join(', ')}`
  }
  const [mistake] = judge(read.kind, object)
  if (mistake !== undefined) return `object is wrong by itself, whatever the policies: ${sentenceOf(mistake)}`
  const is = operation ?? (oldObject === undefined ? 'CREATE' : 'UPDATE')
  if (is === 'UPDATE' && old === undefined) return 'an update without oldObject: give what is stored before'
  const namespace = definition.scope === 'Namespaced' ? (read.metadata.namespace ?? usual) : undefined
  return { operation: is, group, kind: read.kind, namespace, userName: user, groups, ...{ object: read }, ...stored(old) }
}

function stored(oldObject: ReviewedObject | undefined): Pick<ReviewRequest, 'oldObject'> {
  return oldObject === undefined ? {} : { oldObject }
}

function outcomeOf({ allowed, violations }: Admission): CaseOutcome {
  if (!allowed) return 'Refused'
  if (violations.some(({ action }) => action === 'Redact')) return 'Redacted'
  return violations.some(({ action }) => action === 'Warn') ? 'Warned' : 'Allowed'
}

/** What each outcome may be owed to; rules that only record are among what let it pass. */
const actionsOf: Readonly<Record<CaseOutcome, readonly string[]>> = {
  Allowed: ['Audit'],
  Warned: ['Warn'],
  Redacted: ['Redact'],
  Refused: ['Block'],
}

interface RulesOfPolicy {
  readonly id: PolicyId
  readonly rules: readonly { readonly name: string }[]
}

function ruleProblem(
  wanted: string | undefined,
  { violations, rateLimits }: Admission,
  outcome: CaseOutcome,
  policies: readonly RulesOfPolicy[],
): string | undefined {
  if (wanted === undefined) return undefined
  const led = [
    ...violations.filter(({ action }) => actionsOf[outcome].includes(action)),
    // Whoever is not refused is counted: these rules would refuse when they are full.
    ...(outcome === 'Refused' ? [] : rateLimits),
  ]
  if (led.some(({ policy, rule }) => wanted === rule || wanted === `${policyName(policy)}/${rule}`)) return undefined
  const known = policies.flatMap(({ rules }) => rules.map(({ name }) => name)).join(', ')
  const by = [...new Set(led.map(({ rule }) => rule))].join(', ')
  return `it is ${outcome}${by === '' ? '' : ` by ${by}`}, not by rule "${wanted}"; the rules are ${known}`
}

function messageProblem(wanted: string | undefined, said: readonly string[]): string | undefined {
  if (wanted === undefined) return undefined
  const pattern = readPattern(wanted, maxPatternLength)
  if ('mistake' in pattern) return `message is no pattern: ${pattern.mistake}`
  if (said.some((each) => pattern.matches(each))) return undefined
  return `nothing that is said matches ${wanted}; said is: ${said.length === 0 ? 'nothing' : said.join(' | ')}`
}

function sentencesOf({ findings, violations, warnings }: Admission): readonly string[] {
  return [...new Set([...findings, ...violations.map(({ finding }) => finding)].map(sentenceOf)), ...warnings]
}

function sentenceOf({ field, message, suggestion }: Finding): string {
  return `${field}: ${message}${suggestion === undefined ? '' : `; ${suggestion}`}`
}

function failed(problem: string): CaseResult {
  return { passed: false, problem, said: [] }
}
