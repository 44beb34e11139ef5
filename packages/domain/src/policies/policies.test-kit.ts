/** Policies and subjects for tests: small, whole, and judged by the code that judges real ones. */
import type { PolicyRule } from '@mnemos/api'
import { type CompiledPolicy, compilePolicy } from './compile.ts'
import { judgePolicies, type PolicyContext, type Violation } from './judge-policies.ts'
import type { FindPii } from './rule-kind.ts'
import { type ModelFacts, type PolicySubject, type SubjectParts, subjectOf } from './subject.ts'

/** Finds `<Entity>` written in angle brackets: what is personal data is not the question here. */
export const findMarked: FindPii = (text, entities) =>
  entities.flatMap((entity) =>
    text
      .split(`<${entity}>`)
      .slice(1)
      .map(() => ({ entity })),
  )

export type RuleText = Omit<PolicyRule, 'name'> | Record<string, unknown>

export function clusterPolicy(rule: RuleText, spec: Record<string, unknown> = {}): CompiledPolicy {
  return compilePolicy({ kind: 'ClusterPolicy', metadata: { name: 'house' }, spec: { ...spec, rules: [{ name: 'r', ...rule }] } })
}

export function namespacePolicy(rule: RuleText, spec: Record<string, unknown> = {}): CompiledPolicy {
  const metadata = { name: 'tight', namespace: 'team-a' }
  return compilePolicy({ kind: 'Policy', metadata, spec: { ...spec, rules: [{ name: 'r', ...rule }] } })
}

export interface SubjectChange extends Partial<Omit<SubjectParts, 'modelFacts'>> {
  readonly model?: ModelFacts
}

export function aSubject(kind: string, spec: unknown, { model, ...change }: SubjectChange = {}): PolicySubject {
  const subject = subjectOf({
    kind,
    operation: 'CREATE',
    namespace: 'team-a',
    object: { metadata: { name: 'it' }, spec },
    requester: { user: 'alice', groups: ['research'] },
    modelFacts: () => model,
    ...change,
  })
  if (subject === undefined) throw new Error(`no policy looks at a ${kind}`)
  return subject
}

export const aJob = (spec: Record<string, unknown> = {}, change?: SubjectChange): PolicySubject =>
  aSubject('Job', { inference: { modelRef: { name: 'smollm' }, prompt: 'Say hello.' }, ...spec }, change)

export const aModel = (spec: Record<string, unknown> = {}, change?: SubjectChange): PolicySubject =>
  aSubject('Model', { source: { uri: 's3://models/smollm.gguf' }, ...spec }, change)

export function violations(policy: CompiledPolicy, subject: PolicySubject, context: Partial<PolicyContext> = {}): readonly Violation[] {
  return judgePolicies(subject, [policy], { findPii: findMarked, now: 0, ...context })
}

/** `field: message` of each violation, without the name of the policy. */
export function said(found: readonly Violation[]): readonly string[] {
  return found.map(({ finding }) => `${finding.field}: ${finding.message.replace(/ \((Cluster)?Policy .*\)$/, '')}`)
}
