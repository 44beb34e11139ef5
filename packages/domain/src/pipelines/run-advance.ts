/**
 * One pass over the steps of a run: what has ended, what starts now, what never will.
 *
 * Flow: observe → what a retry keeps → [progress of the graph → begin what can start] until nothing ends at once → fan-outs.
 * Guarantees: pure; a child is asked for once as long as its creation is remembered, and asking again is harmless, because its name
 * follows from the run, the step and the item. Whatever cannot be derived again (kept, remembered, refused) is told by `mustTell`.
 */
import type { KubeObject, ObjectPatch } from '@mnemos/kube'
import { approvalView } from './approval-step.ts'
import { trippedBreaker } from './breaker.ts'
import type { CompiledStep } from './compiled.ts'
import { startFan } from './fan-step.ts'
import type { StepGraph } from './graph.ts'
import type { ParameterValues } from './parameters.ts'
import { isEnded, progressOf, type StepState, waiting } from './progress.ts'
import { publish } from './publish-step.ts'
import { keepEarlier } from './retry-from.ts'
import { stepLabel } from './run-names.ts'
import { type AdvanceRules, Pass, type Revision, type Wait } from './run-pass.ts'
import { failed, isUnderWay, type StepView, skipped, stopping } from './run-steps.ts'
import type { RunValues } from './run-values.ts'
import type { RunWorld } from './run-world.ts'
import { brokenOutput } from './step-outputs.ts'
import { substitute } from './substitute.ts'

export interface Advance {
  readonly views: ReadonlyMap<string, StepView>
  readonly values: RunValues
  readonly create: readonly KubeObject[]
  readonly patch: readonly ObjectPatch[]
  readonly waits: readonly Wait[]
  /** Pieces of work that have yet to end. */
  readonly underWay: number
  readonly isMainOver: boolean
  readonly isOver: boolean
  /** The status must say at once what this pass decided. */
  readonly mustTell: boolean
}

export function advance(world: RunWorld, revision: Revision, params: ParameterValues, rules: AdvanceRules, now: number): Advance {
  const { main, last } = revision.pipeline
  const pass = new Pass(world, revision, params, now)
  keepEarlier(pass)
  for (const step of revision.pipeline.steps.keys()) judgeOutputs(pass, step)
  const isMainOver = advanceGraph(pass, main, rules)
  const ending = { ...rules, isEnding: false }
  const haveEnded = isMainOver && advanceGraph(pass, last, ending)
  // Nobody looks at the Jobs of a run that is over: what is under way although its step has ended is stopped first.
  const isOver = haveEnded && pass.underWay === 0
  if (haveEnded) stopWork(pass, [...main.order, ...last.order])
  else if (rules.isEnding) stopWork(pass, main.order)
  const { views, values, create, patch, waits, mustTell } = pass
  const underWay = pass.underWay + create.length
  return { ...{ views, values, create, patch, waits, mustTell, isMainOver, isOver }, underWay }
}

/** A step whose outputs are not what the pipeline says of them has failed, however its Job ended. */
function judgeOutputs({ views, values, world, revision }: Pass, name: string): void {
  const step = revision.pipeline.steps.get(name)
  const view = views.get(name)
  if (step === undefined || step.schemas.size === 0 || view?.state.phase !== 'Succeeded') return
  const isRecorded = world.run.status?.steps.some(({ name, phase }) => name === step.name && phase === 'Succeeded') === true
  const mistake = isRecorded ? undefined : brokenOutput(step, values.outputsOf(step.name))
  if (mistake !== undefined) views.set(step.name, { ...view, ...failed(mistake) })
}

/** @returns whether every step of the graph has ended */
function advanceGraph(pass: Pass, graph: StepGraph, { isEnding, isHeld }: AdvanceRules): boolean {
  const { views } = pass
  for (;;) {
    const states = new Map(graph.order.map((name): [string, StepState] => [name, views.get(name)?.state ?? { phase: 'Waiting' }]))
    const errors = new Map<string, string>()
    const { start, skip, isOver } = progressOf(graph, states, {
      uses: (step, other) => pass.revision.pipeline.steps.get(step)?.uses.has(other) === true,
      holds: (step) => conditionHolds(pass, step, errors),
      maxRunning: isHeld ? 0 : Number.POSITIVE_INFINITY,
      isEnding,
      isDecided: (step) => isDecided(pass, step),
    })
    for (const [step, why] of skip) views.set(step, skipped(why))
    let hasEnded = false
    const begun = new Set(start)
    for (const name of start) {
      const error = errors.get(name)
      const view = error === undefined ? begin(pass, name, graph, isEnding) : failed(`when: ${error}`)
      if (view === undefined) continue
      views.set(name, view)
      judgeOutputs(pass, name)
      hasEnded ||= isEnded(view.state)
    }
    if (!hasEnded) {
      if (isOver) return true
      return goOn(pass, graph, { isEnding, isHeld }, begun) ? advanceGraph(pass, graph, { isEnding, isHeld }) : false
    }
  }
}

