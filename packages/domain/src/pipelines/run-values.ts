/**
 * The values that the steps of a run can name: parameters, what other steps left behind, the run itself.
 *
 * Guarantees: computed only when asked for, once a pass; a value that is not there is told with the reason, never guessed.
 */
import type { Job, PipelineRun } from '@mnemos/api'
import { previousTargetAnnotation } from '../models/alias-move.ts'
import { fieldOf, itemsOf, parsedJson, present, textOf } from '../reading.ts'
import { statusOf } from '../scheduling/job-status.ts'
import type { CompiledPipeline, CompiledStep } from './compiled.ts'
import type { Condition } from './condition.ts'
import { gathered } from './fan-out.ts'
import type { ParameterValues } from './parameters.ts'
import type { StepPhase } from './progress.ts'
import type { Reference } from './reference.ts'
import { publishedModel } from './run-names.ts'
import { type StepView, type Work, type WorkByStep, workByStep } from './run-steps.ts'
import type { RunSource, RunWorld } from './run-world.ts'
import { ownOutputs, type StepType } from './step.ts'
import { childFor, rememberedJob } from './step-child.ts'
import { isValue } from './step-work.ts'
import { fieldAt, type Resolved, substitute } from './substitute.ts'

type Outputs = Readonly<Record<string, unknown>>

export interface ValueSources {
  readonly world: RunWorld
  readonly pipeline: CompiledPipeline
  readonly revision: { readonly name: string; readonly number: number }
  readonly params: ParameterValues
  readonly viewOf: (step: string) => StepView | undefined
}

const withoutJob: readonly StepType[] = ['gate', 'approval', 'publish']
/** Most runs that kept work of one another. */
const maxKept = 16

export class RunValues {
  readonly #sources: ValueSources
  readonly #outputs = new Map<string, Outputs>()
  readonly #works = new Map<string, WorkByStep>()

  constructor(sources: ValueSources) {
    this.#sources = sources
  }

