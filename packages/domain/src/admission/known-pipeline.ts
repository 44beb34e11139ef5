/**
 * What admission keeps of a Pipeline to judge runs by: what their parameters must be, and what can be said about each step. Prompts and
 * programs are left out, so that thousands of Pipelines fit into the memory of a webhook.
 */
import type { Approvers } from '../pipelines/approval-step.ts'
import { readDeclarations } from '../pipelines/check-pipeline.ts'
import type { ParameterDeclaration } from '../pipelines/parameters.ts'
import { type StepType, typeOf } from '../pipelines/step.ts'
import { fieldOf, itemsOf, textOf } from '../reading.ts'

export interface KnownPipeline {
  /** Its generation: the revision that the present spec becomes. Undefined for one that was never stored. */
  readonly revision: number | undefined
  readonly declarations: readonly ParameterDeclaration[]
  /** Of both lists, by name. */
  readonly steps: ReadonlyMap<string, KnownStep>
  /** Pipelines that its steps call. */
  readonly calls: readonly string[]
}

export interface KnownStep {
  /** Undefined while it is none, or several. */
  readonly type: StepType | undefined
  readonly approval: Approvers | undefined
  readonly hasBreaker: boolean
}

/** @param pipeline as it was written, or as it is stored */
export function knownPipelineOf(pipeline: {
  readonly metadata: { readonly generation?: number | undefined }
  readonly spec?: unknown
}): KnownPipeline {
  const { metadata, spec } = pipeline
  const steps = ['steps', 'finally'].flatMap((list) => itemsOf(fieldOf(spec, list)))
  return {
    revision: metadata.generation,
    declarations: readDeclarations(fieldOf(spec, 'parameters')),
    steps: new Map(steps.flatMap(knownStep)),
    calls: [...new Set(steps.flatMap((step) => textOf(fieldOf(fieldOf(step, 'pipeline'), 'name')) ?? []))],
  }
}

function knownStep(step: unknown): readonly (readonly [string, KnownStep])[] {
  const name = textOf(fieldOf(step, 'name'))
  if (name === undefined) return []
  const approval = fieldOf(step, 'approval')
  const textsOf = (list: string): readonly string[] => itemsOf(fieldOf(approval, list)).flatMap((each) => textOf(each) ?? [])
  const approvers = { users: textsOf('users'), groups: textsOf('groups'), byOther: fieldOf(approval, 'byOther') === true }
  const known = { type: typeOf(step), approval: approval === undefined ? undefined : approvers }
  return [[name, { ...known, hasBreaker: fieldOf(step, 'breaker') !== undefined }]]
}
