/**
 * What a PipelineRun's schema cannot say: that what it gives and names is what its Pipeline declares and has.
 *
 * A run is held to the Pipeline as it is now only when that is the revision which it uses. Of a retry that is not known as long as there
 * was more than one; then the same is said as a warning. A Pipeline that is not there is a warning, too: it may come later.
 */
import { about, type Finding } from '@mnemos/api'
import { parameterValues } from '../pipelines/parameters.ts'
import { fieldOf, itemsOf, textOf } from '../reading.ts'
import { type Catalog, pipelineWarnings, queueWarnings } from './catalog.ts'
import type { KnownPipeline } from './known-pipeline.ts'
import { cutToWarning } from './policy-warning.ts'
import { decisionFindings, stepMeant } from './run-decisions.ts'
import type { ReviewContext, ReviewRequest } from './verdict.ts'

const maxWarnings = 8

/** Findings of a run, beyond its schema. */
export function pipelineRunFindings(request: ReviewRequest, context: ReviewContext): readonly Finding[] {
  const pipeline = pipelineOf(request, context.catalog)
  if (pipeline === undefined || !usesPresent(request, pipeline)) return selfFindings(request)
  return [...selfFindings(request), ...creationFindings(request, pipeline), ...decisionFindings(request, context, pipeline)]
}

/** Things that may be right, but look like slips. */
export function pipelineRunWarnings(request: ReviewRequest, { catalog }: ReviewContext): readonly string[] {
  const { object, namespace = '', operation } = request
  // What is asked about here does not change any more.
  if (operation !== 'CREATE') return []
  const queue = textOf(fieldOf(object?.spec, 'queue'))
  const name = textOf(fieldOf(fieldOf(object?.spec, 'pipelineRef'), 'name'))
  const pipeline = pipelineOf(request, catalog)
  const doubts = pipeline === undefined || usesPresent(request, pipeline) ? [] : creationFindings(request, pipeline)
  return [
    ...(name === undefined || pipeline !== undefined ? [] : pipelineWarnings(name, namespace, catalog)),
    ...(queue === undefined ? [] : queueWarnings(queue, namespace, catalog)),
    ...doubts
      .slice(0, maxWarnings)
      .map(({ field, message }) => cutToWarning(`${field} ${message}, as the Pipeline is now; the run uses an earlier revision`)),
  ]
}

function pipelineOf({ object, namespace = '' }: ReviewRequest, catalog: Catalog): KnownPipeline | undefined {
  const name = textOf(fieldOf(fieldOf(object?.spec, 'pipelineRef'), 'name'))
  return name === undefined ? undefined : catalog.pipeline(namespace, name)
}

/** Whether the run uses, or is going to use, the Pipeline as it is now. */
function usesPresent({ object, oldObject }: ReviewRequest, { revision }: KnownPipeline): boolean {
  const used = fieldOf(oldObject?.status, 'revision') ?? fieldOf(object?.spec, 'revision')
  if (typeof used === 'number') return used === revision
  // The first revision is the only one.
  return fieldOf(object?.spec, 'retryFrom') === undefined || revision === undefined || revision === 1
}

/** Of what a run is created with; none of it changes afterwards. */
function creationFindings({ operation, object }: ReviewRequest, pipeline: KnownPipeline): readonly Finding[] {
  if (operation !== 'CREATE') return []
  const { spec } = object ?? {}
  return [...parameterFindings(spec, pipeline), ...retryFindings(spec, pipeline), ...overrideFindings(spec, pipeline)]
}

function parameterFindings(spec: unknown, { declarations }: KnownPipeline): readonly Finding[] {
  const given = fieldOf(spec, 'parameters') ?? {}
  if (typeof given !== 'object' || Array.isArray(given)) return []
  const values = parameterValues(declarations, given as Readonly<Record<string, unknown>>, ['spec', 'parameters']) // an object, as was just seen
  return 'findings' in values ? values.findings : []
}

function retryFindings(spec: unknown, pipeline: KnownPipeline): readonly Finding[] {
  return itemsOf(fieldOf(fieldOf(spec, 'retryFrom'), 'steps')).flatMap((step, index) => {
    const name = textOf(step)
    if (name === undefined || pipeline.steps.has(name)) return []
    return [about(['spec', 'retryFrom', 'steps', index], 'invalid', noStep(name), stepMeant(name, pipeline))]
  })
}

const noStep = (name: string): string => `there is no step "${name}" in the Pipeline`

function overrideFindings(spec: unknown, pipeline: KnownPipeline): readonly Finding[] {
  return itemsOf(fieldOf(spec, 'overrides')).flatMap((override, index) => {
    const path = ['spec', 'overrides', index]
    const name = textOf(fieldOf(override, 'step'))
    const step = name === undefined ? undefined : pipeline.steps.get(name)
    if (name === undefined) return []
    if (step === undefined) return [about([...path, 'step'], 'invalid', noStep(name), stepMeant(name, pipeline))]
    const says = (field: string, type: string): readonly Finding[] =>
      fieldOf(override, field) === undefined || step.type === type
        ? []
        : [
            about(
              [...path, field],
              'invalid',
              `says nothing of the step "${name}", which has no ${type}`,
              'take it out, or name another step',
            ),
          ]
    return [...says('image', 'container'), ...says('modelRef', 'inference')]
  })
}

function selfFindings({ operation, object }: ReviewRequest): readonly Finding[] {
  const run = textOf(fieldOf(fieldOf(object?.spec, 'retryFrom'), 'run'))
  if (operation !== 'CREATE' || run === undefined || run !== object?.metadata.name) return []
  return [about(['spec', 'retryFrom', 'run'], 'invalid', 'is the run itself', 'give the new run a name of its own')]
}
