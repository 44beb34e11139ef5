/**
 * Reads a JSON Schema 2020-12 document into nodes.
 *
 * Guarantees: total on every JSON value, in time linear in the document; all mistakes are told at once; nothing is ever
 * fetched: a reference leads into the document itself or into one of the `documents` that were handed over; a schema that
 * would apply itself to the same place again is refused, so evaluation always goes deeper into the value.
 */
import { defaultBounds, type SchemaBounds } from './bounds.ts'
import type { SchemaFinding } from './finding.ts'
import { type FormatCheck, formatChecks } from './format.ts'
import { inPlaceFindings } from './in-place.ts'
import { firstExcess, isJsonObject, kindOf } from './json.ts'
import { type KeywordReading, keywordReaders } from './keywords.ts'
import type { SchemaNode, SchemaResource } from './node.ts'
import { readPattern } from './pattern.ts'
import { below, keysOf, valueAt } from './pointer.ts'
import { nearestOf } from './suggestion.ts'

export interface CompileOptions extends Partial<SchemaBounds> {
  /** `annotate` (default, as the specification says) lets any text pass; `assert` holds texts to their formats. */
  readonly formats?: 'annotate' | 'assert'
  /** Further formats by name; one that has the name of a known format takes its place. */
  readonly customFormats?: Readonly<Record<string, FormatCheck>>
  /** Further documents by absolute URI, which references may name. */
  readonly documents?: Readonly<Record<string, unknown>>
}

/** A schema that compiled; judged with `evaluate`, compared with `compareSchemas`. */
export interface CompiledSchema {
  readonly root: SchemaNode
  readonly nodes: readonly SchemaNode[]
  readonly bounds: SchemaBounds
  /** Whether any schema asks for what others have left unevaluated. */
  readonly collects: boolean
  /** Things that are allowed but look like slips: keywords that nobody knows. */
  readonly notes: readonly SchemaFinding[]
}

export type Compilation =
  | { readonly ok: true; readonly schema: CompiledSchema }
  | { readonly ok: false; readonly findings: readonly SchemaFinding[] }

/** The only dialect. */
export const dialect = 'https://json-schema.org/draft/2020-12/schema'

const home = 'mnemos-schema://local/'

/** Compiles a document. Never throws. */
export function compileSchema(document: unknown, options: CompileOptions = {}): Compilation {
  const bounds = { ...defaultBounds, ...options }
  const excess = firstExcess(document, bounds)
  if (excess !== undefined) {
    return { ok: false, findings: [{ pointer: '', schemaPointer: '', keyword: 'bound', message: excessMessage(excess, bounds) }] }
  }
  const reader = new DocumentReader(bounds, options)
  const root = reader.document(document, home)
  reader.resolve()
  if (reader.findings.length === 0) reader.findings.push(...inPlaceFindings(reader.nodes, 2 * bounds.maxDepth))
  if (reader.findings.length > 0) return { ok: false, findings: reader.findings.slice(0, bounds.maxFindings) }
  const collects = reader.nodes.some(
    ({ unevaluatedItems, unevaluatedProperties }) => unevaluatedItems !== undefined || unevaluatedProperties !== undefined,
  )
  return { ok: true, schema: { root, nodes: reader.nodes, bounds, collects, notes: reader.notes.slice(0, bounds.maxFindings) } }
}

function excessMessage(excess: string, bounds: SchemaBounds): string {
  switch (excess) {
    case 'bytes':
      return `the schema is larger than ${bounds.maxBytes} bytes; split it or leave out long enums`
    case 'depth':
      return `the schema is nested deeper than ${bounds.maxDepth}; use $defs and $ref`
    case 'nodes':
      return `the schema has more than ${bounds.maxNodes} values`
    default:
      return 'the schema holds something that JSON cannot say'
  }
}

interface Waiting {
  readonly node: SchemaNode
  readonly keyword: '$ref' | '$dynamicRef'
  readonly value: string
}

class DocumentReader implements KeywordReading {
  readonly nodes: SchemaNode[] = []
  readonly findings: SchemaFinding[] = []
  readonly notes: SchemaFinding[] = []
  readonly #bounds: SchemaBounds
  readonly #options: CompileOptions
  readonly #resources = new Map<string, SchemaResource>()
  /** Root of each resource. */
  readonly #roots = new Map<SchemaResource, SchemaNode>()
  /** Documents by the resource of any node in them, to look places up. */
  readonly #places = new Map<number, { readonly document: unknown; readonly nodes: Map<string, SchemaNode> }>()
  readonly #documentOf = new Map<SchemaResource, number>()
  readonly #waiting: Waiting[] = []
  #at = 0
  #resource: SchemaResource | undefined
  #references = 0

  constructor(bounds: SchemaBounds, options: CompileOptions) {
    this.#bounds = bounds
    this.#options = options
  }