  /** The value of a reference. @param item of an instance, in a list of one */
  resolve(reference: Reference, item?: readonly [unknown]): Resolved {
    switch (reference.from) {
      case 'params':
        return Object.hasOwn(this.#sources.params, reference.name)
          ? fieldAt(this.#sources.params[reference.name], reference.field)
          : { missing: `there is no parameter ${reference.name}` }
      case 'run':
        return { value: this.#run()[reference.name] }
      case 'item':
        return item === undefined ? { missing: 'there is no item here' } : fieldAt(item[0], reference.field)
      case 'steps':
        return reference.part === 'outputs' ? this.#output(reference) : this.#artifact(reference)
    }
  }

  /** Whether a condition holds, or why that cannot be said. */
  holds(condition: Condition, item?: readonly [unknown]): boolean | { readonly error: string } {
    const { pipeline, params, viewOf } = this.#sources
    const types = new Map(pipeline.declarations.map(({ name, type }) => [name, type]))
    return condition.evaluate({
      params: Object.fromEntries(
        Object.entries(params).map(([name, value]) => [name, types.get(name) === 'number' ? value : withWholeNumbers(value)]),
      ),
      steps: Object.fromEntries(
        condition.steps.map((step) => [
          step,
          { phase: viewOf(step)?.state.phase ?? 'Waiting', outputs: withWholeNumbers(this.outputsOf(step)) },
        ]),
      ),
      run: withWholeNumbers(this.#run()),
      ...(item === undefined ? {} : { item: withWholeNumbers(item[0]) }),
    })
  }

  /** All outputs of a step; none before it has succeeded. */
  outputsOf(step: string): Outputs {
    const { pipeline, viewOf } = this.#sources
    const compiled = pipeline.steps.get(step)
    const view = viewOf(step)
    // Asked first: what was judged meanwhile may have failed.
    if (compiled === undefined || view?.state.phase !== 'Succeeded') return {}
    const known = this.#outputs.get(step)
    if (known !== undefined) return known
    const outputs = this.#outputsOf(compiled, view)
    this.#outputs.set(step, outputs)
    return outputs
  }

  #output({ step, output, field }: Reference & { from: 'steps' }): Resolved {
    const outputs = this.outputsOf(step)
    if (Object.hasOwn(outputs, output)) return fieldAt(outputs[output], field)
    const view = this.#sources.viewOf(step)
    const isOfJob = view?.state.phase === 'Succeeded' && !withoutJob.includes(this.#sources.pipeline.steps.get(step)?.type ?? 'gate')
    const isGone = isOfJob && this.#sources.pipeline.steps.get(step)?.spec.forEach === undefined && this.#workOf(step, view) === undefined
    if (isGone) return { missing: `the Job of step ${step} is gone, and with it its output ${output}; do the step again in a new run` }
    const next = `name it by reference: $(steps.${step}.artifacts.${output})`
    return { missing: `step ${step} left no output ${output} that is small enough to be put in; ${next}` }
  }

  /** Where the bytes of an output are; a list for a step with forEach. */
  #artifact({ step, output }: Reference & { from: 'steps' }): Resolved {
    const view = this.#sources.viewOf(step)
    const at = (work: Work | undefined): string | null => (work === undefined ? null : `job://${work.metadata.name}/${output}`)
    if (view?.state.phase !== 'Succeeded') return { missing: `step ${step} has not succeeded` }
    if (this.#sources.pipeline.steps.get(step)?.spec.forEach === undefined) {
      const uri = at(this.#workOf(step, view))
      return uri === null ? { missing: `the Job of step ${step} is gone, and with it its artifact ${output}` } : { value: uri }
    }
    return { value: this.#fanWork(step, view).map(at) }
  }

  #run(): Readonly<Record<string, unknown>> {
    const { world, revision } = this.#sources
    const { metadata, spec } = world.run
    const { uid = '', name, namespace = '' } = metadata
    return { id: uid, name, namespace, pipeline: spec.pipelineRef.name, revision: revision.number }
  }

  #outputsOf(step: CompiledStep, view: StepView): Outputs {
    if (step.spec.forEach !== undefined) {
      const empty = Object.fromEntries((ownOutputs[step.type] ?? []).map((name) => [name, []]))
      const works = this.#fanWork(step.name, view)
      return { ...empty, ...gathered(works.map((work) => (work === undefined ? undefined : outputsOfWork(step, work)))) }
    }
    if (step.type === 'gate') return { passed: true }
    if (step.type === 'approval') return this.#decisionOf(step.name, view)
    if (step.type === 'publish') return this.#publishedBy(step, view)
    const work = this.#workOf(step.name, view)
    return work === undefined ? {} : outputsOfWork(step, work)
  }

  #decisionOf(step: string, view: StepView): Outputs {
    const made = this.#sourceOf(view).run.spec.approvals?.find((each) => each.step === step && each.decision === 'Approved')
    return { by: made?.by ?? '', at: made?.at ?? '', comment: made?.comment ?? '' }
  }

  #publishedBy({ name, spec }: CompiledStep, view: StepView): Outputs {
    const { world } = this.#sources
    const named = substitute(spec.publish?.alias ?? '', (reference) => this.resolve(reference))
    const alias = 'value' in named && typeof named.value === 'string' ? named.value : ''
    const model = publishedModel(this.#sourceOf(view).run, name, alias)
    const digest = world.modelNamed(model, undefined)?.status?.digest
    const previous = world.modelNamed(alias, undefined)?.metadata.annotations?.[previousTargetAnnotation]
    return { model, alias, ...(digest === undefined ? {} : { digest }), ...(previous === undefined ? {} : { previous }) }
  }

  /** Whoever has the result of a step without forEach. */
  #workOf(step: string, view: StepView): Work | undefined {
    if (view.work !== undefined) return view.work
    if (view.job !== undefined) return this.#sources.world.jobNamed(view.job)
    return view.run === undefined ? undefined : this.keptWork(view.run, step).get(undefined)
  }

  /** Whoever has the results of the instances, in the order of the items. */
  #fanWork(step: string, view: StepView): readonly (Work | undefined)[] {
    const { phases = [], work } = view.instances ?? {}
    const kept = view.run === undefined ? undefined : this.keptWork(view.run, step)
    const found = phases.map((phase, item) => (phase === 'Succeeded' ? (work?.get(item) ?? kept?.get(item)) : undefined))
    const isShort = found.some((each, item) => each === undefined && phases[item] === 'Succeeded')
    return isShort ? this.#withRemembered(step, phases, found) : found
  }

