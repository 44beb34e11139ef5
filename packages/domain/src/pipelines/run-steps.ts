/**
 * The steps of a run as their Jobs and calls show them: phases, who has each piece of work, and what is kept of earlier runs.
 *
 * Guarantees: what the status says has ended stays so, whatever became of the Job. Takes time in proportion to steps and Jobs.
 */
import type { Job, PipelineRun, RunStepStatus } from '@mnemos/api'
import type { ObjectPatch } from '@mnemos/kube'
import { isTerminal, statusOf } from '../scheduling/job-status.ts'
import type { CompiledPipeline } from './compiled.ts'
import { decodePhases } from './fan-out.ts'
import { isEnded, type SkipReason, type StepPhase, type StepState, waiting } from './progress.ts'
import { childOf, placeOf } from './run-names.ts'
import { isUnseen, type RunSource, type RunWorld } from './run-world.ts'

/** A Job, or a called run: whatever does a piece of work. */
export type Work = Job | PipelineRun

export interface StepView {
  readonly state: StepState
  /** Of a step without forEach. */
  readonly work?: Work | undefined
  /** Of a step with forEach, by the place of the item. */
  readonly instances?: Instances | undefined
  /** Name of the Job that has the result, when it is nobody's of this run. */
  readonly job?: string | undefined
  /** Name of the run whose work is kept. */
  readonly run?: string | undefined
  readonly message?: string | undefined
}

export interface Instances {
  readonly phases: readonly StepPhase[]
  readonly work: ReadonlyMap<number, Work>
  /** The phases are those of all items; otherwise the list is yet to be looked at. */
  readonly isWhole: boolean
  /** Why instances failed that have no work. */
  readonly message?: string | undefined
}

/** Work of a run by its steps. */
export type WorkByStep = ReadonlyMap<string, ReadonlyMap<number | undefined, Work>>

export function workByStep({ jobs, calls }: RunSource): WorkByStep {
  const found = new Map<string, Map<number | undefined, Work>>()
  for (const work of [...jobs, ...calls]) {
    const { step, item } = placeOf(work)
    const known = found.get(step)
    if (known === undefined) found.set(step, new Map([[item, work]]))
    else known.set(item, work)
  }
  return found
}

/** What is known of every step before anything is decided. */
export function observedSteps(world: RunWorld, pipeline: CompiledPipeline): Map<string, StepView> {
  const work = workByStep(world)
  const recorded = new Map((world.run.status?.steps ?? []).map((entry) => [entry.name, entry]))
  return new Map(
    [...pipeline.steps.values()].map(({ name, spec }) => {
      const own = work.get(name) ?? new Map<number | undefined, Work>()
      const entry = recorded.get(name)
      if (spec.forEach !== undefined) return [name, fanView(own, entry)]
      return [name, singleView(own.get(undefined), entry, world.made.size > 0 && isUnseen(world, childOf(world.run, name)))]
    }),
  )
}

/** @param isMade its child was created, and is yet to be seen */
function singleView(work: Work | undefined, entry: RunStepStatus | undefined, isMade: boolean): StepView {
  const known = entry === undefined ? undefined : stateOfEntry(entry)
  if (entry !== undefined && known !== undefined && isEnded(known))
    return { state: known, work, job: entry.job, run: entry.run, message: entry.message }
  if (work === undefined) return { state: isMade ? { phase: 'Running' } : waiting }
  return { state: { phase: phaseOf(work) }, work, message: messageOf(work) }
}

/** Phases of its instances; of those that are neither recorded nor there nothing is known. */
function fanView(own: ReadonlyMap<number | undefined, Work>, entry: RunStepStatus | undefined): StepView {
  const known = entry === undefined ? undefined : stateOfEntry(entry)
  const work = new Map([...own].flatMap(([item, each]) => (item === undefined ? [] : [[item, each] as const])))
  const before = decodePhases(entry?.items ?? '') ?? []
  // What is recorded as running and has no work was never made, is yet to be seen, or was deleted: whoever starts it knows.
  const phases = before.map((phase, item) => (phase === 'Running' && !work.has(item) ? 'Waiting' : phase))
  for (const [item, each] of work) {
    while (phases.length <= item) phases.push('Waiting')
    if (phases[item] === 'Waiting' || phases[item] === 'Running') phases[item] = phaseOf(each)
  }
  const instances = { phases, work, isWhole: entry?.items !== undefined }
  if (known !== undefined && isEnded(known)) return { state: known, instances, run: entry?.run, message: entry?.message }
  if (phases.length === 0) return { state: waiting, instances, run: entry?.run }
  return { state: { phase: 'Running' }, instances, run: entry?.run }
}

function stateOfEntry({ phase, why }: RunStepStatus): StepState {
  return phase === 'Skipped' ? { phase, why: why ?? 'Upstream' } : { phase }
}

/** What a Job, or a called run, is as a step. */
export function phaseOf(work: Work): Exclude<StepPhase, 'Skipped' | 'Waiting'> {
  const phase = work.status?.phase
  return phase === 'Succeeded' || phase === 'Failed' || phase === 'Cancelled' ? phase : 'Running'
}

/** Why it failed, as it says itself. */
export function messageOf(work: Work): string | undefined {
  if (phaseOf(work) === 'Running') return undefined
  if (work.kind === 'PipelineRun') return work.status?.phase === 'Succeeded' ? undefined : work.status?.conditions[0]?.message
  const { phase, failure } = statusOf(work)
  if (phase === 'Succeeded') return undefined
  return `Job ${work.metadata.name}: ${failure?.message ?? 'was cancelled.'}`
}

/** Whether a piece of work has yet to end. */
export function isUnderWay(work: Work): boolean {
  return work.kind === 'PipelineRun' ? phaseOf(work) === 'Running' : !isTerminal(work)
}

/** Asks a piece of work to end. */
export function stopping({ apiVersion, kind, metadata: { name, namespace = '', uid = '' } }: Work): ObjectPatch {
  return { apiVersion, kind, namespace, name, uid, patch: { spec: { cancel: true } } }
}

export function skipped(why: SkipReason, message?: string): StepView {
  return { state: { phase: 'Skipped', why }, ...(message === undefined ? {} : { message }) }
}

export function failed(message: string): StepView {
  return { state: { phase: 'Failed' }, message }
}
