/** The texts of an object that people write for a model or a program, and where they stand. */
import type { Path, PolicedKind } from '@mnemos/api'
import { fieldOf, itemsOf, textOf } from '../reading.ts'

export interface Text {
  readonly path: Path
  readonly text: string
  /** The input of a Job for its Model: the only text that a policy rewrites. */
  readonly isInput: boolean
}

/** Texts of a spec; names, references, addresses and amounts are none. */
export function textsOf(kind: PolicedKind, spec: unknown): readonly Text[] {
  if (kind !== 'Job') return []
  const inference = fieldOf(spec, 'inference')
  const container = fieldOf(spec, 'container')
  const at = ['spec', 'inference'] as const
  return [
    ...text([...at, 'prompt'], fieldOf(inference, 'prompt'), true),
    ...itemsOf(fieldOf(inference, 'messages')).flatMap((message, index) =>
      text([...at, 'messages', index, 'content'], fieldOf(message, 'content'), true),
    ),
    ...itemsOf(fieldOf(fieldOf(inference, 'parameters'), 'stop')).flatMap((stop, index) =>
      text([...at, 'parameters', 'stop', index], stop, false),
    ),
    ...(['command', 'args'] as const).flatMap((list) =>
      itemsOf(fieldOf(container, list)).flatMap((argument, index) => text(['spec', 'container', list, index], argument, false)),
    ),
    ...itemsOf(fieldOf(container, 'env')).flatMap((variable, index) =>
      text(['spec', 'container', 'env', index, 'value'], fieldOf(variable, 'value'), false),
    ),
  ]
}

function text(path: Path, value: unknown, isInput: boolean): readonly Text[] {
  const found = textOf(value)
  return found === undefined || found === '' ? [] : [{ path, text: found, isInput }]
}
