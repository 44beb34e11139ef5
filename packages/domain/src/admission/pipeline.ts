/**
 * What a Pipeline's schema cannot say: everything that `checkPipeline` finds. What it names may come later, so that is only warned about.
 *
 * Names in which a reference stands are known when a run has its values, and are left alone here.
 */
import type { Finding } from '@mnemos/api'
import { checkPipeline } from '../pipelines/check-pipeline.ts'
import { piecesOf } from '../pipelines/reference.ts'
import { fieldOf, itemsOf, textOf } from '../reading.ts'
import { type Catalog, pipelineWarnings as callWarnings, modelWarnings, queueWarnings } from './catalog.ts'
import type { ReviewContext, ReviewRequest } from './verdict.ts'

/** API servers hand on 4 KiB of warnings in all. */
const maxWarnings = 16

/** Findings of a Pipeline, beyond its schema. */
export function pipelineFindings({ object }: ReviewRequest): readonly Finding[] {
  return checkPipeline(object?.spec).findings
}

/** Things that may be right, but look like slips; each once, with the first step that it is about. */
export function pipelineWarnings({ object, namespace = '' }: ReviewRequest, { catalog }: ReviewContext): readonly string[] {
  const own = object?.metadata.name
  const steps = ['steps', 'finally'].flatMap((list) => itemsOf(fieldOf(object?.spec, list)))
  const found = new Map<string, string>()
  for (const step of steps)
    for (const warning of stepWarnings(step, own, namespace, catalog))
      if (!found.has(warning)) found.set(warning, `step \`${(textOf(fieldOf(step, 'name')) ?? '').slice(0, 40)}\`: ${warning}`)
  return [...found.values()].slice(0, maxWarnings)
}

function stepWarnings(step: unknown, own: string | undefined, from: string, catalog: Catalog): readonly string[] {
  const reference = fieldOf(fieldOf(step, 'inference'), 'modelRef')
  const model = plainText(fieldOf(reference, 'name'))
  const modelNamespace = fieldOf(reference, 'namespace')
  const isPlain = modelNamespace === undefined || plainText(modelNamespace) !== undefined
  const queue = plainText(fieldOf(step, 'queue'))
  const called = plainText(fieldOf(fieldOf(step, 'pipeline'), 'name'))
  return [
    ...(model === undefined || !isPlain ? [] : modelWarnings({ name: model, namespace: textOf(modelNamespace) }, from, catalog)),
    ...(queue === undefined ? [] : queueWarnings(queue, from, catalog)),
    ...(called === undefined ? [] : calledWarnings(called, own, from, catalog)),
  ]
}

function calledWarnings(called: string, own: string | undefined, from: string, catalog: Catalog): readonly string[] {
  const way = own === undefined ? undefined : wayBack(called, own, from, catalog)
  if (way === undefined) return callWarnings(called, from, catalog)
  return [`the Pipeline calls itself (${way.join(' → ')}); only a \`when\` ends that, and at most 8 runs call one another`]
}

/** Most Pipelines that are looked at for one that calls the first. */
const maxCalled = 64

/** The Pipelines by which one that is called comes back to the one that calls it. */
function wayBack(called: string, own: string, from: string, catalog: Catalog): readonly string[] | undefined {
  const seen = new Set<string>()
  const open: (readonly string[])[] = [[own, called]]
  for (let way = open.shift(); way !== undefined && seen.size < maxCalled; way = open.shift()) {
    const last = way.at(-1) ?? ''
    if (last === own) return way
    if (seen.has(last)) continue
    seen.add(last)
    for (const next of catalog.pipeline(from, last)?.calls ?? []) open.push([...way, next])
  }
  return undefined
}

/** A text in which no reference stands. */
function plainText(value: unknown): string | undefined {
  const text = textOf(value)
  return text === undefined || piecesOf(text).some((piece) => !('text' in piece)) ? undefined : text
}
