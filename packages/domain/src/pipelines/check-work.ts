/**
 * What is wrong with a step by itself: its type, what goes together, and its work, judged as the Job that it becomes.
 *
 * References are replaced by samples of their type for that. Where one stood, only a wrong type is told: everything else is known when
 * the value is.
 */
import { about, apiVersion, type Finding, judge, type Path, type PipelineStep } from '@mnemos/api'
import { fieldOf, itemsOf, textOf } from '../reading.ts'
import { readDocument } from '../schemas/document.ts'
import { asFindings } from '../schemas/findings.ts'
import { maxItems } from './fan-out.ts'
import type { ParameterDeclaration, ParameterType } from './parameters.ts'
import type { Reference } from './reference.ts'
import { jobTypes, plannedTypes, type ReadStep, type StepType, stepTypes } from './step.ts'
import { withTexts, workOf } from './step-work.ts'
import { referencesIn, substitute } from './substitute.ts'

/** Fields that only some types have. */
const fieldsOfTypes: Readonly<Record<string, readonly StepType[]>> = {
  ...{ queue: jobTypes, priority: jobTypes, resources: jobTypes, placement: jobTypes, podMetadata: jobTypes },
  ...{ retry: jobTypes, timeoutSeconds: jobTypes, queueSeconds: jobTypes, memoize: jobTypes },
  ...{ forEach: [...jobTypes, 'pipeline'], breaker: [...jobTypes, 'pipeline'] },
}

export function workFindings(step: ReadStep, declarations: readonly ParameterDeclaration[]): readonly Finding[] {
  const { name, path, type, written } = step
  if (type === undefined) return [about(path, 'invalid', `the step "${name}" must have exactly one of ${stepTypes.join(', ')}`)]
  if (plannedTypes.includes(type))
    return [about([...path, type], 'invalid', `there is no engine for ${type} yet`, 'run it as a container step until there is')]
  return [
    ...Object.entries(fieldsOfTypes).flatMap(([field, types]) =>
      fieldOf(written, field) === undefined || types.includes(type)
        ? []
        : [about([...path, field], 'invalid', `says nothing of a step with ${type}`, `only steps with ${types.join(', ')} have it`)],
    ),
    ...itemFindings(step),
    ...outputFindings(step),
    ...(type === 'inference' || type === 'container' ? jobFindings(step, declarations) : []),
  ]
}

function itemFindings({ forEach }: ReadStep): readonly Finding[] {
  const { length } = itemsOf(forEach?.items)
  return forEach === undefined || length <= maxItems
    ? []
    : [about(forEach.path, 'tooMany', `has ${length} items and may have ${maxItems}`, 'split the list between steps')]
}

/** Outputs that are described must be there, and their schemas must compile. */
function outputFindings({ name: step, path, written, outputs }: ReadStep): readonly Finding[] {
  return itemsOf(fieldOf(written, 'outputs')).flatMap((output, index) => {
    const at = [...path, 'outputs', index]
    const name = textOf(fieldOf(output, 'name'))
    const schema = fieldOf(output, 'schema')
    const document = schema === undefined ? undefined : readDocument(schema)
    return [
      ...(name === undefined || outputs === undefined || outputs.includes(name)
        ? []
        : [about([...at, 'name'], 'invalid', `names no output of step "${step}"`, `there are ${outputs.join(', ')}`)]),
      ...(document === undefined || document.ok
        ? []
        : asFindings(document.findings, `/${[...at, 'schema'].join('/')}`, (message) => message)),
    ]
  })
}

/** The Job that the step becomes, with samples where references stand. */
function jobFindings({ path, written, forEach }: ReadStep, declarations: readonly ParameterDeclaration[]): readonly Finding[] {
  // Whatever has another shape is skipped by whoever reads it, and told by the schema.
  const spec = workOf(written as PipelineStep) // the members that are read here are free-form in the kind, too
  const references = new Map(referencesIn(spec, ['spec']).map(({ path: at, piece }) => [`/${at.join('/')}`, piece]))
  const sampled = substitute(spec, (reference) => ({ value: sampleOf(reference, declarations, forEach !== undefined) }))
  if ('missing' in sampled) return []
  const job = withTexts(sampled.value as Readonly<Record<string, unknown>>) // an object stays one, whatever is put into it
  return judge('Job', { apiVersion, kind: 'Job', metadata: { name: 'step' }, spec: job })
    .filter(({ path: at, code }) => {
      const place = [...references.keys()].find((each) => at === each || at.startsWith(`${each}/`))
      const piece = place === undefined ? undefined : references.get(place)
      if (piece === undefined) return true
      return code === 'type' && 'reference' in piece && isTyped(piece.reference, declarations)
    })
    .map((finding) => moved(finding, path))
}

const byType: Readonly<Record<ParameterType, unknown>> = { string: 'x', number: 0.5, integer: 1, boolean: true, list: [], object: {} }
const numbersOfInference = ['promptTokens', 'completionTokens']

function sampleOf(reference: Reference, declarations: readonly ParameterDeclaration[], isFan: boolean): unknown {
  switch (reference.from) {
    case 'params': {
      const declared = declarations.find(({ name }) => name === reference.name)
      if (declared === undefined || reference.field.length > 0) return 'x'
      return declared.default ?? byType[declared.type]
    }
    case 'steps':
      return !isFan && reference.part === 'outputs' && numbersOfInference.includes(reference.output) ? 1 : 'x'
    case 'item':
      return 'x'
    case 'run':
      return reference.name === 'revision' ? 1 : 'x'
  }
}

/** Whether the type of what comes in is known before it is there. */
function isTyped(reference: Reference, declarations: readonly ParameterDeclaration[]): boolean {
  if (reference.from === 'run') return true
  if (reference.from !== 'params' || reference.field.length > 0) return false
  return declarations.some(({ name }) => name === reference.name)
}

/** A finding about a Job, where its step says it. */
function moved(finding: Finding, at: Path): Finding {
  const below = finding.path.split('/').slice(2)
  const path = [...at, ...below.map((key) => (/^\d+$/.test(key) ? Number(key) : key.replaceAll('~1', '/').replaceAll('~0', '~')))]
  const renamed = renamings[below.join('/')]
  const { message, code, suggestion } = finding
  return { ...finding, ...about(renamed === undefined ? path : [...at, renamed], code, message, suggestion) }
}

/** What a Job calls otherwise. */
const renamings: Readonly<Record<string, string>> = { 'deadlines/runSeconds': 'timeoutSeconds', 'deadlines/queueSeconds': 'queueSeconds' }
