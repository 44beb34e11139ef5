/**
 * Everything that is wrong with a pipeline beyond its schema, at once: parameters, references, conditions, the graph.
 *
 * Pure and total, on whatever a user wrote; takes time in proportion to what was written.
 */
import { about, type Finding } from '@mnemos/api'
import { fieldOf, itemsOf, textOf } from '../reading.ts'
import { checkStep, checkTexts, type Named } from './check-references.ts'
import { type GraphStep, graphOf, type StepGraph } from './graph.ts'
import { declarationFindings, type ParameterDeclaration, parameterTypes } from './parameters.ts'
import { type ReadStep, readSteps, stepTypes } from './step.ts'

export interface CheckedPipeline {
  readonly findings: readonly Finding[]
  /** Undefined while there is anything wrong with it. */
  readonly graph: StepGraph | undefined
}

/** Most findings that are told. */
const maxFindings = 100

/** @param spec of a Pipeline */
export function checkPipeline(spec: unknown): CheckedPipeline {
  const declarations = readDeclarations(fieldOf(spec, 'parameters'))
  const steps = readSteps(fieldOf(spec, 'steps'), ['spec', 'steps'])
  const last = readSteps(fieldOf(spec, 'finally'), ['spec', 'finally'])
  const params = new Map(declarations.map(({ name, type }) => [name, type]))
  const named: Named = { params, steps: new Map(steps.map((step) => [step.name, step])) }
  // Steps at the end may name every other step, and one another.
  const namedLast: Named = { params, steps: new Map([...steps, ...last].map((step) => [step.name, step])) }
  const graph = graphOfSteps(steps, named)
  const ending = graphOfSteps(last, namedLast, new Set(steps.map(({ name }) => name)))
  const findings = [
    ...declarationFindings(declarations, ['spec', 'parameters']),
    ...[...steps, ...last].flatMap(workFindings),
    ...sharedNames(steps, last),
    ...graph.findings,
    ...ending.findings,
    ...itemsOf(fieldOf(spec, 'outputs')).flatMap(
      (output, index) => checkTexts(fieldOf(output, 'value'), ['spec', 'outputs', index, 'value'], named, false).findings,
    ),
  ]
  return { findings: findings.slice(0, maxFindings), graph: findings.length === 0 ? graph.graph : undefined }
}

function readDeclarations(parameters: unknown): readonly ParameterDeclaration[] {
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
): { readonly findings: readonly Finding[]; readonly graph: StepGraph | undefined } {
  const checked = steps.map((step) => ({ step, ...checkStep(step, named) }))
  const findings = checked.flatMap(({ findings: each }) => each)
  const graphSteps = checked.map(
    ({ step: { name, path, dependsOn }, edges }): GraphStep => ({
      name,
      path,
      edges: [...dependsOn, ...edges].filter(({ on }) => !before.has(on)),
    }),
  )
  const graph = graphOf(graphSteps)
  if ('findings' in graph) return { findings: [...findings, ...graph.findings], graph: undefined }
  return { findings, graph }
}

function workFindings({ name, path, type }: ReadStep): readonly Finding[] {
  return type === undefined ? [about(path, 'invalid', `the step "${name}" must have exactly one of ${stepTypes.join(', ')}`)] : []
}

function sharedNames(steps: readonly ReadStep[], last: readonly ReadStep[]): readonly Finding[] {
  const names = new Set(steps.map(({ name }) => name))
  return last.flatMap(({ name, path }) =>
    names.has(name)
      ? [about([...path, 'name'], 'duplicate', `a step of spec.steps is called "${name}", too`, 'give each step its own name')]
      : [],
  )
}
