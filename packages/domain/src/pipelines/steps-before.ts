/** Whom each step of a pipeline waits for: what it names in `dependsOn`, and every step whose output it refers to. Of whatever was stored once. */
import { fieldOf } from '../reading.ts'
import { checkStep } from './check-references.ts'
import { readSteps } from './step.ts'

/** @param spec of a Pipeline or of a revision */
export function stepsBefore(spec: unknown): ReadonlyMap<string, readonly string[]> {
  const steps = [...readSteps(fieldOf(spec, 'steps'), ['steps']), ...readSteps(fieldOf(spec, 'finally'), ['finally'])]
  // Nobody asks here what a wrong name was meant to be.
  const named = { params: new Map(), steps: new Map(steps.map((step) => [step.name, step])), meant: () => undefined }
  return new Map(steps.map((step) => [step.name, [...new Set([...step.dependsOn, ...checkStep(step, named).edges].map(({ on }) => on))]]))
}
