/** The status of a Model in parts: what every plan starts from, and what a Model says that waits or cannot go on. */
import type { ConditionFact, Model, ModelStatus, Reason } from '@mnemos/api'
import type { ModelPlan } from './model.ts'

export function statusOfModel({ status }: Model): ModelStatus {
  return status ?? { phase: 'Pending', observedGeneration: 0, conditions: [] }
}

/** The status of a Model of whose bytes nothing is known (any more). */
export function withoutBytes(model: Model): ModelStatus {
  const { digest: _digest, artifact: _artifact, sizeBytes: _size, resolved: _resolved, progress: _progress, ...rest } = statusOfModel(model)
  const { importedBy: _importedBy, target: _target, runtime: _runtime, ...kept } = rest
  return kept
}

export function plan(status: ModelStatus | undefined, conditions: ConditionFact[]): ModelPlan {
  return { status, ...(status === undefined ? {} : { conditions }), apply: [], remove: [], events: [], next: { kind: 'change' } }
}

export function waitingFacts(reason: Reason, message: string): ConditionFact[] {
  return [
    { type: 'Ready', status: 'False', reason, message },
    { type: 'Reconciling', status: 'True', reason, message },
  ]
}

/** Nothing more happens to the bytes until somebody changes something. */
export function stalledPlan(model: Model, reason: Reason, message: string): ModelPlan {
  const facts: ConditionFact[] = [
    { type: 'Ready', status: 'False', reason, message },
    { type: 'ArtifactVerified', status: 'False', reason, message },
    { type: 'Stalled', status: 'True', reason, message },
  ]
  const { digest: _digest, artifact: _artifact, progress: _progress, ...kept } = statusOfModel(model)
  return {
    ...plan({ ...kept, phase: 'Failed' }, facts),
    events: isStalledFor(model, reason) ? [] : [{ type: 'Warning', reason, action: 'Import', note: message }],
  }
}

/** Whether the Model says so already. */
export function isStalledFor(model: Model, reason: Reason): boolean {
  return model.status?.conditions.some((condition) => condition.type === 'Stalled' && condition.reason === reason) ?? false
}