  /** Instances whose work was done before have no Job of this run: who did it is found as it was found then. */
  #withRemembered(name: string, phases: readonly StepPhase[], found: readonly (Work | undefined)[]): readonly (Work | undefined)[] {
    const { pipeline, world, revision } = this.#sources
    const step = pipeline.steps.get(name)
    if (step?.spec.memoize === undefined) return found
    const items = substitute(step.spec.forEach?.items, (reference) => this.resolve(reference))
    if ('missing' in items) return found
    return found.map((work, item) => {
      if (work !== undefined || phases[item] !== 'Succeeded') return work
      const made = childFor({ world, values: this, revision }, step, { item, value: itemsOf(items.value)[item] })
      return 'missing' in made ? undefined : rememberedJob(world, step, made.child)
    })
  }

  /** Work of a step in another run, and in those whose work that one kept. */
  keptWork(run: string, step: string, depth = 0): ReadonlyMap<number | undefined, Work> {
    const source = this.#sources.world.source(run)
    if (source === undefined || depth > maxKept) return new Map()
    const known = this.#works.get(run) ?? workByStep(source)
    this.#works.set(run, known)
    const own = known.get(step) ?? new Map<number | undefined, Work>()
    const { run: earlier, job } = source.run.status?.steps.find(({ name }) => name === step) ?? {}
    const remembered = job === undefined ? undefined : this.#sources.world.jobNamed(job)
    if (remembered !== undefined) return new Map([[undefined, remembered]])
    return earlier === undefined ? own : new Map([...this.keptWork(earlier, step, depth + 1), ...own])
  }

  #sourceOf({ run }: StepView): RunSource {
    const { world } = this.#sources
    return (run === undefined ? undefined : world.source(run)) ?? world
  }
}

/** What one Job, or one called run, left behind. */
export function outputsOfWork(step: CompiledStep, work: Work): Outputs {
  if (work.kind === 'PipelineRun') return outputsOfCall(work)
  const { usage, result } = statusOf(work)
  const said = parsedJson(result?.inline)
  if (step.type === 'inference')
    return present({
      text: textOf(fieldOf(said, 'text')),
      finishReason: textOf(fieldOf(said, 'finishReason')),
      promptTokens: usage?.promptTokens,
      completionTokens: usage?.completionTokens,
    })
  return { exitCode: 0, ...filesOf(step, work, said) }
}

/** A file is where it is; one whose content is known, that content. */
function filesOf(step: CompiledStep, { metadata, spec }: Job, said: unknown): Outputs {
  const found = itemsOf(fieldOf(said, 'outputs'))
  return Object.fromEntries(
    (spec.container?.outputs ?? []).map(({ name }) => {
      const value = textOf(
        fieldOf(
          found.find((each) => fieldOf(each, 'name') === name),
          'value',
        ),
      )
      const mediaType = step.spec.outputs?.find((each) => each.name === name)?.mediaType
      if (value === undefined || !isValue(mediaType)) return [name, `job://${metadata.name}/${name}`]
      // Programs end what they write with a line break.
      return [name, mediaType === 'application/json' ? (parsedJson(value) ?? value) : value.replace(/\n$/, '')]
    }),
  )
}

function outputsOfCall({ status }: PipelineRun): Outputs {
  return Object.fromEntries((status?.outputs ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])))
}

/** CEL tells whole numbers and others apart; JSON does not. */
function withWholeNumbers(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(withWholeNumbers)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withWholeNumbers(member)]))
}
