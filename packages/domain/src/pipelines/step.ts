/**
 * A step of a pipeline as the checks need it, read from whatever a user wrote: what has another shape is skipped here, because the schema's
 * own findings cover it.
 */
import type { Path } from '@mnemos/api'
import { fieldOf, itemsOf, textOf } from '../reading.ts'

/** What a step does: exactly one of these. */
export const stepTypes = ['inference', 'container', 'training', 'embedding', 'gate', 'approval', 'pipeline', 'publish'] as const
export type StepType = (typeof stepTypes)[number]
/** Those that are a Job. */
export const jobTypes = ['inference', 'container'] as const
/** Those that are declared for engines which are yet to come. */
export const plannedTypes: readonly StepType[] = ['training', 'embedding']

/** The type of a step, or undefined while it is none or several. */
export function typeOf(step: unknown): StepType | undefined {
  const types = stepTypes.filter((type) => fieldOf(step, type) !== undefined)
  return types.length === 1 ? types[0] : undefined
}

export interface ReadStep {
  readonly name: string
  readonly path: Path
  /** As it was written. */
  readonly written: unknown
  /** Undefined while it is none, or several. */
  readonly type: StepType | undefined
  readonly dependsOn: readonly { readonly on: string; readonly path: Path }[]
  /** CEL. */
  readonly when: string | undefined
  /** CEL, of a gate. */
  readonly gate: string | undefined
  readonly forEach: { readonly items: unknown; readonly path: Path } | undefined
  /** Everything in which references may stand. */
  readonly texts: readonly { readonly value: unknown; readonly path: Path }[]
  /** Names of what it leaves behind; undefined when that is not known here. */
  readonly outputs: readonly string[] | undefined
  /** Those of them that others can take by reference; undefined when that is not known here. */
  readonly artifacts: readonly string[] | undefined
}

/** Outputs that steps have by their type. */
export const ownOutputs: Readonly<Record<StepType, readonly string[] | undefined>> = {
  inference: ['text', 'finishReason', 'promptTokens', 'completionTokens'],
  container: ['exitCode'],
  training: undefined,
  embedding: undefined,
  gate: ['passed'],
  approval: ['by', 'at', 'comment'],
  // What the other pipeline says; it may come later than this one.
  pipeline: undefined,
  publish: ['model', 'alias', 'previous', 'digest'],
}
/** More than a Job may have: what is beyond is told of the Job, and nobody looks through it for each reference. */
const maxFiles = 256
/** Outputs of an inference that are objects of the artifact store. */
const ownArtifacts = ['text', 'result']
/** Fields of a step that hold no references: names decide about the graph, and expressions name things themselves. */
const withoutReferences = ['name', 'dependsOn', 'when', 'gate', 'forEach', 'outputs', 'retry', 'memoize', 'breaker']

/** @param at where the list stands */
export function readSteps(steps: unknown, at: Path): readonly ReadStep[] {
  return itemsOf(steps).flatMap((step, index) => {
    const name = textOf(fieldOf(step, 'name'))
    return name === undefined ? [] : [readStep(step, name, [...at, index])]
  })
}

function readStep(step: unknown, name: string, path: Path): ReadStep {
  const type = typeOf(step)
  const forEach = fieldOf(step, 'forEach')
  const members: readonly [string, unknown][] = typeof step === 'object' && step !== null ? Object.entries(step) : []
  return {
    ...{ name, path, type, written: step },
    dependsOn: itemsOf(fieldOf(step, 'dependsOn')).flatMap((on, index) =>
      typeof on === 'string' ? [{ on, path: [...path, 'dependsOn', index] }] : [],
    ),
    when: textOf(fieldOf(step, 'when')),
    gate: textOf(fieldOf(fieldOf(step, 'gate'), 'expression')),
    forEach: forEach === undefined ? undefined : { items: fieldOf(forEach, 'items'), path: [...path, 'forEach', 'items'] },
    texts: members.flatMap(([field, value]) => (withoutReferences.includes(field) ? [] : [{ value, path: [...path, field] }])),
    outputs: outputsOf(step, type),
    artifacts: artifactsOf(step, type),
  }
}

function outputsOf(step: unknown, type: StepType | undefined): readonly string[] | undefined {
  const own = type === undefined ? undefined : ownOutputs[type]
  if (own === undefined) return undefined
  return [...own, ...filesOf(step)]
}

function artifactsOf(step: unknown, type: StepType | undefined): readonly string[] | undefined {
  if (type === undefined || plannedTypes.includes(type)) return undefined
  return type === 'inference' ? ownArtifacts : filesOf(step)
}

function filesOf(step: unknown): readonly string[] {
  return itemsOf(fieldOf(fieldOf(step, 'container'), 'outputs'))
    .slice(0, maxFiles)
    .flatMap((output) => textOf(fieldOf(output, 'name')) ?? [])
}