function conditionHolds({ revision, values }: Pass, step: string, errors: Map<string, string>): boolean {
  const { when, spec } = revision.pipeline.steps.get(step) ?? {}
  // With forEach it is asked of each item.
  if (when === undefined || spec?.forEach !== undefined) return true
  const holds = values.holds(when)
  if (typeof holds === 'boolean') return holds
  errors.set(step, holds.error)
  return true
}

/** A gate, an approval about which somebody has decided, and a list of which nothing is to be done. */
function isDecided({ revision, world }: Pass, name: string): boolean {
  const { type, spec } = revision.pipeline.steps.get(name) ?? {}
  if (type === 'gate' || spec?.forEach !== undefined) return true
  return type === 'approval' && isEnded(approvalView(world.run, name, spec?.approval ?? { byOther: false }, '').state)
}

/** What becomes of a step that can start; undefined while it has to wait after all. */
function begin(pass: Pass, name: string, graph: StepGraph, isEnding: boolean): StepView | undefined {
  const step = pass.revision.pipeline.steps.get(name)
  if (step === undefined) return undefined
  if (isEnding && step.spec.forEach !== undefined) {
    const view = startFan(pass, step, { isEnding, isHeld: false })
    return view !== 'full' && view.state.phase === 'Succeeded' ? view : skipped('RunEnded')
  }
  const breaker = trippedBreaker(pass.world, step)
  if (breaker !== undefined) {
    // It is looked at again whenever another step ends in this pass.
    if (!pass.waits.some(({ step: waiting }) => waiting === name))
      pass.waits.push({ step: name, reason: 'BreakerTripped', message: breaker })
    return undefined
  }
  const view = beginByType(pass, step)
  if (view === 'full') return undefined
  return orNoOutput(pass, step, graph, view)
}

/** At the end of a run, what a step speaks of may never have been made: it is not that the step failed. */
function orNoOutput(pass: Pass, step: CompiledStep, graph: StepGraph, view: StepView): StepView {
  const hasFailed = graph === pass.revision.pipeline.last && view.state.phase === 'Failed' && (view.instances?.work.size ?? 0) === 0
  return hasFailed && isMissing(pass, step) ? skipped('NoOutput', view.message) : view
}

function isMissing({ views }: Pass, { uses }: CompiledStep): boolean {
  return [...uses].some((other) => views.get(other)?.state.phase !== 'Succeeded')
}

function beginByType(pass: Pass, step: CompiledStep): StepView | 'full' {
  const { values, world } = pass
  if (step.spec.forEach !== undefined) return startFan(pass, step)
  switch (step.type) {
    case 'gate': {
      const passed = step.gate === undefined ? true : values.holds(step.gate)
      if (passed === true) return { state: { phase: 'Succeeded' } }
      return failed(passed === false ? (step.spec.gate?.message ?? 'The gate is closed.') : `gate.expression: ${passed.error}`)
    }
    case 'approval': {
      const { approval = { byOther: false } } = step.spec
      const message = substitute(approval.message ?? '', (reference) => values.resolve(reference))
      if ('missing' in message) return failed(message.missing)
      const view = approvalView(world.run, step.name, approval, String(message.value))
      if (view.state.phase === 'Running')
        pass.waits.push({ step: step.name, reason: 'ApprovalNeeded', message: `Step ${step.name} ${view.message ?? ''}` })
      return view
    }
    case 'publish': {
      const { view, create, patch } = publish(world, values, step)
      pass.create.push(...create)
      pass.patch.push(...patch)
      // Once the alias has moved, nobody may take this for undone.
      if (isEnded(view.state)) pass.mustTell = true
      return view
    }
    default:
      return pass.start(step)
  }
}

/** Fan-outs that go on. @param begun those that were looked at just now @returns whether one of them has ended */
function goOn(pass: Pass, graph: StepGraph, { isEnding, isHeld }: AdvanceRules, begun: ReadonlySet<string>): boolean {
  for (const name of graph.order) {
    const step = pass.revision.pipeline.steps.get(name)
    const view = pass.views.get(name)
    if (step?.spec.forEach === undefined || begun.has(name) || view?.state.phase !== 'Running') continue
    // While a run is held, what comes before may not be decided again, and its values are not there.
    const isReady = (graph.dependencies.get(name) ?? []).every((other) => isEnded(pass.views.get(other)?.state ?? waiting))
    if (!isReady) continue
    const started = startFan(pass, step, { isEnding, isHeld })
    if (started === 'full') continue
    const next = orNoOutput(pass, step, graph, started)
    pass.views.set(name, next)
    judgeOutputs(pass, name)
    // Conditions of instances look at what comes between: that is decided before the next fan-out is looked at.
    if (isEnded(next.state)) return true
  }
  return false
}

/** Stops whatever of these steps is under way. */
function stopWork({ world, patch }: Pass, steps: readonly string[]): void {
  const names = new Set(steps)
  for (const work of [...world.jobs, ...world.calls]) {
    const { metadata, spec } = work
    if (names.has(metadata.labels?.[stepLabel] ?? '') && isUnderWay(work) && !spec.cancel) patch.push(stopping(work))
  }
}
