/** A step with forEach: what starts next of its instances, and when the step as a whole has ended. */
import type { CompiledStep } from './compiled.ts'
import { countsOf, type FanRules, fanProgressOf, maxItems } from './fan-out.ts'
import type { StepPhase } from './progress.ts'
import { keptInstances } from './retry-from.ts'
import { childOf } from './run-names.ts'
import type { AdvanceRules, Pass } from './run-pass.ts'
import { failed, messageOf, type StepView, type Work } from './run-steps.ts'
import { isUnseen } from './run-world.ts'
import { type Resolved, substitute } from './substitute.ts'

const atStart: AdvanceRules = { isEnding: false, isHeld: false }

/** The step after everything was started that can be; `full` while not even its list could be looked at. */
export function startFan(pass: Pass, step: CompiledStep, rules: AdvanceRules = atStart): StepView | 'full' {
  const view = pass.views.get(step.name)
  const known = view?.instances?.phases ?? []
  const isListNeeded = view?.instances?.isWhole !== true || known.includes('Waiting')
  // Whoever has started all its instances has no more need of their items.
  const items = isListNeeded ? itemsOf(pass, step) : { items: undefined }
  if ('missing' in items) return known.includes('Running') ? withoutItems(view, known, items.missing) : failed(items.missing)
  const phases: StepPhase[] = items.items === undefined ? [...known] : items.items.map((_, place) => known[place] ?? 'Waiting')
  const run = keep(pass, step, phases, items.items, view)
  const { concurrency = maxItems, maxFailed } = step.spec.forEach ?? { maxFailed: 0 }
  const fan = { concurrency: rules.isHeld ? 0 : concurrency, maxFailed, isEnding: rules.isEnding }
  markMade(pass, step, phases, fan)
  if (rules.isEnding) skipUnwanted(pass, step, phases, items.items)
  let message = view?.instances?.message ?? view?.message
  for (let progress = fanProgressOf(phases, fan); ; progress = fanProgressOf(phases, fan)) {
    const before = countsOf(phases).Waiting ?? 0
    for (const place of progress.start) {
      const started = startInstance(pass, step, { item: place, value: items.items?.[place] })
      if (started === 'full') break
      phases[place] = started.state.phase
      message ??= started.message
    }
    // Instances that were skipped, remembered or refused make room for others at once.
    const hasRoom = progress.start.length > 0 && (countsOf(phases).Waiting ?? 0) < before && phases.includes('Waiting') && pass.room > 0
    if (!hasRoom) break
  }
  return viewOf({ ...view, run, message }, phases, fan)
}

/** The list is gone, for example with the Job that left it: nothing starts any more, and the step fails when what runs has ended. */
function withoutItems(view: StepView | undefined, phases: readonly StepPhase[], message: string): StepView {
  const work = view?.instances?.work ?? new Map<number, Work>()
  return { state: { phase: 'Running' }, run: view?.run, instances: { phases, work, message, isWhole: view?.instances?.isWhole === true } }
}

/** Where nothing starts any more, instances that were made and are yet to be seen still have to end. */
function markMade({ world }: Pass, step: CompiledStep, phases: StepPhase[], { concurrency, maxFailed, isEnding }: FanRules): void {
  if (world.made.size === 0) return
  if (concurrency > 0 && !isEnding && (countsOf(phases).Failed ?? 0) <= maxFailed) return
  for (const [place, phase] of phases.entries())
    if (phase === 'Waiting' && isUnseen(world, childOf(world.run, step.name, place))) phases[place] = 'Running'
}

/** Instances that would be skipped anyway: the end of a run does not make them something else. */
function skipUnwanted({ values }: Pass, { when }: CompiledStep, phases: StepPhase[], items: readonly unknown[] | undefined): void {
  if (when === undefined || items === undefined) return
  for (const [place, phase] of phases.entries())
    if (phase === 'Waiting' && values.holds(when, [items[place]]) === false) phases[place] = 'Skipped'
}

function viewOf(
  view: { readonly run?: string | undefined; readonly message?: string | undefined; readonly instances?: StepView['instances'] },
  phases: readonly StepPhase[],
  fan: FanRules,
): StepView {
  const { ended } = fanProgressOf(phases, fan)
  const work = view.instances?.work ?? new Map<number, Work>()
  const { run } = view
  const instances = { phases, work, message: view.message, isWhole: true }
  if (ended === undefined) return { state: { phase: 'Running' }, instances, run }
  if (ended === 'Succeeded') return { state: { phase: ended }, instances, run }
  const place = phases.indexOf('Failed')
  const broken = work.get(place)
  const why = broken === undefined ? view.message : messageOf(broken)
  const counts = countsOf(phases)
  return {
    ...{ state: { phase: ended }, instances, run },
    message: `${counts.Failed ?? 0} of ${phases.length} instances failed; the first, item ${place}: ${why ?? 'no reason was given'}`,
  }
}

function startInstance(pass: Pass, step: CompiledStep, instance: { readonly item: number; readonly value: unknown }): StepView | 'full' {
  const holds = step.when === undefined ? true : pass.values.holds(step.when, [instance.value])
  if (holds === false) return { state: { phase: 'Skipped', why: 'Condition' } }
  return holds === true ? pass.start(step, instance) : failed(`when: ${holds.error}`)
}

/** Marks what an earlier run has finished of the same items. @returns the name of that run when anything is kept */
function keep(
  pass: Pass,
  step: CompiledStep,
  phases: StepPhase[],
  items: readonly unknown[] | undefined,
  view: StepView | undefined,
): string | undefined {
  if (items === undefined || view?.run !== undefined) return view?.run
  const kept = keptInstances(pass, step, items)
  if (kept === undefined) return undefined
  for (const place of kept.places) if (phases[place] === 'Waiting') phases[place] = 'Succeeded'
  pass.mustTell ||= kept.places.length > 0
  return kept.places.length > 0 ? kept.run : undefined
}

function itemsOf({ values }: Pass, { spec }: CompiledStep): { readonly items: readonly unknown[] } | { readonly missing: string } {
  const found: Resolved = substitute(spec.forEach?.items, (reference) => values.resolve(reference))
  if ('missing' in found) return found
  const { value } = found
  if (!Array.isArray(value)) return { missing: 'forEach.items is no list' }
  return value.length > maxItems ? { missing: `forEach.items has ${value.length} items and may have ${maxItems}` } : { items: value }
}
