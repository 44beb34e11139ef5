/**
 * What each keyword's value must look like, and how it is put on a node.
 *
 * A value of another shape is a finding that names the keyword, its place and what it takes; reading goes on, so that all
 * mistakes of a document are told at once.
 */
import { canonical, isJsonObject, type JsonType, jsonTypes } from './json.ts'
import type { Choice, NumberKeywords, SchemaKeywords, SchemaNode } from './node.ts'
import { below } from './pointer.ts'

/** What the reader of a document offers to the reader of a keyword. */
export interface KeywordReading {
  /** Reads a schema that stands at the pointer. */
  schema(value: unknown, pointer: string): SchemaNode
  pattern(source: unknown, pointer: string): SchemaNode['pattern'] | undefined
  format(name: string): SchemaNode['format'] | undefined
  /** `$ref` and `$dynamicRef`: resolved when everything is read. */
  reference(node: SchemaNode, keyword: '$ref' | '$dynamicRef', value: string): void
  mistake(pointer: string, keyword: string, message: string, suggestion?: string): void
}

interface Given {
  readonly node: SchemaNode
  readonly value: unknown
  readonly pointer: string
  readonly keyword: string
  readonly reading: KeywordReading
}

type KeywordReader = (given: Given) => void

const wants = ({ reading, pointer, keyword }: Given, what: string): void => reading.mistake(pointer, keyword, `must be ${what}`)

function numeric(name: keyof NumberKeywords, isFine: (value: number) => boolean, what: string): KeywordReader {
  return (given) => {
    if (typeof given.value !== 'number' || !isFine(given.value)) {
      wants(given, what)
      return
    }
    given.node[name] = given.value
  }
}

const count = (name: keyof NumberKeywords): KeywordReader =>
  numeric(name, (value) => Number.isInteger(value) && value >= 0, 'a whole number, zero or more')
const limit = (name: keyof NumberKeywords): KeywordReader => numeric(name, Number.isFinite, 'a number')

function oneSchema(name: keyof SchemaKeywords): KeywordReader {
  return ({ node, value, pointer, reading }) => {
    node[name] = reading.schema(value, pointer)
  }
}

function schemas(name: 'allOf' | 'anyOf' | 'oneOf' | 'prefixItems'): KeywordReader {
  return (given) => {
    const { node, value, pointer, reading } = given
    if (!Array.isArray(value) || value.length === 0) {
      wants(given, 'a list of schemas with at least one entry')
      return
    }
    node[name] = value.map((each: unknown, at) => reading.schema(each, below(pointer, at)))
  }
}

function namedSchemas(given: Given): ReadonlyMap<string, SchemaNode> | undefined {
  const { value, pointer, reading } = given
  if (!isJsonObject(value)) {
    wants(given, 'an object whose members are schemas')
    return undefined
  }
  return new Map(Object.entries(value).map(([name, each]) => [name, reading.schema(each, below(pointer, name))]))
}

function texts(given: Given): readonly string[] | undefined {
  const { value } = given
  if (Array.isArray(value) && value.every((each) => typeof each === 'string') && new Set(value).size === value.length) return value
  wants(given, 'a list of names without repeats')
  return undefined
}

function addChoice(node: SchemaNode, keyword: 'enum' | 'const', values: readonly unknown[]): void {
  const choice: Choice = { values, texts: new Set(values.map(canonical)) }
  node.choices = [...(node.choices ?? []), { keyword, choice }]
}

function readTypes(given: Given): void {
  const { node, value, reading, pointer, keyword } = given
  const listed: readonly unknown[] = Array.isArray(value) ? value : [value]
  const wrong = listed.find((each) => !jsonTypes.some((type) => type === each))
  if (wrong !== undefined || listed.length === 0) {
    const known = jsonTypes.join(', ')
    reading.mistake(pointer, keyword, `must be one of ${known}, or a list of them`)
    return
  }
  node.types = new Set(jsonTypes.filter((type): type is JsonType => listed.includes(type)))
}

function onlyText(use: (given: Given & { readonly value: string }) => void): KeywordReader {
  return (given) => {
    const { value } = given
    if (typeof value !== 'string') {
      wants(given, 'a text')
      return
    }
    use({ ...given, value })
  }
}

const nothing: KeywordReader = () => undefined

