/**
 * The steps of a pipeline as a picture needs them: what each does, whom it waits for, in an order in which they can go.
 *
 * Total, on whatever a user wrote: a pipeline that is wrong has a picture, too. Edges to steps that there are not are left out, and the steps
 * of a cycle stand last. What is wrong with a pipeline is told by check-pipeline.ts.
 */
import { fieldOf, itemsOf } from '../reading.ts'
import { readSteps } from './step.ts'
import { stepsBefore } from './steps-before.ts'

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
  const before = stepsBefore(spec)
  return [...outlined(fieldOf(spec, 'steps'), before, false), ...outlined(fieldOf(spec, 'finally'), before, true)]
}

function outlined(list: unknown, before: ReadonlyMap<string, readonly string[]>, isFinal: boolean): readonly OutlineStep[] {
  const steps = readSteps(list, [])
  const names = new Set(steps.map(({ name }) => name))
  const works = new Map(itemsOf(list).map((step) => [fieldOf(step, 'name'), workOf(step)]))
  const all = steps.map(
    ({ name, forEach }): OutlineStep => ({
      name,
      type: works.get(name) ?? 'step',
      // A step at the end comes after all others anyway.
      after: (before.get(name) ?? []).filter((on) => on !== name && names.has(on)),
      isFan: forEach !== undefined,
      isFinal,
    }),
  )
  return ordered(all)
}

function workOf(step: unknown): string {
  const [only, second] = stepWorks.filter((work) => fieldOf(step, work) !== undefined)
  return only === undefined || second !== undefined ? 'step' : only
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
