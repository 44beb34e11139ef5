/**
 * A schema after reading: one node for each place where a schema may stand, its keywords checked and its references resolved.
 *
 * The compiler alone makes and fills nodes; evaluation and comparison only read them.
 */
import type { FormatCheck } from './format.ts'
import type { JsonObject, JsonType } from './json.ts'
import type { Pattern } from './pattern.ts'

/** Schemas under one `$id`: what a reference is resolved in, and what a dynamic scope is made of. */
export interface SchemaResource {
  readonly id: number
  readonly uri: string
  readonly anchors: Map<string, SchemaNode>
  readonly dynamicAnchors: Map<string, SchemaNode>
}

export interface PatternEntry {
  readonly pattern: Pattern
  readonly schema: SchemaNode
}

/** Keywords whose value is a number. */
export interface NumberKeywords {
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
  multipleOf?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  minContains?: number
  maxContains?: number
  minProperties?: number
  maxProperties?: number
}

/** Keywords whose value is one schema. */
export interface SchemaKeywords {
  items?: SchemaNode
  contains?: SchemaNode
  additionalProperties?: SchemaNode
  propertyNames?: SchemaNode
  unevaluatedItems?: SchemaNode
  unevaluatedProperties?: SchemaNode
  not?: SchemaNode
  if?: SchemaNode
  then?: SchemaNode
  else?: SchemaNode
}

export interface Choice {
  readonly values: readonly unknown[]
  /** Canonical texts of the values. */
  readonly texts: ReadonlySet<string>
}

export interface SchemaNode extends NumberKeywords, SchemaKeywords {
  readonly id: number
  /** JSON Pointer in its document. */
  readonly pointer: string
  readonly resource: SchemaResource
  /** As it was written. */
  readonly raw: boolean | JsonObject
  /** `true` and `false` as schemas. */
  readonly always?: boolean
  types?: ReadonlySet<JsonType>
  /** `enum` and `const`. */
  choices?: readonly { readonly keyword: 'enum' | 'const'; readonly choice: Choice }[]
  pattern?: Pattern
  format?: { readonly name: string; readonly check: FormatCheck }
  uniqueItems?: true
  prefixItems?: readonly SchemaNode[]
  required?: readonly string[]
  dependentRequired?: ReadonlyMap<string, readonly string[]>
  dependentSchemas?: ReadonlyMap<string, SchemaNode>
  properties?: ReadonlyMap<string, SchemaNode>
  patternProperties?: readonly PatternEntry[]
  allOf?: readonly SchemaNode[]
  anyOf?: readonly SchemaNode[]
  oneOf?: readonly SchemaNode[]
  ref?: SchemaNode
  /** `name` is set when the outermost dynamic anchor of that name decides. */
  dynamicRef?: { readonly target: SchemaNode; readonly name?: string }
}

/** The schemas that a node applies at its own place of the value. */
export function inPlaceOf(node: SchemaNode): readonly SchemaNode[] {
  return [
    ...(node.ref === undefined ? [] : [node.ref]),
    ...(node.dynamicRef === undefined ? [] : [node.dynamicRef.target]),
    ...(node.allOf ?? []),
    ...(node.anyOf ?? []),
    ...(node.oneOf ?? []),
    ...[node.not, node.if, node.then, node.else].filter((each) => each !== undefined),
    ...(node.dependentSchemas?.values() ?? []),
  ]
}
