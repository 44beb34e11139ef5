/**
 * What comes next in a run: which steps can start, which never will, and whether all is over.
 *
 * Pure and total, in one pass over the graph, so that everything that one ending leads to is decided at once. It knows phases and
 * nothing of Jobs: what a phase is read from is somebody else's.
 *
 * - A step starts when every step that it waits for has succeeded, or was skipped by its own condition and is not referred to.
 * - What waits for a step that failed or was cancelled, directly or not, is skipped, and nothing else is because of it.
 * - A step whose condition does not hold is skipped, and with it whatever refers to its outputs.
 */
import type { StepGraph } from './graph.ts'

export type StepPhase = 'Waiting' | 'Running' | 'Succeeded' | 'Failed' | 'Cancelled' | 'Skipped'

/** Why a step never ran: a step before it failed, its condition did not hold, an output that it refers to was never made, or the run ended. */
export type SkipReason = 'Upstream' | 'Condition' | 'NoOutput' | 'RunEnded'

export type StepState = { readonly phase: Exclude<StepPhase, 'Skipped'> } | { readonly phase: 'Skipped'; readonly why: SkipReason }

export interface ProgressRules {
  /** Whether the step refers to an output of the other. */
  uses(step: string, other: string): boolean
  /** Whether the condition of a step holds; asked only when everything that it waits for is over. */
  holds(step: string): boolean
  /** Most steps that run at once. */
  readonly maxRunning: number
  /** Nothing new starts: the run was cancelled or is out of time. */
  readonly isEnding: boolean
  /** Whether the step only says what is known already, so that it ends even then as it may have ended before: others may have begun after it. */
  isDecided?(step: string): boolean
}

export interface Progress {
  /** In the order of the graph. */
  readonly start: readonly string[]
  readonly skip: ReadonlyMap<string, SkipReason>
  /** Every step has ended, those that are skipped now included. */
  readonly isOver: boolean
}

export const waiting: StepState = { phase: 'Waiting' }

/** Whether a phase is never left again. */
export function isEnded({ phase }: StepState): boolean {
  return phase !== 'Waiting' && phase !== 'Running'
}

/** @param states of the steps that are more than waiting */
export function progressOf(graph: StepGraph, states: ReadonlyMap<string, StepState>, rules: ProgressRules): Progress {
  const skip = new Map<string, SkipReason>()
  const start: string[] = []
  const stateOf = (step: string): StepState => {
    const why = skip.get(step)
    return why === undefined ? (states.get(step) ?? waiting) : { phase: 'Skipped', why }
  }
  let running = [...states.values()].filter(({ phase }) => phase === 'Running').length
  let open = 0
  for (const step of graph.order) {
    if (isEnded(stateOf(step))) continue
    open += 1
    if (stateOf(step).phase === 'Running') continue
    const verdict = verdictOn(step, graph.dependencies.get(step) ?? [], stateOf, rules)
    if (verdict === 'wait' || (verdict === 'start' && running >= rules.maxRunning)) continue
    if (verdict === 'start') {
      start.push(step)
      running += 1
      continue
    }
    skip.set(step, verdict)
    open -= 1
  }
  return { start, skip, isOver: open === 0 }
}

function verdictOn(
  step: string,
  dependencies: readonly string[],
  stateOf: (step: string) => StepState,
  rules: ProgressRules,
): 'wait' | 'start' | SkipReason {
  const before = dependencies.map((name) => ({ name, state: stateOf(name) }))
  // One failure decides, however many others still run.
  if (before.some(({ state }) => breaks(state))) return 'Upstream'
  // Also when the run ends: what it waits for is stopped, and then it is known why this one never ran.
  if (before.some(({ state }) => !isEnded(state))) return 'wait'
  // Only then: had another of them failed first, it would be that, and so would be whatever comes after.
  if (before.some(({ name, state }) => state.phase === 'Skipped' && rules.uses(step, name))) return 'NoOutput'
  if (!rules.holds(step)) return 'Condition'
  return rules.isEnding && rules.isDecided?.(step) !== true ? 'RunEnded' : 'start'
}

/** Whether what comes after a step cannot come any more. */
function breaks(state: StepState): boolean {
  if (state.phase === 'Skipped') return state.why === 'Upstream' || state.why === 'RunEnded'
  return state.phase === 'Failed' || state.phase === 'Cancelled'
}
