/** Personal data in the texts of an object: allowed, warned about, redacted or blocked, by kind of data. */
import { type PiiAction, type PiiEntityName, type PolicyRule, piiEntities } from '@mnemos/api'
import { type Compiled, compiled, type Judgement, type RuleFinding } from '../rule-kind.ts'
import { type Text, textsOf } from '../texts.ts'

type PiiRule = NonNullable<PolicyRule['pii']>

export function piiRule(rule: PiiRule): Compiled<Judgement> {
  const actions = piiActionsOf(rule)
  const wanted = piiEntities.filter((entity) => actions.get(entity) !== 'Allow')
  return compiled({
    kinds: ['Job', 'Pipeline', 'PipelineRun'],
    judge: ({ kind, spec }, { findPii }) =>
      textsOf(kind, spec).flatMap((text) => {
        const counts = new Map<PiiEntityName, number>()
        for (const { entity } of findPii(text.text, wanted)) counts.set(entity, (counts.get(entity) ?? 0) + 1)
        return [...counts].map(([entity, count]) => findingOf(text, entity, count, actions.get(entity) ?? 'Block'))
      }),
  })
}

/** The action for each kind of personal data. */
export function piiActionsOf(rule: PiiRule): ReadonlyMap<PiiEntityName, PiiAction> {
  return new Map(piiEntities.map((entity) => [entity, rule.entities?.[entity] ?? rule.default]))
}

/** Says of what kind and how many, never what. */
function findingOf({ path, isInput }: Text, entity: PiiEntityName, count: number, action: PiiAction): RuleFinding {
  const message = `holds personal data (${entity}${count === 1 ? '' : `, ${count} times`})`
  if (action === 'Warn') return { path, message, action, entity }
  if (action === 'Redact' && isInput) return { path, message, action, entity }
  return { path, message, suggestion: 'remove it, or pass a placeholder', entity }
}
