/**
 * Everything that is wrong with a pipeline beyond its schema, at once: parameters, references, conditions, the graph.
 *
 * Pure and total, on whatever a user wrote; takes time in proportion to what was written.
 */
import { about, type Finding, maxPipelineSteps, type PipelineSpec, type PipelineStep } from '@mnemos/api'
import { fieldOf, itemsOf, textOf } from '../reading.ts'
import { checkStep, checkTexts, meantOf, type Named } from './check-references.ts'
import { workFindings } from './check-work.ts'
import { compileStep } from './compile-step.ts'
import type { CompiledPipeline } from './compiled.ts'
import { type GraphStep, graphOf, type StepGraph } from './graph.ts'
import { declarationFindings, type ParameterDeclaration, parameterTypes } from './parameters.ts'
import { type ReadStep, readSteps } from './step.ts'

export interface CheckedPipeline {
  readonly findings: readonly Finding[]
  /** Undefined while there is anything wrong with it. */
  readonly graph: StepGraph | undefined
  /** Of `finally`. */
  readonly ending: StepGraph | undefined
  /** Of each step, the others whose outputs it names. */
  readonly uses: ReadonlyMap<string, ReadonlySet<string>>
  readonly declarations: readonly ParameterDeclaration[]
}

/** Most findings that are told. */
const maxFindings = 100

/** @param spec of a Pipeline */
export function checkPipeline(spec: unknown): CheckedPipeline {
  const declarations = readDeclarations(fieldOf(spec, 'parameters'))
  const most = about(
    ['spec', 'steps'],
    'tooMany',
    `has ${itemsOf(fieldOf(spec, 'steps')).length} steps and may have ${maxPipelineSteps}`,
    tooManyNext,
  )
  // Thousands of findings about what is refused as a whole help nobody.
  if (itemsOf(fieldOf(spec, 'steps')).length > maxPipelineSteps) return { ...nothing, findings: [most], declarations }
  const steps = readSteps(fieldOf(spec, 'steps'), ['spec', 'steps'])
  const last = readSteps(fieldOf(spec, 'finally'), ['spec', 'finally'])
  const long = longConditions([...steps, ...last])
  if (long !== undefined) return { ...nothing, findings: [long], declarations }
  const params = new Map(declarations.map(({ name, type }) => [name, type]))
  const meant = meantOf()
  const named: Named = { params, meant, steps: new Map(steps.map((step) => [step.name, step])) }
  // Steps at the end may name every other step, and one another.
  const namedLast: Named = { params, meant, steps: new Map([...steps, ...last].map((step) => [step.name, step])) }
  const graph = graphOfSteps(steps, named)
  const ending = graphOfSteps(last, namedLast, new Set(steps.map(({ name }) => name)))
  const outputs = itemsOf(fieldOf(spec, 'outputs')).flatMap(
    (output, index) => checkTexts(fieldOf(output, 'value'), ['spec', 'outputs', index, 'value'], named, false).findings,
  )
  const findings = [
    ...declarationFindings(declarations, ['spec', 'parameters']),
    ...[...steps, ...last].flatMap((step) => workFindings(step, declarations)),
    ...sharedNames(steps, last),
    ...graph.findings,
    ...ending.findings,
    ...outputs,
  ]
  const isRight = findings.length === 0
  return {
    findings: findings.slice(0, maxFindings),
    graph: isRight ? graph.graph : undefined,
    ending: isRight ? ending.graph : undefined,
    uses: new Map([...graph.uses, ...ending.uses]),
    declarations,
  }
}

const nothing = { graph: undefined, ending: undefined, uses: new Map<string, ReadonlySet<string>>() } as const
const tooManyNext = 'use forEach for many of the same, or pipelines that call one another'

/** Reading conditions is what costs most, and whoever judges a pipeline judges others besides. */
const maxConditionLength = 262_144

function longConditions(steps: readonly ReadStep[]): Finding | undefined {
  const length = steps.reduce((sum, { when = '', gate = '' }) => sum + when.length + gate.length, 0)
  if (length <= maxConditionLength) return undefined
  const message = `has conditions of ${length} characters in all and may have ${maxConditionLength}`
  return about(['spec', 'steps'], 'tooLong', message, 'decide once in a gate, and let other steps depend on it')
}

/** A pipeline ready to be run, or everything that is wrong with it. Checked and compiled once for each revision. */
export function compilePipeline(spec: PipelineSpec): CompiledPipeline | { readonly findings: readonly Finding[] } {
  const { findings, graph, ending, uses, declarations } = checkPipeline(spec)
  if (graph === undefined || ending === undefined) return { findings }
  const compile = (each: PipelineStep) => [each.name, compileStep(each, uses.get(each.name) ?? new Set())] as const
  const steps = new Map([...spec.steps, ...(spec.finally ?? [])].map(compile))
  return { spec, declarations, main: graph, last: ending, steps }
}

/** What parameters are declared to be; what has another shape is skipped. */
export function readDeclarations(parameters: unknown): readonly ParameterDeclaration[] {
  return itemsOf(parameters).flatMap((parameter) => {
    const name = textOf(fieldOf(parameter, 'name'))
    const type = parameterTypes.find((each) => each === (fieldOf(parameter, 'type') ?? 'string'))
    if (name === undefined || type === undefined || typeof parameter !== 'object' || parameter === null) return []
    const numberOf = (field: string): number | undefined => {
      const value = fieldOf(parameter, field)
      return typeof value === 'number' ? value : undefined
    }
    const choices = fieldOf(parameter, 'enum')
    return [
      {
        ...{ name, type, default: fieldOf(parameter, 'default'), pattern: textOf(fieldOf(parameter, 'pattern')) },
        ...{
          minimum: numberOf('minimum'),
          maximum: numberOf('maximum'),
          minLength: numberOf('minLength'),
          maxLength: numberOf('maxLength'),
        },
        enum: Array.isArray(choices) ? itemsOf(choices) : undefined,
      },
    ]
  })
}

/** @param before steps that have ended when these begin: nobody has to wait for them */
function graphOfSteps(
  steps: readonly ReadStep[],
  named: Named,
  before: ReadonlySet<string> = new Set(),
): { readonly findings: readonly Finding[]; readonly graph: StepGraph | undefined; readonly uses: Uses } {
  const checked = steps.map((step) => ({ step, ...checkStep(step, named) }))
  const findings = checked.flatMap(({ findings: each }) => each)
  const graphSteps = checked.map(
    ({ step: { name, path, dependsOn }, edges }): GraphStep => ({
      name,
      path,
      edges: [...dependsOn, ...edges].filter(({ on }) => !before.has(on)),
    }),
  )
  const uses: Uses = checked.map(({ step: { name }, edges }) => [name, new Set(edges.filter((edge) => edge.uses).map(({ on }) => on))])
  const graph = graphOf(graphSteps)
  if ('findings' in graph) return { findings: [...findings, ...graph.findings], graph: undefined, uses }
  return { findings, graph, uses }
}

type Uses = readonly (readonly [string, ReadonlySet<string>])[]

function sharedNames(steps: readonly ReadStep[], last: readonly ReadStep[]): readonly Finding[] {
  const names = new Set(steps.map(({ name }) => name))
  return last.flatMap(({ name, path }) =>
    names.has(name)
      ? [about([...path, 'name'], 'duplicate', `a step of spec.steps is called "${name}", too`, 'give each step its own name')]
      : [],
  )
}
