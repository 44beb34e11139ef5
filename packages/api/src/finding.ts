/** A finding: what is wrong with one field of an object, where, and what would be right. */
import { suggest } from './suggestion.ts'

export type FindingCode =
  | 'required'
  | 'invalid'
  | 'enum'
  | 'outOfRange'
  | 'tooLong'
  | 'tooMany'
  | 'type'
  | 'duplicate'
  | 'unknownField'
  | 'immutable'
  /** Right as such, but a policy does not allow it. */
  | 'forbidden'

export interface Finding {
  /** JSON Pointer from the root of the object; empty for the whole of it. */
  readonly path: string
  /** The same as the API server writes it: `spec.inference.parameters.maxTokens`, `spec.dependsOn[0]`. */
  readonly field: string
  readonly code: FindingCode
  /** What is wrong, without the field's name. */
  readonly message: string
  readonly expected?: string
  readonly found?: string
  /** What would be right, as a sentence without a capital or a full stop. */
  readonly suggestion?: string
}

export type Path = readonly (string | number)[]

/** Choices are listed only while they fit in a sentence. */
const maxListed = 16

export function about(path: Path, code: FindingCode, message: string, suggestion?: string): Finding {
  return { path: pointerOf(path), field: fieldOf(path), code, message, ...(suggestion === undefined ? {} : { suggestion }) }
}

/** `did you mean X?`, or the choices when nothing is near and they are few. */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  const meant = suggest(word, candidates)
  if (meant !== undefined) return `did you mean "${meant}"?`
  return candidates.length > 0 && candidates.length <= maxListed ? `use one of ${candidates.join(', ')}` : undefined
}

/** JSON Pointer (RFC 6901). */
export function pointerOf(path: Path): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

export function fieldOf(path: Path): string {
  return path.map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${part}`)).join('')
}