/** Every keyword of 2020-12 that is known here. Those that only annotate are read by nobody. */
export const keywordReaders: ReadonlyMap<string, KeywordReader> = new Map<string, KeywordReader>([
  ['type', readTypes],
  [
    'enum',
    (given) => {
      if (!Array.isArray(given.value)) {
        wants(given, 'a list of values')
        return
      }
      addChoice(given.node, 'enum', given.value)
    },
  ],
  ['const', ({ node, value }) => addChoice(node, 'const', [value])],
  ['minimum', limit('minimum')],
  ['maximum', limit('maximum')],
  ['exclusiveMinimum', limit('exclusiveMinimum')],
  ['exclusiveMaximum', limit('exclusiveMaximum')],
  ['multipleOf', numeric('multipleOf', (value) => value > 0, 'a number above zero')],
  ['minLength', count('minLength')],
  ['maxLength', count('maxLength')],
  ['minItems', count('minItems')],
  ['maxItems', count('maxItems')],
  ['minContains', count('minContains')],
  ['maxContains', count('maxContains')],
  ['minProperties', count('minProperties')],
  ['maxProperties', count('maxProperties')],
  [
    'pattern',
    ({ node, value, pointer, reading }) => {
      const pattern = reading.pattern(value, pointer)
      if (pattern !== undefined) node.pattern = pattern
    },
  ],
  [
    'format',
    onlyText(({ node, value, reading }) => {
      const format = reading.format(value)
      if (format !== undefined) node.format = format
    }),
  ],
  [
    'uniqueItems',
    (given) => {
      if (typeof given.value !== 'boolean') {
        wants(given, 'true or false')
        return
      }
      if (given.value) given.node.uniqueItems = true
    },
  ],
  [
    'required',
    (given) => {
      const names = texts(given)
      if (names !== undefined) given.node.required = names
    },
  ],
  [
    'dependentRequired',
    (given) => {
      const { value, pointer, node } = given
      if (!isJsonObject(value)) {
        wants(given, 'an object whose members are lists of names')
        return
      }
      const entries = Object.entries(value).map(
        ([name, each]) => [name, texts({ ...given, value: each, pointer: below(pointer, name) }) ?? []] as const,
      )
      node.dependentRequired = new Map(entries)
    },
  ],
  [
    'dependentSchemas',
    (given) => {
      const named = namedSchemas(given)
      if (named !== undefined) given.node.dependentSchemas = named
    },
  ],
  [
    'properties',
    (given) => {
      const named = namedSchemas(given)
      if (named !== undefined) given.node.properties = named
    },
  ],
  [
    'patternProperties',
    (given) => {
      const { node, pointer, reading } = given
      const named = [...(namedSchemas(given) ?? [])]
      node.patternProperties = named.flatMap(([source, schema]) => {
        const pattern = reading.pattern(source, below(pointer, source))
        return pattern === undefined ? [] : [{ pattern, schema }]
      })
    },
  ],
  ['allOf', schemas('allOf')],
  ['anyOf', schemas('anyOf')],
  ['oneOf', schemas('oneOf')],
  ['prefixItems', schemas('prefixItems')],
  ['items', oneSchema('items')],
  ['contains', oneSchema('contains')],
  ['additionalProperties', oneSchema('additionalProperties')],
  ['propertyNames', oneSchema('propertyNames')],
  ['unevaluatedItems', oneSchema('unevaluatedItems')],
  ['unevaluatedProperties', oneSchema('unevaluatedProperties')],
  ['not', oneSchema('not')],
  ['if', oneSchema('if')],
  ['then', oneSchema('then')],
  ['else', oneSchema('else')],
  ['$defs', (given) => void namedSchemas(given)],
  ['$ref', onlyText(({ node, value, reading }) => reading.reference(node, '$ref', value))],
  ['$dynamicRef', onlyText(({ node, value, reading }) => reading.reference(node, '$dynamicRef', value))],
  ...[
    ...['$id', '$schema', '$anchor', '$dynamicAnchor', '$vocabulary', '$comment', 'title', 'description', 'default', 'examples'],
    ...['deprecated', 'readOnly', 'writeOnly', 'contentEncoding', 'contentMediaType', 'contentSchema', 'definitions'],
  ].map((keyword): [string, KeywordReader] => [keyword, nothing]),
])
