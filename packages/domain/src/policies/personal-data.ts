/**
 * What becomes of personal data where an inference runs: in its input as the worker reads it, and in what the model writes.
 *
 * Admission has judged the input already; a policy may be younger than the Job, and nobody but the worker sees an output. Of several
 * policies the strictest action counts. What only warns or is only recorded has nobody to tell there and changes nothing.
 */
import { type PersonalDataActions, type PiiEntityName, piiEntities } from '@mnemos/api'
import type { CompiledPolicy, CompiledRule } from './compile.ts'
import { type Scanned, subjectOfStored } from './scan.ts'
import type { PolicySubject } from './subject.ts'

/** Actions for a Job that is about to run; undefined when no policy in mode Enforce says anything. */
export function personalDataActions(scanned: Scanned, policies: readonly CompiledPolicy[], now: number): PersonalDataActions | undefined {
  const opinions = policies.filter(isAboutPersonalData)
  const subject = opinions.length === 0 ? undefined : subjectOfStored(scanned)
  if (subject === undefined) return undefined
  const actions = opinions.flatMap((policy) => actionsOf(policy, subject, now))
  const strictest = new Map<PiiEntityName, 'Redact' | 'Block'>()
  for (const entity of piiEntities) {
    const wanted = new Set(actions.map((each) => each.get(entity)))
    const found = (['Block', 'Redact'] as const).find((action) => wanted.has(action))
    if (found !== undefined) strictest.set(entity, found)
  }
  return strictest.size === 0 ? undefined : Object.fromEntries(strictest)
}

/** Most policies have no rule about personal data. */
function isAboutPersonalData({ mode, problems, rules }: CompiledPolicy): boolean {
  return mode === 'Enforce' && (problems.length > 0 || rules.some(({ pii }) => pii !== undefined))
}

type Actions = NonNullable<CompiledRule['pii']>

/** What may be meant by a policy that does not compile is the strictest. */
const blocked: Actions = new Map(piiEntities.map((entity): [PiiEntityName, 'Block'] => [entity, 'Block']))

function actionsOf(policy: CompiledPolicy, subject: PolicySubject, now: number): readonly Actions[] {
  const { match, problems, rules } = policy
  if (match.kinds?.has(subject.kind) === false) return []
  if (!policy.isInNamespaces(subject.namespace, subject.namespaceLabels) || !match.applies(subject)) return []
  if (problems.length > 0) return [blocked]
  return rules.flatMap(({ name, pii }) => (pii === undefined || policy.isLifted(name, subject, now) ? [] : [pii]))
}
