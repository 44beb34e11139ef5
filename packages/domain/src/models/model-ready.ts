/** A Model whose bytes are known: what policies have against it, where the bytes are, and that it is served. */
import type { ConditionFact, Model, ModelStatus } from '@mnemos/api'
import type { ModelPlan, ModelWorld } from './model.ts'
import { withServing } from './model-serving.ts'
import { isStalledFor, plan } from './model-status.ts'

const maxWorkersListed = 64

/**
 * Where the bytes are changes with every Worker, so it is written rarely.
 * @param facts that the bytes are verified, if nothing else were to be said
 */
export function readyPlan(world: ModelWorld, status: ModelStatus, facts: ConditionFact[]): ModelPlan {
  if (world.violation !== undefined) return forbiddenPlan(world.model, status, { violation: world.violation, facts })
  return withServing(world, verifiedPlan(world, { ...status, phase: 'Ready' }, facts))
}

/** The bytes stay verified, so that nothing is imported again when the policy changes its mind. */
function forbiddenPlan(
  model: Model,
  status: ModelStatus,
  { violation, facts }: { readonly violation: string; readonly facts: readonly ConditionFact[] },
): ModelPlan {
  const reason = 'PolicyViolation'
  const told: ConditionFact[] = [
    { type: 'Ready', status: 'False', reason, message: violation },
    ...facts.filter(({ type }) => type === 'ArtifactVerified'),
    { type: 'Stalled', status: 'True', reason, message: violation },
  ]
  return {
    ...plan({ ...status, phase: 'Failed' }, told),
    events: isStalledFor(model, reason) ? [] : [{ type: 'Warning', reason, action: 'Judge', note: violation }],
  }
}

function verifiedPlan({ model, cachedOn, loadedOn, dueInMs }: ModelWorld, status: ModelStatus, facts: ConditionFact[]): ModelPlan {
  const places = { cachedOn: cachedOn.slice(0, maxWorkersListed), loadedOn: loadedOn.slice(0, maxWorkersListed) }
  if (isSame(places.cachedOn, status.cachedOn) && isSame(places.loadedOn, status.loadedOn)) return plan(status, facts)
  if (dueInMs > 0) return { ...plan(status, facts), next: { kind: 'after', seconds: dueInMs / 1000 } }
  return { ...plan({ ...status, ...places }, facts), effects: [{ type: 'written', uid: model.metadata.uid ?? '' }] }
}

function isSame(a: readonly string[], b: readonly string[] | undefined): boolean {
  return b !== undefined && a.length === b.length && a.every((name, index) => name === b[index])
}
