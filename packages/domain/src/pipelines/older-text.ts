/**
 * Texts of the older form: `${step.output}`, `${params.x}` and `${RUN_ID}` are written as `$(…)`, which no GitOps tool replaces.
 *
 * A parameter that the step gives itself is put in at once, because a Pipeline has none of a single step. A text without references stays
 * as it is, to the letter.
 */

import { isObject, type Place, wrong } from './older-reading.ts'
import { type Piece, piecesOf } from './reference.ts'

/** What the references of a step may mean beside what they say. */
export interface OlderNames {
  /** Parameters that the step gives itself. */
  readonly own: ReadonlyMap<string, unknown>
  /** Own parameters that were put in. */
  readonly used: Set<string>
  /** The name that an inference gives to its text, by step. */
  readonly textOf: ReadonlyMap<string, string>
}

type Reading = Extract<Piece, { readonly reference: unknown }>

/** How the older form names an output. */
export const anOutput = `\${step.output}`

/** Deeper values than any Job takes. */
const maxDepth = 64

/** A value with the references of all its texts converted; names of members hold none. */
export function convertValue(place: Place, names: OlderNames, depth = 0): unknown {
  const { value, path, mistakes } = place
  if (typeof value === 'string') return convertText(place, value, names)
  if (typeof value !== 'object' || value === null) return value
  if (depth > maxDepth) {
    wrong(place, { says: 'is nested too deeply', write: `keep to ${maxDepth} levels` })
    return undefined
  }
  if (Array.isArray(value))
    return value.map((item: unknown, index) => convertValue({ value: item, path: [...path, index], mistakes }, names, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([name, member]: [string, unknown]) => [
      name,
      convertValue({ value: member, path: [...path, name], mistakes }, names, depth + 1),
    ]),
  )
}

function convertText(place: Place, text: string, names: OlderNames): unknown {
  const pieces = piecesOf(text)
  if (pieces.every((piece) => 'text' in piece)) return text
  const [only] = pieces
  if (only !== undefined && pieces.length === 1) {
    const own = ownValue(only, names)
    // Its own references are converted, but none of them means an own parameter: no two may name one another.
    if (own !== undefined) return convertValue({ ...place, value: own.value }, { ...names, own: new Map() })
  }
  return writePieces(
    place,
    pieces.flatMap((piece) => putIn(piece, names)),
    names,
  )
}

function ownValue(piece: Piece, { own, used }: OlderNames): { readonly value: unknown } | undefined {
  if (!('reference' in piece) || piece.reference.from !== 'params') return undefined
  const { name, field } = piece.reference
  if (field.length > 0 || !own.has(name)) return undefined
  used.add(name)
  return { value: own.get(name) }
}

function putIn(piece: Piece, names: OlderNames): readonly Piece[] {
  const own = ownValue(piece, names)
  if (own === undefined) return [piece]
  return piecesOf(typeof own.value === 'string' ? own.value : JSON.stringify(own.value))
}

/** Beside references, plain text is escaped whatever it says: together they could be read as something else. */
function writePieces(place: Place, pieces: readonly Piece[], { textOf }: OlderNames): string {
  let written = ''
  let plain = ''
  const endPlain = (): void => {
    written += plain.replaceAll('$(', '$$$$(').replaceAll('${', '$$$${')
    plain = ''
  }
  for (const piece of pieces) {
    if ('text' in piece) plain += piece.text
    else if ('mistake' in piece)
      wrong(place, { says: `${piece.written} ${piece.mistake}`, write: `name an output as ${anOutput}, a parameter as \${params.name}` })
    else {
      if (plain.endsWith('$')) wrong(place, { says: 'has a $ right before a reference', write: 'put something between the two' })
      endPlain()
      written += `$(${referencePath(piece, textOf)})`
    }
  }
  endPlain()
  return written
}

/** What stands in `$(…)` says by itself which part of a step it means; what stands in `${…}` may be an alias. */
function referencePath(piece: Reading, textOf: ReadonlyMap<string, string>): string {
  const said = piece.written.slice(2, -1)
  if (piece.reference.from === 'run') return `run.${piece.reference.name}`
  if (piece.reference.from !== 'steps') return said
  const path = said.startsWith('steps.') ? said.split('.') : ['steps', piece.reference.step, 'outputs', ...said.split('.').slice(1)]
  const [steps = '', step = '', part = '', output = '', ...field] = path
  return [steps, step, part, textOf.get(step) === output ? 'text' : output, ...field].join('.')
}

/** Where a file comes from: the file that a step leaves, or any text. */
export function convertSource(place: Place, names: OlderNames): string | undefined {
  const { value } = place
  if (typeof value !== 'string') {
    wrong(place, { code: 'type', says: 'is no text', write: `write ${anOutput}, or artifact://<key>` })
    return undefined
  }
  const [only, ...others] = piecesOf(value)
  if (only !== undefined && others.length === 0 && 'reference' in only && only.reference.from === 'steps') {
    const { step, output } = only.reference
    return `$(steps.${step}.artifacts.${names.textOf.get(step) === output ? 'text' : output})`
  }
  const converted = convertText(place, value, names)
  if (typeof converted === 'string') return converted
  wrong(place, { code: 'type', says: 'becomes no text', write: `write ${anOutput}` })
  return undefined
}

/** A text for a program, which takes nothing else: numbers and the like as they are written. */
export function convertArgument(place: Place, names: OlderNames): string | undefined {
  if (isObject(place.value) || Array.isArray(place.value) || place.value === null || place.value === undefined) {
    wrong(place, { code: 'type', says: 'is no text', write: 'write a text' })
    return undefined
  }
  const converted = convertValue(place, names)
  return typeof converted === 'string' ? converted : JSON.stringify(converted)
}
