/** A pipeline as a run uses it: its graph, its steps with their conditions compiled, and what its parameters must be. */
import type { PipelineSpec, PipelineStep } from '@mnemos/api'
import type { CompiledSchema } from '@mnemos/json-schema'
import type { Condition } from './condition.ts'
import type { StepGraph } from './graph.ts'
import type { ParameterDeclaration } from './parameters.ts'
import type { StepType } from './step.ts'

export interface CompiledStep {
  readonly name: string
  readonly type: StepType
  readonly spec: PipelineStep
  readonly when: Condition | undefined
  /** Of a gate. */
  readonly gate: Condition | undefined
  /** Steps whose outputs it names. */
  readonly uses: ReadonlySet<string>
  /** What the values of its outputs must be, by name. */
  readonly schemas: ReadonlyMap<string, CompiledSchema>
}

export interface CompiledPipeline {
  readonly spec: PipelineSpec
  readonly declarations: readonly ParameterDeclaration[]
  readonly main: StepGraph
  /** Of `finally`. */
  readonly last: StepGraph
  /** Of both lists, by name. */
  readonly steps: ReadonlyMap<string, CompiledStep>
}
