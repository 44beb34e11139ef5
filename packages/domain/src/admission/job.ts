/**
 * What a Job's schema cannot say: how many bytes the input has as a whole, that a Job does not wait for itself, and that the
 * schemas of its outputs are some.
 *
 * Runs before the schema too, on whatever a user wrote, so each reader takes `unknown` and skips what has another shape:
 * the schema's own findings cover that.
 */
import { about, type Finding, inputReference, maxInlineInputBytes, type Path, priorities } from '@mnemos/api'
import { fieldOf, itemsOf, textOf } from '../reading.ts'
import { outputSchemaMistakes } from '../scheduling/output-schema.ts'
import { type Catalog, modelWarnings, queueWarnings } from './catalog.ts'
import { nearest } from './nearest.ts'
import type { ReviewContext, ReviewRequest } from './verdict.ts'

const utf8 = new TextEncoder()
const bytesOf = (text: string | undefined): number => (text === undefined ? 0 : utf8.encode(text).byteLength)

/** Findings of a Job, beyond its schema. */
export function jobFindings(request: ReviewRequest, { catalog }: Pick<ReviewContext, 'catalog'>): readonly Finding[] {
  const spec = request.object?.spec
  return [
    ...inputFindings(fieldOf(spec, 'inference')),
    ...referenceFindings(fieldOf(spec, 'inference')),
    ...outputSchemaFindings(fieldOf(fieldOf(spec, 'container'), 'outputs')),
    ...dependencyFindings(spec, request.object?.metadata.name),
    ...priorityFindings(spec, request.namespace ?? '', catalog),
  ]
}

/** Things that may be right, but look like slips. */
export function jobWarnings(request: ReviewRequest, { catalog }: ReviewContext): readonly string[] {
  const spec = request.object?.spec
  const reference = fieldOf(fieldOf(spec, 'inference'), 'modelRef')
  const model = textOf(fieldOf(reference, 'name'))
  const queue = textOf(fieldOf(spec, 'queue'))
  return [
    ...(model === undefined
      ? []
      : modelWarnings({ name: model, namespace: textOf(fieldOf(reference, 'namespace')) }, request.namespace ?? '', catalog)),
    ...(queue === undefined ? [] : queueWarnings(queue, request.namespace ?? '', catalog)),
  ]
}

/** A Queue that is lowered later does not stop what it took before. */
function priorityFindings(spec: unknown, from: string, catalog: Catalog): readonly Finding[] {
  const queue = textOf(fieldOf(spec, 'queue')) ?? 'default'
  const priority = priorities.find((each) => each === fieldOf(spec, 'priority'))
  const most = priority === undefined ? undefined : catalog.maxPriority(queue, from)
  if (priority === undefined || most === undefined || priorities.indexOf(priority) >= priorities.indexOf(most)) return []
  return [
    about(
      ['spec', 'priority'],
      'invalid',
      `${priority} is above ${most}, the highest that Queue "${queue}" takes`,
      `use ${most} or less, or another Queue`,
    ),
  ]
}

function inputFindings(inference: unknown): readonly Finding[] {
  const prompt = bytesOf(textOf(fieldOf(inference, 'prompt')))
  const messages = itemsOf(fieldOf(inference, 'messages')).reduce<number>(
    (sum, message) => sum + bytesOf(textOf(fieldOf(message, 'content'))),
    0,
  )
  return [...tooLarge('prompt', prompt), ...tooLarge('messages', messages)]
}

/** Texts that are named where there are none of the name; without `inputs` a `$(…)` means nothing. */
function referenceFindings(inference: unknown): readonly Finding[] {
  const inputs = fieldOf(inference, 'inputs')
  if (inputs === undefined) return []
  const known = itemsOf(inputs).flatMap((input) => textOf(fieldOf(input, 'name')) ?? [])
  const at = ['spec', 'inference'] as const
  const texts: readonly (readonly [Path, unknown])[] = [
    [[...at, 'prompt'], fieldOf(inference, 'prompt')],
    ...itemsOf(fieldOf(inference, 'messages')).map((message, index): readonly [Path, unknown] => [
      [...at, 'messages', index, 'content'],
      fieldOf(message, 'content'),
    ]),
  ]
  return texts.flatMap(([path, text]) =>
    [...new Set([...(textOf(text) ?? '').matchAll(inputReference)].flatMap(([, , name]) => name ?? []))]
      .filter((name) => !known.includes(name))
      .map((name) => {
        const meant = nearest(name, known)
        const next =
          meant === undefined ? 'name it in spec.inference.inputs, or write $$( for a plain $(' : `did you mean $(inputs.${meant})?`
        return about(path, 'invalid', `names $(inputs.${name}), and there is no such input`, next)
      }),
  )
}

function outputSchemaFindings(outputs: unknown): readonly Finding[] {
  return outputSchemaMistakes(outputs).map(({ index, pointer, message, suggestion }) => {
    const place = index === undefined ? [] : [index, 'schema', ...keysOfPointer(pointer)]
    return about(['spec', 'container', 'outputs', ...place], 'invalid', message, suggestion)
  })
}

function keysOfPointer(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function tooLarge(name: 'prompt' | 'messages', bytes: number): readonly Finding[] {
  if (bytes <= maxInlineInputBytes) return []
  return [
    {
      path: `/spec/inference/${name}`,
      field: `spec.inference.${name}`,
      code: 'tooLong',
      message: `has ${bytes} bytes of UTF-8 and at most ${maxInlineInputBytes} (16 KiB) fit in a Job`,
      expected: `at most ${maxInlineInputBytes} bytes`,
      found: `${bytes} bytes`,
      suggestion: 'shorten it, or store it and name it in spec.inference.inputs',
    },
  ]
}

function dependencyFindings(spec: unknown, name: string | undefined): readonly Finding[] {
  return itemsOf(fieldOf(spec, 'dependsOn')).flatMap((dependency, index) =>
    dependency !== name || name === undefined
      ? []
      : [
          {
            path: `/spec/dependsOn/${index}`,
            field: `spec.dependsOn[${index}]`,
            code: 'invalid',
            message: `the Job "${name}" cannot wait for itself`,
            found: name,
            suggestion: 'remove the entry or name another Job',
          },
        ],
  )
}
