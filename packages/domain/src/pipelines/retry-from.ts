/**
 * What a retry keeps of an earlier run: steps that succeeded and do not come after one that is done again; of a fan-out that is done
 * again because it failed, the instances that succeeded, where the item is the same.
 */
import type { PipelineRun, RunStepStatus } from '@mnemos/api'
import type { CompiledStep } from './compiled.ts'
import { decodePhases } from './fan-out.ts'
import { descendantsOf } from './graph.ts'
import { itemHashAnnotation } from './run-names.ts'
import type { Pass } from './run-pass.ts'
import { phaseOf } from './run-steps.ts'
import { hashOf } from './step-child.ts'

/** Takes over what the earlier run finished, for steps of which this one knows nothing yet. */
export function keepEarlier(pass: Pass): void {
  const { retryFrom } = pass.world.run.spec
  const earlier = retryFrom === undefined ? undefined : pass.world.source(retryFrom.run)?.run
  if (retryFrom === undefined || earlier === undefined) return
  const again = doneAgain(pass, earlier, retryFrom.steps)
  for (const entry of earlier.status?.steps ?? []) {
    const { name, phase, items, job } = entry
    const view = pass.views.get(name)
    if (phase !== 'Succeeded' || again.has(name) || view?.state.phase !== 'Waiting') continue
    const instances =
      items === undefined ? {} : { instances: { phases: decodePhases(items) ?? [], work: new Map<number, never>(), isWhole: true } }
    pass.views.set(name, { state: { phase }, run: earlier.metadata.name, ...(job === undefined ? {} : { job }), ...instances })
    pass.mustTell = true
  }
}

/** Places of the items whose instances succeeded in the earlier run; undefined when that does not matter to this step. */
export function keptInstances(
  pass: Pass,
  step: CompiledStep,
  items: readonly unknown[],
): { readonly run: string; readonly places: readonly number[] } | undefined {
  const { retryFrom } = pass.world.run.spec
  // Who names the step wants it done again as a whole.
  if (retryFrom === undefined || retryFrom.steps?.includes(step.name) === true) return undefined
  const kept = pass.values.keptWork(retryFrom.run, step.name)
  const places = items.flatMap((value, place) => {
    const work = kept.get(place)
    const isSame = work !== undefined && phaseOf(work) === 'Succeeded' && work.metadata.annotations?.[itemHashAnnotation] === hashOf(value)
    return isSame ? [place] : []
  })
  return { run: retryFrom.run, places }
}

function doneAgain({ revision }: Pass, { status }: PipelineRun, wanted: readonly string[] | undefined): ReadonlySet<string> {
  const roots = wanted ?? (status?.steps ?? []).filter(hasNotSucceeded).map(({ name }) => name)
  const { main, last } = revision.pipeline
  return new Set([...roots, ...roots.flatMap((step) => [...descendantsOf(main, step), ...descendantsOf(last, step)]), ...last.order])
}

/** What was skipped by its own condition is asked again; that costs nothing. */
function hasNotSucceeded({ phase, why }: RunStepStatus): boolean {
  return phase !== 'Succeeded' && !(phase === 'Skipped' && why === 'Condition')
}
