/** What the schemas of a shape say about its members and items, and about its bounds. */
import { isMultipleOf } from './json.ts'
import type { NumberKeywords, SchemaNode } from './node.ts'
import { lookedItems, lookedMembers, type Shape } from './shape.ts'

/** The strictest of a keyword over the schemas. */
export function most(nodes: readonly SchemaNode[], keyword: keyof NumberKeywords): number {
  return Math.max(Number.NEGATIVE_INFINITY, ...nodes.map((node) => node[keyword] ?? Number.NEGATIVE_INFINITY))
}

/** The strictest of a keyword over the schemas. */
export function least(nodes: readonly SchemaNode[], keyword: keyof NumberKeywords): number {
  return Math.min(Number.POSITIVE_INFINITY, ...nodes.map((node) => node[keyword] ?? Number.POSITIVE_INFINITY))
}

/** Names that every value of the shape has. */
export function requiredOf({ nodes }: Shape): ReadonlySet<string> {
  const names = new Set(nodes.flatMap(({ required = [] }) => required))
  for (;;) {
    const before = names.size
    for (const { dependentRequired } of nodes) {
      for (const [given, more] of dependentRequired ?? []) if (names.has(given)) for (const name of more) names.add(name)
    }
    if (names.size === before) return names
  }
}

/** Names that any schema of the shape speaks of. */
export function namesOf(nodes: readonly SchemaNode[]): ReadonlySet<string> {
  return new Set(nodes.flatMap(({ properties, required = [] }) => [...(properties?.keys() ?? []), ...required]))
}

/** The schemas that hold for the member of that name, when there is one. */
export function memberNodes(nodes: readonly SchemaNode[], name: string): readonly SchemaNode[] {
  return nodes.flatMap((node) => {
    const own = node.properties?.get(name)
    const matched = (node.patternProperties ?? []).filter(({ pattern }) => pattern.matches(name)).map(({ schema }) => schema)
    const found = [...(own === undefined ? [] : [own]), ...matched]
    if (found.length === 0 && node.additionalProperties !== undefined) found.push(node.additionalProperties)
    if (node.unevaluatedProperties !== undefined) {
      const looked = lookedMembers(node)
      const isLeft = looked !== undefined && !looked.all && !looked.names.has(name) && !looked.patterns.some((each) => each.matches(name))
      if (isLeft) found.push(node.unevaluatedProperties)
    }
    return found
  })
}

/** What is known of a name that no schema names: sources of patterns that it matches, or does not. */
export interface OtherName {
  readonly matching: ReadonlySet<string>
  readonly notMatching: ReadonlySet<string>
}

/** The schemas that hold for every member with such a name. */
export function otherMemberNodes(nodes: readonly SchemaNode[], { matching, notMatching }: OtherName): readonly SchemaNode[] {
  return nodes.flatMap((node) => {
    const patterns = node.patternProperties ?? []
    const found = patterns.filter(({ pattern }) => matching.has(pattern.source)).map(({ schema }) => schema)
    // A name may match further patterns, and then what is for the rest does not hold.
    const isRest = patterns.every(({ pattern }) => notMatching.has(pattern.source))
    if (isRest && node.additionalProperties !== undefined) found.push(node.additionalProperties)
    if (node.unevaluatedProperties !== undefined) {
      const looked = lookedMembers(node)
      if (looked !== undefined && !looked.all && looked.patterns.every(({ source }) => notMatching.has(source)))
        found.push(node.unevaluatedProperties)
    }
    return found
  })
}

/** The schemas that hold for the item at that index, when there is one. */
export function itemNodes(nodes: readonly SchemaNode[], at: number): readonly SchemaNode[] {
  return nodes.flatMap((node) => {
    const { prefixItems = [], items, unevaluatedItems } = node
    const own = at < prefixItems.length ? prefixItems[at] : items
    const found = own === undefined ? [] : [own]
    if (unevaluatedItems !== undefined) {
      const looked = lookedItems(node)
      if (looked !== undefined && at >= looked) found.push(unevaluatedItems)
    }
    return found
  })
}

/** The first index from which on all items are under the same schemas. */
export function prefixOf(nodes: readonly SchemaNode[]): number {
  return Math.max(0, ...nodes.map((node) => Math.max(node.prefixItems?.length ?? 0, finite(node))))
}

function finite(node: SchemaNode): number {
  if (node.unevaluatedItems === undefined) return 0
  const looked = lookedItems(node) ?? 0
  return Number.isFinite(looked) ? looked : 0
}

/** Fewest and most items. */
export function itemCounts({ nodes }: Shape): { readonly min: number; readonly max: number } {
  const contained = nodes.map(({ contains, minContains = 1 }) => (contains === undefined ? 0 : minContains))
  return { min: Math.max(0, most(nodes, 'minItems'), ...contained), max: least(nodes, 'maxItems') }
}

/** Whether every number of the shape is a multiple. */
export function isAlwaysMultiple({ nodes, isInteger }: Shape, step: number): boolean {
  if (isInteger && isMultipleOf(1, step)) return true
  return nodes.some(({ multipleOf }) => multipleOf !== undefined && isMultipleOf(multipleOf, step))
}

/** Least and greatest number, and whether they are left out themselves. */
export function rangeOf({ nodes }: Shape): { min: number; max: number; openMin: boolean; openMax: boolean } {
  const min = Math.max(most(nodes, 'minimum'), most(nodes, 'exclusiveMinimum'))
  const max = Math.min(least(nodes, 'maximum'), least(nodes, 'exclusiveMaximum'))
  return { min, max, openMin: most(nodes, 'exclusiveMinimum') === min, openMax: least(nodes, 'exclusiveMaximum') === max }
}
