/**
 * The steps of a pipeline as a picture needs them: what each does, whom it waits for, in an order in which they can go.
 *
 * Total, on whatever a user wrote: a pipeline that is wrong has a picture, too. Edges to steps that there are not are left out, and the steps
 * of a cycle stand last. What is wrong with a pipeline is told by check-pipeline.ts.
 */
import { fieldOf, itemsOf } from '../reading.ts'
import { checkStep, type Named } from './check-references.ts'
import { type ReadStep, readSteps } from './step.ts'

/** Everything that a step can say that it does. */
const stepWorks = ['inference', 'container', 'training', 'embedding', 'gate', 'approval', 'pipeline', 'publish'] as const

export interface OutlineStep {
  readonly name: string
  /** What it does, as the field that says so; `step` when none or several do. */
  readonly type: string
  /** Steps that it waits for, written down or because it refers to them. */
  readonly after: readonly string[]
  /** It has an instance for each item of a list. */
  readonly isFan: boolean
  /** It is done when all others have ended. */
  readonly isFinal: boolean
}

/** Every step after those that it waits for; those of `finally` last. @param spec of a Pipeline */
export function outlineOf(spec: unknown): readonly OutlineStep[] {
  return [...outlined(fieldOf(spec, 'steps'), false), ...outlined(fieldOf(spec, 'finally'), true)]
}

function outlined(list: unknown, isFinal: boolean): readonly OutlineStep[] {
  const steps = readSteps(list, [])
  const named: Named = { params: new Map(), steps: new Map(steps.map((step) => [step.name, step])) }
  const works = new Map(itemsOf(list).map((step) => [fieldOf(step, 'name'), workOf(step)]))
  const all = steps.map(
    (step): OutlineStep => ({
      name: step.name,
      type: works.get(step.name) ?? 'step',
      after: waitsFor(step, named),
      isFan: step.forEach !== undefined,
      isFinal,
    }),
  )
  return ordered(all)
}

function workOf(step: unknown): string {
  const [only, second] = stepWorks.filter((work) => fieldOf(step, work) !== undefined)
  return only === undefined || second !== undefined ? 'step' : only
}

function waitsFor(step: ReadStep, named: Named): readonly string[] {
  const edges = [...step.dependsOn, ...checkStep(step, named).edges]
  return [...new Set(edges.map(({ on }) => on))].filter((on) => on !== step.name && named.steps.has(on))
}

function ordered(steps: readonly OutlineStep[]): readonly OutlineStep[] {
  const open = new Map(steps.map(({ name, after }) => [name, after.length]))
  const dependents = new Map<string, OutlineStep[]>(steps.map(({ name }) => [name, []]))
  for (const step of steps) for (const on of step.after) dependents.get(on)?.push(step)
  const ready = steps.filter(({ after }) => after.length === 0)
  for (const step of ready) {
    for (const next of dependents.get(step.name) ?? []) {
      const left = (open.get(next.name) ?? 0) - 1
      open.set(next.name, left)
      if (left === 0) ready.push(next)
    }
  }
  const placed = new Set(ready)
  return [...ready, ...steps.filter((step) => !placed.has(step))]
}
