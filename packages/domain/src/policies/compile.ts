/**
 * A Policy or ClusterPolicy, ready to judge.
 *
 * A policy that does not compile is not ignored: whatever it may have been meant for is refused until it is corrected, because an
 * open door is the worse surprise. Admission refuses such a policy; it can only have been stored while admission was away.
 */
import {
  about,
  type ClusterPolicySpec,
  clusterPolicySpec,
  type Finding,
  type Path,
  type PiiAction,
  type PiiEntityName,
  type PolicyMode,
  type PolicyRule,
  policySpec,
} from '@mnemos/api'
import type { z } from 'zod'
import { compileExceptions, type IsLifted } from './exceptions.ts'
import { compileMatch, type Match, namespaceMatcher } from './match.ts'
import { broken, type Compiled, type CompileProblem, compiled, type Judgement } from './rule-kind.ts'
import { costRule } from './rules/cost.ts'
import { digestRule } from './rules/digest.ts'
import { expressionRule } from './rules/expression.ts'
import { licenseRule } from './rules/license.ts'
import { limitsRule } from './rules/limits.ts'
import { imagesRule, modelsRule } from './rules/names.ts'
import { piiActionsOf, piiRule } from './rules/pii.ts'
import { sourcesRule } from './rules/sources.ts'

export interface PolicyId {
  readonly kind: 'Policy' | 'ClusterPolicy'
  /** Only of a Policy. */
  readonly namespace?: string
  readonly name: string
}

export interface CompiledRule {
  readonly name: string
  /** The type of the rule, e.g. `pii`. */
  readonly type: string
  /** What to do about it, in the author's words. */
  readonly message: string | undefined
  /** Undefined for a rate limit, which counts and does not judge. */
  readonly judgement: Judgement | undefined
  readonly rateLimit: PolicyRule['rateLimit']
  /** Of a rule `pii`: the action for each kind of personal data. */
  readonly pii: ReadonlyMap<PiiEntityName, PiiAction> | undefined
}

export interface CompiledPolicy {
  readonly id: PolicyId
  readonly mode: PolicyMode
  readonly rules: readonly CompiledRule[]
  readonly match: Match
  isInNamespaces(name: string | undefined, labels: Readonly<Record<string, string>>): boolean
  readonly isLifted: IsLifted
  /** Why it cannot be judged; empty when it can. */
  readonly problems: readonly Finding[]
}

/** What a policy is compiled from: the object as it is stored. */
export interface PolicyObject {
  readonly kind: string
  readonly metadata: { readonly name?: string | undefined; readonly namespace?: string | undefined }
  readonly spec?: unknown
}

const everything: Match = { kinds: undefined, applies: () => true }

/** Compiles a policy. Never throws, whatever the object holds. */
export function compilePolicy({ kind, metadata, spec }: PolicyObject): CompiledPolicy {
  const id: PolicyId =
    kind === 'ClusterPolicy'
      ? { kind, name: metadata.name ?? '' }
      : { kind: 'Policy', name: metadata.name ?? '', namespace: metadata.namespace ?? '' }
  const own = (namespace: string | undefined): boolean => id.namespace === undefined || id.namespace === namespace
  // A Policy has no namespaces and no exceptions, whatever else was written into it.
  const schema: z.ZodType<ClusterPolicySpec> = kind === 'ClusterPolicy' ? clusterPolicySpec : policySpec
  const parsed = schema.safeParse(spec)
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => about(['spec', ...path.map(asKey)], 'invalid', message))
    return { id, mode: 'Enforce', rules: [], match: everything, isInNamespaces: own, isLifted: () => false, problems }
  }
  const { mode, match, rules, namespaces, exceptions = [] } = parsed.data
  const compiledMatch = compileMatch(match)
  const compiledRules = rules.map((rule) => ({ rule, compiled: compileRule(rule) }))
  const isNamespace = namespaceMatcher(namespaces)
  const problems = [
    ...problemsOf(compiledMatch, ['spec', 'match']),
    ...compiledRules.flatMap(({ compiled: each }, index) => problemsOf(each, ['spec', 'rules', index])),
  ]
  return {
    id,
    mode,
    rules: compiledRules.flatMap(({ compiled: each }) => (each.ok ? [each.value] : [])),
    match: compiledMatch.ok ? compiledMatch.value : everything,
    isInNamespaces: (name, labels) => own(name) && isNamespace(name, labels),
    isLifted: compileExceptions(exceptions),
    problems,
  }
}

/** The policy as messages name it: `ClusterPolicy "open-models"`, `Policy "team-a/tight"`. */
export function policyName({ kind, namespace, name }: PolicyId): string {
  return `${kind} "${namespace === undefined ? '' : `${namespace}/`}${name}"`
}

function compileRule(rule: PolicyRule): Compiled<CompiledRule> {
  const { name, message, rateLimit } = rule
  const judgement = judgementOf(rule)
  if (judgement?.ok === false) return broken(...judgement.problems)
  const type = ruleTypeOf(rule)
  const pii = rule.pii === undefined ? undefined : piiActionsOf(rule.pii)
  return compiled({ name, message, type, rateLimit, pii, judgement: judgement?.value })
}

function judgementOf(rule: PolicyRule): Compiled<Judgement> | undefined {
  if (rule.pii !== undefined) return piiRule(rule.pii)
  if (rule.license !== undefined) return licenseRule(rule.license)
  if (rule.sources !== undefined) return sourcesRule(rule.sources)
  if (rule.models !== undefined) return modelsRule(rule.models)
  if (rule.images !== undefined) return imagesRule(rule.images)
  if (rule.requireDigest !== undefined) return digestRule(rule.requireDigest)
  if (rule.limits !== undefined) return limitsRule(rule.limits)
  if (rule.cost !== undefined) return costRule(rule.cost)
  if (rule.expression !== undefined) return expressionRule(rule.expression)
  if (rule.rateLimit !== undefined) return undefined
  return broken({ path: [], message: 'names no type of rule that this version knows', suggestion: 'upgrade MNEMOS, or remove the rule' })
}

function ruleTypeOf(rule: PolicyRule): string {
  return Object.keys(rule).find((key) => key !== 'name' && key !== 'message') ?? ''
}

function problemsOf(of: Compiled<unknown>, at: Path): readonly Finding[] {
  if (of.ok) return []
  return of.problems.map(({ path, message, suggestion }: CompileProblem) => about([...at, ...path], 'invalid', message, suggestion))
}

const asKey = (key: PropertyKey): string | number => (typeof key === 'symbol' ? String(key) : key)
