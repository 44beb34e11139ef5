/** State of one pass over the steps of a run: what is known of them, and what is asked for. Nothing of it outlives the pass. */
import type { KubeObject, ObjectPatch } from '@mnemos/kube'
import type { CompiledPipeline, CompiledStep } from './compiled.ts'
import type { ParameterValues } from './parameters.ts'
import { childOf } from './run-names.ts'
import { failed, isUnderWay, observedSteps, type StepView } from './run-steps.ts'
import { RunValues } from './run-values.ts'
import { isUnseen, type RunWorld } from './run-world.ts'
import { childFor, type Instance, rememberedJob } from './step-child.ts'

export interface Revision {
  readonly name: string
  readonly number: number
  readonly pipeline: CompiledPipeline
}

/** Why a step that could start does not. */
export interface Wait {
  readonly step: string
  readonly reason: 'ApprovalNeeded' | 'BreakerTripped'
  readonly message: string
}

export interface AdvanceRules {
  /** Nothing new starts in the main part, and what runs there is stopped. */
  readonly isEnding: boolean
  /** Nothing new starts anywhere. */
  readonly isHeld: boolean
}

export class Pass {
  readonly world: RunWorld
  readonly revision: Revision
  readonly views: Map<string, StepView>
  readonly values: RunValues
  readonly create: KubeObject[] = []
  readonly patch: ObjectPatch[] = []
  readonly waits: Wait[] = []
  /** Pieces of work that have yet to end, those that were created and are yet to be seen included. */
  readonly underWay: number
  /** Jobs that may still start. */
  room: number
  mustTell = false
  readonly now: number

  constructor(world: RunWorld, revision: Revision, params: ParameterValues, now: number) {
    this.world = world
    this.revision = revision
    this.now = now
    this.views = observedSteps(world, revision.pipeline)
    this.underWay = [...world.jobs, ...world.calls].filter(isUnderWay).length + unseenWork(world)
    this.room = (revision.pipeline.spec.concurrency ?? Number.POSITIVE_INFINITY) - this.underWay
    const viewOf = (step: string): StepView | undefined => this.views.get(step)
    this.values = new RunValues({ world, pipeline: revision.pipeline, revision, params, viewOf })
  }

  /** Asks for the child of a step, or of an instance. */
  start(step: CompiledStep, instance?: Instance): StepView | 'full' {
    const { world, revision, values } = this
    const name = childOf(world.run, step.name, instance?.item)
    const refusal = world.refused.get(name)
    if (refusal !== undefined) return this.#told(failed(`refused: ${refusal}`))
    if (world.made.has(name)) return { state: { phase: 'Running' } }
    if (this.room <= 0) return 'full'
    const made = childFor({ world, values, revision }, step, instance)
    if ('missing' in made) return failed(made.missing)
    const remembered = rememberedJob(world, step, made.child)
    if (remembered !== undefined) return this.#told({ state: { phase: 'Succeeded' }, job: remembered.metadata.name })
    this.create.push(made.child)
    this.room -= 1
    return { state: { phase: 'Running' } }
  }

  #told(view: StepView): StepView {
    this.mustTell = true
    return view
  }
}

/** Work that was created and is yet to be seen. What was refused is none, and a Model takes nobody's room. */
function unseenWork(world: RunWorld): number {
  return [...world.made].filter((name) => isUnseen(world, name) && world.modelNamed(name, undefined) === undefined).length
}
