/**
 * Parameters of a pipeline: what is declared, what a run gives, and the values that its steps see.
 *
 * Nothing is converted: `"3"` is no integer. Patterns are matched in linear time. Findings never repeat a value: it may be a prompt.
 */
import { about, type Finding, type Path } from '@mnemos/api'
import { readPattern } from '@mnemos/json-schema'
import { nearest } from '../admission/nearest.ts'
import { isSameJson } from '../reading.ts'

export const parameterTypes = ['string', 'number', 'integer', 'boolean', 'list', 'object'] as const
export type ParameterType = (typeof parameterTypes)[number]

export interface ParameterDeclaration {
  readonly name: string
  readonly type: ParameterType
  /** Absent: a run must give it. */
  readonly default?: unknown
  readonly enum?: readonly unknown[] | undefined
  /** Of numbers. */
  readonly minimum?: number | undefined
  readonly maximum?: number | undefined
  /** Of strings in characters, of lists in items. */
  readonly minLength?: number | undefined
  readonly maxLength?: number | undefined
  /** Of strings: ECMA-262 without look-around and backreferences; found anywhere unless anchored. */
  readonly pattern?: string | undefined
}

export type ParameterValues = Readonly<Record<string, unknown>>

const maxPatternLength = 512
const numbers: readonly ParameterType[] = ['number', 'integer']
const measured: readonly ParameterType[] = ['string', 'list']

/** What is wrong with declarations by themselves. @param at where the list stands */
export function declarationFindings(declarations: readonly ParameterDeclaration[], at: Path): readonly Finding[] {
  const seen = new Set<string>()
  return declarations.flatMap((declaration, index) => {
    const here = [...at, index]
    const isAgain = seen.has(declaration.name)
    seen.add(declaration.name)
    return [
      ...(isAgain
        ? [about([...here, 'name'], 'duplicate', `another parameter is called "${declaration.name}", too`, 'give each its own name')]
        : []),
      ...constraintFindings(declaration, here),
      ...(declaration.default === undefined ? [] : valueFindings(declaration, declaration.default, [...here, 'default'])),
      ...(declaration.enum ?? []).flatMap((value, nth) => typeFindings(declaration, value, [...here, 'enum', nth])),
    ]
  })
}

/** The values that the steps of a run see, or everything that is wrong with what it gives. @param at where `given` stands */
export function parameterValues(
  declarations: readonly ParameterDeclaration[],
  given: ParameterValues,
  at: Path,
): { readonly values: ParameterValues } | { readonly findings: readonly Finding[] } {
  const names = declarations.map(({ name }) => name)
  const unknown = Object.keys(given).filter((name) => !names.includes(name))
  const findings = [
    ...unknown.map((name) => about([...at, name], 'unknownField', 'the pipeline has no such parameter', meant(name, names))),
    ...declarations.flatMap((declaration) => {
      const here = [...at, declaration.name]
      if (Object.hasOwn(given, declaration.name)) return valueFindings(declaration, given[declaration.name], here)
      return declaration.default === undefined
        ? [about(here, 'required', `is required (${declaration.type})`, 'give it in spec.parameters')]
        : []
    }),
  ]
  if (findings.length > 0) return { findings }
  return {
    values: Object.fromEntries(declarations.map(({ name, default: usual }) => [name, Object.hasOwn(given, name) ? given[name] : usual])),
  }
}

function meant(name: string, names: readonly string[]): string {
  const near = nearest(name, names)
  if (near !== undefined) return `did you mean "${near}"?`
  return names.length === 0 ? 'it has none' : `it has ${names.slice(0, 16).join(', ')}`
}

function constraintFindings({ type, minimum, maximum, minLength, maxLength, pattern }: ParameterDeclaration, at: Path): readonly Finding[] {
  const onlyOf = (field: string, value: unknown, types: readonly ParameterType[]): readonly Finding[] =>
    value === undefined || types.includes(type)
      ? []
      : [about([...at, field], 'invalid', `says nothing of a ${type}`, `only ${types.join(' and ')} have it`)]
  const crossed = (least: number | undefined, most: number | undefined, field: string): readonly Finding[] =>
    least !== undefined && most !== undefined && least > most
      ? [about([...at, field], 'invalid', `${most} is less than ${least}`, 'no value fits')]
      : []
  const read = pattern === undefined ? undefined : readPattern(pattern, maxPatternLength)
  return [
    ...onlyOf('minimum', minimum, numbers),
    ...onlyOf('maximum', maximum, numbers),
    ...onlyOf('minLength', minLength, measured),
    ...onlyOf('maxLength', maxLength, measured),
    ...onlyOf('pattern', pattern, ['string']),
    ...crossed(minimum, maximum, 'maximum'),
    ...crossed(minLength, maxLength, 'maxLength'),
    ...(read !== undefined && 'mistake' in read ? [about([...at, 'pattern'], 'invalid', `is no pattern: ${read.mistake}`)] : []),
  ]
}

function valueFindings(declaration: ParameterDeclaration, value: unknown, at: Path): readonly Finding[] {
  const ofType = typeFindings(declaration, value, at)
  if (ofType.length > 0) return ofType
  const { enum: choices, minimum, maximum, minLength, maxLength, pattern } = declaration
  // By code points, as JSON Schema counts.
  const size = typeof value === 'string' ? Array.from(value).length : Array.isArray(value) ? value.length : undefined
  const unit = typeof value === 'string' ? 'characters' : 'items'
  const read = pattern === undefined ? undefined : readPattern(pattern, maxPatternLength)
  return [
    ...(choices === undefined || choices.some((choice) => isSameJson(choice, value))
      ? []
      : [
          about(
            at,
            'enum',
            'is none of the choices',
            `use one of ${choices
              .map((choice) => JSON.stringify(choice))
              .slice(0, 16)
              .join(', ')}`,
          ),
        ]),
    ...(typeof value === 'number' && minimum !== undefined && value < minimum ? [about(at, 'outOfRange', `is less than ${minimum}`)] : []),
    ...(typeof value === 'number' && maximum !== undefined && value > maximum ? [about(at, 'outOfRange', `is more than ${maximum}`)] : []),
    ...(size !== undefined && minLength !== undefined && size < minLength
      ? [about(at, 'outOfRange', `has ${size} ${unit} and at least ${minLength} are wanted`)]
      : []),
    ...(size !== undefined && maxLength !== undefined && size > maxLength
      ? [about(at, 'tooLong', `has ${size} ${unit} and at most ${maxLength} are taken`)]
      : []),
    ...(typeof value === 'string' && read !== undefined && 'matches' in read && !read.matches(value)
      ? [about(at, 'invalid', `does not match ${read.source}`)]
      : []),
  ]
}

function typeFindings({ type }: ParameterDeclaration, value: unknown, at: Path): readonly Finding[] {
  const found = typeOf(value)
  if (found === type || (type === 'number' && found === 'integer')) return []
  return [about(at, 'type', `is ${found === undefined ? 'nothing' : withArticle(found)} and must be ${withArticle(type)}`)]
}

const withArticle = (type: ParameterType): string => `${type === 'integer' || type === 'object' ? 'an' : 'a'} ${type}`

/** Undefined for null. */
function typeOf(value: unknown): ParameterType | undefined {
  if (value === null || value === undefined) return undefined
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  if (typeof value === 'object') return 'object'
  return typeof value === 'boolean' ? 'boolean' : 'string'
}
