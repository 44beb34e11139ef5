/**
 * The steps of a run as they are shown: what the pipeline says of each, joined with what the run and its Jobs have come to.
 *
 * Pure. A step of which the run says nothing waits; times are those of the Jobs, where they are known.
 */
import type { PipelineRun, RunStepStatus } from '@mnemos/api'
import type { RunStep } from '@mnemos/contract'
import { countsOf, decodePhases, type OutlineStep, outlineOf, type StepPhase } from '@mnemos/domain'

/** A step, or one instance of it, with its Job, as the server lists them. */
export type StepRow = RunStep

/** A run as the server may return it: a fresh one has no status yet. */
export type ShownRun = Pick<PipelineRun, 'apiVersion' | 'kind' | 'metadata' | 'spec' | 'status'>

export interface ShownStep extends OutlineStep {
  readonly phase: StepPhase
  readonly why?: RunStepStatus['why']
  readonly message?: string
  /** How many instances are in each phase, of a step over a list. */
  readonly counts?: Readonly<Partial<Record<StepPhase, number>>>
  /** Where its result comes from, when it did not run here. */
  readonly keptFrom?: string
  /** ms since 1970. */
  readonly startedAt?: number
  readonly finishedAt?: number
  /** It goes on when a person says so. */
  readonly needsDecision: boolean
}

/** @param spec of the revision that is run; without one the steps are those that the run tells of */
export function shownSteps(spec: unknown, run?: ShownRun, rows: readonly StepRow[] = []): readonly ShownStep[] {
  const told = new Map((run?.status?.steps ?? []).map((step) => [step.name, step]))
  const times = timesOf(rows)
  const outline = outlineOf(spec)
  const known = new Set(outline.map(({ name }) => name))
  const types = new Map(rows.map(({ step, type }) => [step, type]))
  const others = [...told.keys()]
    .filter((name) => !known.has(name))
    .map((name): OutlineStep => ({ name, type: types.get(name) ?? 'step', after: [], isFan: false, isFinal: false }))
  const waitsForPerson = run === undefined ? new Set<string>() : decisionsWanted(run, outline)
  return [...outline, ...others].map((step) => ({
    ...step,
    ...(told.has(step.name) ? stateOf(told.get(step.name)) : { phase: 'Waiting' as const }),
    ...times.get(step.name),
    needsDecision: waitsForPerson.has(step.name),
  }))
}

/** Steps that wait for a person: approvals that are at work, and steps before which a run paused. */
function decisionsWanted(run: ShownRun, outline: readonly OutlineStep[]): ReadonlySet<string> {
  if (isOver(run)) return new Set()
  const types = new Map(outline.map(({ name, type }) => [name, type]))
  const decided = new Set((run.spec.approvals ?? []).map(({ step }) => step))
  const isTripped = reasonOf(run) === 'BreakerTripped'
  const wanted = (run.status?.steps ?? []).filter(({ name, phase, message }) => {
    if (phase !== 'Running' && phase !== 'Waiting') return false
    if (types.get(name) === 'approval') return phase === 'Running' || message !== undefined
    return isTripped && phase === 'Waiting' && message !== undefined && !decided.has(name)
  })
  return new Set(wanted.map(({ name }) => name))
}

export function isOver(run: ShownRun): boolean {
  return ['Succeeded', 'Failed', 'Cancelled'].includes(run.status?.phase ?? '')
}

/** The condition that sums the run up. */
export function summaryOf(run: ShownRun): NonNullable<ShownRun['status']>['conditions'][number] | undefined {
  const conditions = run.status?.conditions ?? []
  return (
    conditions.find(({ type }) => type === 'Succeeded') ??
    conditions.find(({ type }) => type === 'Stalled') ??
    conditions.find(({ type }) => type === 'Reconciling') ??
    conditions[0]
  )
}

export const reasonOf = (run: ShownRun): string | undefined => summaryOf(run)?.reason

function stateOf(step: RunStepStatus | undefined): Pick<ShownStep, 'phase' | 'why' | 'message' | 'counts' | 'keptFrom'> {
  if (step === undefined) return { phase: 'Waiting' }
  const phases = step.items === undefined ? undefined : decodePhases(step.items)
  const keptFrom = step.job === undefined ? (step.run === undefined ? undefined : `run ${step.run}`) : `Job ${step.job}`
  return {
    phase: step.phase,
    ...(step.why === undefined ? {} : { why: step.why }),
    ...(step.message === undefined ? {} : { message: step.message }),
    ...(phases === undefined ? {} : { counts: countsOf(phases) }),
    ...(keptFrom === undefined ? {} : { keptFrom }),
  }
}

/** From the first start to the last end of its instances; no end while one is at work. */
function timesOf(rows: readonly StepRow[]): ReadonlyMap<string, Pick<ShownStep, 'startedAt' | 'finishedAt'>> {
  const times = new Map<string, { startedAt?: number; finishedAt?: number }>()
  const running = new Set(rows.filter(({ phase }) => phase === 'Running').map(({ step }) => step))
  for (const { step, startedAt, finishedAt } of rows) {
    const before = times.get(step) ?? {}
    const [began, ended] = [Date.parse(startedAt ?? ''), Date.parse(finishedAt ?? '')]
    times.set(step, {
      ...before,
      ...(Number.isNaN(began) ? {} : { startedAt: Math.min(before.startedAt ?? began, began) }),
      ...(Number.isNaN(ended) || running.has(step) ? {} : { finishedAt: Math.max(before.finishedAt ?? ended, ended) }),
    })
  }
  return times
}