  /** Reads a whole document; it is known by the URI it is asked for, and by its own `$id`. */
  document(document: unknown, uri: string): SchemaNode {
    const before = { at: this.#at, resource: this.#resource }
    this.#at = this.#places.size
    this.#places.set(this.#at, { document, nodes: new Map() })
    const resource = this.#open(uri)
    this.#resource = resource
    const root = this.schema(document, '')
    this.#roots.set(resource, this.#roots.get(resource) ?? root)
    if (root.resource !== resource && !this.#roots.has(root.resource)) this.#roots.set(root.resource, root)
    this.#at = before.at
    this.#resource = before.resource
    return root
  }

  schema(value: unknown, pointer: string): SchemaNode {
    const outer = this.#resource ?? this.#open(home)
    const resource = this.#ownResource(value, pointer, outer)
    const node: SchemaNode = {
      id: this.nodes.length,
      pointer,
      resource,
      raw: isJsonObject(value) ? value : value !== false,
      ...(typeof value === 'boolean' ? { always: value } : {}),
    }
    this.nodes.push(node)
    this.#places.get(this.#at)?.nodes.set(pointer, node)
    if (resource !== outer) this.#roots.set(resource, node)
    if (isJsonObject(value)) {
      this.#resource = resource
      this.#members(node, value, pointer)
      this.#resource = outer
    } else if (typeof value !== 'boolean') {
      this.mistake(pointer, 'type', `is a schema's place and must be an object or a boolean, not ${kindOf(value) ?? 'nothing'}`)
    }
    return node
  }

  pattern(source: unknown, pointer: string): SchemaNode['pattern'] | undefined {
    if (typeof source !== 'string') {
      this.mistake(pointer, 'pattern', 'must be a text')
      return undefined
    }
    const pattern = readPattern(source, this.#bounds.maxPatternLength)
    if ('matches' in pattern) return pattern
    this.mistake(pointer, 'pattern', `the pattern ${pattern.mistake}`)
    return undefined
  }

  format(name: string): SchemaNode['format'] | undefined {
    if (this.#options.formats !== 'assert') return undefined
    const custom = this.#options.customFormats
    const check = custom !== undefined && Object.hasOwn(custom, name) ? custom[name] : formatChecks.get(name)
    return check === undefined ? undefined : { name, check }
  }

  reference(node: SchemaNode, keyword: '$ref' | '$dynamicRef', value: string): void {
    this.#references += 1
    if (this.#references > this.#bounds.maxReferences) {
      if (this.#references === this.#bounds.maxReferences + 1)
        this.mistake(node.pointer, 'bound', `the schema has more than ${this.#bounds.maxReferences} references`)
      return
    }
    this.#waiting.push({ node, keyword, value })
  }

  mistake(pointer: string, keyword: string, message: string, suggestion?: string): void {
    if (this.findings.length > this.#bounds.maxFindings) return
    this.findings.push({ pointer, schemaPointer: pointer, keyword, message, ...(suggestion === undefined ? {} : { suggestion }) })
  }

  /** Follows every reference; what it leads to may hold further ones. */
  resolve(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const { node, keyword, value } = next
      const target = this.#target(node, keyword, value)
      if (target === undefined) continue
      if (keyword === '$ref') node.ref = target
      else {
        const name = value.slice(value.indexOf('#') + 1)
        const isDynamic = target.resource.dynamicAnchors.get(name) === target
        node.dynamicRef = isDynamic ? { target, name } : { target }
      }
    }
  }

  #open(uri: string): SchemaResource {
    const known = this.#resources.get(uri)
    if (known !== undefined) return known
    const resource: SchemaResource = { id: this.#resources.size, uri, anchors: new Map(), dynamicAnchors: new Map() }
    this.#resources.set(uri, resource)
    this.#documentOf.set(resource, this.#at)
    return resource
  }

  #ownResource(value: unknown, pointer: string, outer: SchemaResource): SchemaResource {
    if (!isJsonObject(value) || !Object.hasOwn(value, '$id')) return outer
    const id = value['$id']
    const uri = typeof id === 'string' ? resolved(id, outer.uri) : undefined
    if (uri === undefined || (uri.hash !== '' && uri.hash !== '#')) {
      this.mistake(below(pointer, '$id'), '$id', 'must be a URI reference without a fragment')
      return outer
    }
    uri.hash = ''
    return this.#open(uri.href)
  }

  #members(node: SchemaNode, value: Readonly<Record<string, unknown>>, pointer: string): void {
    this.#names(node, value, pointer)
    for (const [keyword, given] of Object.entries(value)) {
      const reader = keywordReaders.get(keyword)
      if (reader !== undefined) reader({ node, value: given, pointer: below(pointer, keyword), keyword, reading: this })
      else this.#note(pointer, keyword)
    }
  }

  #note(pointer: string, keyword: string): void {
    const meant = nearestOf(keyword, keywordReaders.keys())
    this.notes.push({
      pointer: below(pointer, keyword),
      schemaPointer: pointer,
      keyword,
      message: 'is no keyword of JSON Schema 2020-12 and has no effect',
      ...(meant === undefined ? {} : { suggestion: `did you mean "${meant}"?` }),
    })
  }

  #names(node: SchemaNode, value: Readonly<Record<string, unknown>>, pointer: string): void {
    const schema = value['$schema']
    if (Object.hasOwn(value, '$schema') && (typeof schema !== 'string' || schema.replace(/#$/, '') !== dialect)) {
      this.mistake(below(pointer, '$schema'), '$schema', 'names another dialect than JSON Schema 2020-12', `use "${dialect}"`)
    }
    for (const keyword of ['$anchor', '$dynamicAnchor'] as const) {
      if (!Object.hasOwn(value, keyword)) continue
      const name = value[keyword]
      if (typeof name !== 'string' || !/^[A-Za-z_][-A-Za-z0-9._]*$/.test(name)) {
        this.mistake(below(pointer, keyword), keyword, 'must begin with a letter or _ and go on with letters, digits, -, . and _')
        continue
      }
      const other = node.resource.anchors.get(name)
      if (other !== undefined && other !== node) this.mistake(below(pointer, keyword), keyword, `is also given at ${other.pointer}`)
      node.resource.anchors.set(name, node)
      if (keyword === '$dynamicAnchor') node.resource.dynamicAnchors.set(name, node)
    }
  }

  #target(node: SchemaNode, keyword: string, value: string): SchemaNode | undefined {
    const pointer = below(node.pointer, keyword)
    const uri = resolved(value, node.resource.uri)
    if (uri === undefined) {
      this.mistake(pointer, keyword, 'is no URI reference')
      return undefined
    }
    const fragment = decoded(uri.hash.slice(1))
    uri.hash = ''
    const resource = this.#resources.get(uri.href) ?? this.#handedOver(uri.href)
    if (resource === undefined) {
      this.mistake(pointer, keyword, 'leads to another document, and nothing is fetched', 'put the schema into $defs and refer to it there')
      return undefined
    }
    const target = fragment === undefined ? undefined : this.#within(resource, fragment)
    if (target === undefined) this.mistake(pointer, keyword, 'leads to nothing', this.#nearby(resource, fragment ?? ''))
    return target
  }

  #handedOver(uri: string): SchemaResource | undefined {
    const documents = this.#options.documents
    if (documents === undefined || !Object.hasOwn(documents, uri)) return undefined
    const document = documents[uri]
    if (firstExcess(document, this.#bounds) !== undefined) return undefined
    const root = this.document(document, uri)
    return this.#resources.get(uri) ?? root.resource
  }

  #within(resource: SchemaResource, fragment: string): SchemaNode | undefined {
    const root = this.#roots.get(resource)
    if (fragment === '' || root === undefined) return root
    if (!fragment.startsWith('/')) return resource.anchors.get(fragment)
    const number = this.#documentOf.get(root.resource) ?? 0
    const place = this.#places.get(number)
    const pointer = root.pointer + fragment
    const known = place?.nodes.get(pointer)
    if (known !== undefined || place === undefined) return known
    const value = valueAt(place.document, pointer)
    if (!isJsonObject(value) && typeof value !== 'boolean') return undefined
    this.#at = number
    this.#resource = this.#nearestResource(place.nodes, pointer) ?? resource
    return this.schema(value, pointer)
  }

  /** The resource of the innermost schema around a place. */
  #nearestResource(nodes: ReadonlyMap<string, SchemaNode>, pointer: string): SchemaResource | undefined {
    for (let end = pointer.lastIndexOf('/'); end >= 0; end = pointer.lastIndexOf('/', end - 1)) {
      const node = nodes.get(pointer.slice(0, end))
      if (node !== undefined) return node.resource
      if (end === 0) return undefined
    }
    return undefined
  }

  #nearby(resource: SchemaResource, fragment: string): string | undefined {
    const root = this.#roots.get(resource)
    if (root === undefined) return undefined
    const place = this.#places.get(this.#documentOf.get(root.resource) ?? 0)
    const pointers = [...(place?.nodes.keys() ?? [])].filter((each) => /\/\$defs\/[^/]*$/.test(each))
    const last = keysOf(fragment)?.at(-1) ?? fragment
    const near = nearestOf(
      last,
      pointers.map((each) => keysOf(each)?.at(-1) ?? ''),
    )
    const full = pointers.find((each) => keysOf(each)?.at(-1) === near)
    return full === undefined ? undefined : `did you mean "#${full}"?`
  }
}

function resolved(reference: string, base: string): URL | undefined {
  try {
    return new URL(reference, base)
  } catch {
    return undefined
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
