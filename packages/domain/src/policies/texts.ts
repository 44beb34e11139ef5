/** The texts of an object that people write for a model or a program, and where they stand. */
import type { Path, PolicedKind } from '@mnemos/api'
import { fieldOf, itemsOf, textOf } from '../reading.ts'

export interface Text {
  readonly path: Path
  readonly text: string
  /** The input of a Job for its Model, or of a run: the only texts that a policy rewrites. */
  readonly isInput: boolean
}

/** Texts of a spec; names, references, addresses and amounts are none. */
export function textsOf(kind: PolicedKind, spec: unknown): readonly Text[] {
  switch (kind) {
    case 'Job':
      return workTexts(['spec'], spec)
    case 'Pipeline':
      return pipelineTexts(spec)
    case 'PipelineRun':
      return runTexts(spec)
    default:
      return []
  }
}

/** Of what a Job asks for, or a step. */
function workTexts(within: Path, spec: unknown): readonly Text[] {
  const inference = fieldOf(spec, 'inference')
  const container = fieldOf(spec, 'container')
  const at = [...within, 'inference']
  return [
    ...text([...at, 'prompt'], fieldOf(inference, 'prompt'), true),
    ...itemsOf(fieldOf(inference, 'messages')).flatMap((message, index) =>
      text([...at, 'messages', index, 'content'], fieldOf(message, 'content'), true),
    ),
    ...itemsOf(fieldOf(fieldOf(inference, 'parameters'), 'stop')).flatMap((stop, index) =>
      text([...at, 'parameters', 'stop', index], stop, false),
    ),
    ...(['command', 'args'] as const).flatMap((list) =>
      itemsOf(fieldOf(container, list)).flatMap((argument, index) => text([...within, 'container', list, index], argument, false)),
    ),
    ...itemsOf(fieldOf(container, 'env')).flatMap((variable, index) =>
      text([...within, 'container', 'env', index, 'value'], fieldOf(variable, 'value'), false),
    ),
  ]
}

/** What steps say, and what their references can stand for. A Pipeline is kept and compared by GitOps: nothing in it is rewritten. */
function pipelineTexts(spec: unknown): readonly Text[] {
  const steps = (['steps', 'finally'] as const).flatMap((list) =>
    itemsOf(fieldOf(spec, list)).flatMap((step, index) => stepTexts(['spec', list, index], step)),
  )
  const parameters = itemsOf(fieldOf(spec, 'parameters')).flatMap((parameter, index) =>
    (['default', 'enum'] as const).flatMap((field) => textsWithin(['spec', 'parameters', index, field], fieldOf(parameter, field))),
  )
  const outputs = itemsOf(fieldOf(spec, 'outputs')).flatMap((output, index) =>
    text(['spec', 'outputs', index, 'value'], fieldOf(output, 'value'), true),
  )
  return [...parameters, ...steps, ...outputs].map((each) => ({ ...each, isInput: false }))
}

function stepTexts(at: Path, step: unknown): readonly Text[] {
  return [
    ...workTexts(at, step),
    ...textsWithin([...at, 'forEach', 'items'], fieldOf(fieldOf(step, 'forEach'), 'items')),
    ...textsWithin([...at, 'pipeline', 'parameters'], fieldOf(fieldOf(step, 'pipeline'), 'parameters')),
    ...text([...at, 'approval', 'message'], fieldOf(fieldOf(step, 'approval'), 'message'), true),
    ...text([...at, 'gate', 'message'], fieldOf(fieldOf(step, 'gate'), 'message'), true),
  ]
}

function runTexts(spec: unknown): readonly Text[] {
  return [
    ...textsWithin(['spec', 'parameters'], fieldOf(spec, 'parameters')),
    ...itemsOf(fieldOf(spec, 'approvals')).flatMap((decision, index) =>
      text(['spec', 'approvals', index, 'comment'], fieldOf(decision, 'comment'), true),
    ),
  ]
}

/** Every text in a value of any shape. */
function textsWithin(at: Path, value: unknown): readonly Text[] {
  if (typeof value === 'string') return text(at, value, true)
  if (Array.isArray(value)) return value.flatMap((item, index) => textsWithin([...at, index], item))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) => textsWithin([...at, key], member))
}

function text(path: Path, value: unknown, isInput: boolean): readonly Text[] {
  const found = textOf(value)
  return found === undefined || found === '' ? [] : [{ path, text: found, isInput }]
}
