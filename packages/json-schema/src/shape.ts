/**
 * The values of several schemas that hold at one place together, taken apart into shapes: one JSON kind each, one way
 * through the alternatives each.
 *
 * Guarantees: every value that the schemas accept has one of the shapes. The reverse need not hold: what is hard to say
 * (negations, conditions, too many alternatives) is left out, so a shape may accept more. Who proves that all values of
 * the shapes have some quality has proved it of the schemas.
 */
import { isOfType, type JsonKind, kindOf } from './json.ts'
import { inPlaceOf, type SchemaNode } from './node.ts'

export interface Shape {
  readonly kind: JsonKind
  /** Only whole numbers. */
  readonly isInteger: boolean
  /** Every schema that holds. */
  readonly nodes: readonly SchemaNode[]
  /** All values that there can be, when they are few. */
  readonly values?: readonly unknown[]
}

const kinds: readonly JsonKind[] = ['null', 'boolean', 'number', 'string', 'array', 'object']
const maxWays = 32
const maxLooks = 400

/** The shapes of all values that the schemas accept together. */
export function shapesOf(nodes: readonly SchemaNode[]): readonly Shape[] {
  return waysOf(nodes).flatMap((way) => kinds.flatMap((kind) => shapeOf(way, kind)))
}

/** Every way through the alternatives, as the schemas that hold on it. */
function waysOf(nodes: readonly SchemaNode[]): readonly (readonly SchemaNode[])[] {
  let ways: readonly ReadonlySet<SchemaNode>[] = [new Set()]
  let left = maxLooks
  const add = (more: readonly SchemaNode[]): void => {
    for (const node of more) {
      left -= 1
      if (left < 0 || ways.every((way) => way.has(node))) continue
      ways = ways.map((way) => new Set([...way, node]))
      if (node.ref !== undefined) add([node.ref])
      if (node.dynamicRef !== undefined && node.dynamicRef.name === undefined) add([node.dynamicRef.target])
      add(node.allOf ?? [])
      branch(node.anyOf)
      branch(node.oneOf)
      if (node.if !== undefined)
        branchLists([[node.if, ...(node.then === undefined ? [] : [node.then])], node.else === undefined ? [] : [node.else]])
    }
  }
  const branch = (alternatives: readonly SchemaNode[] | undefined): void => {
    if (alternatives !== undefined) branchLists(alternatives.map((each) => [each]))
  }
  const branchLists = (lists: readonly (readonly SchemaNode[])[]): void => {
    if (left < 0 || ways.length * lists.length > maxWays) return
    const before = ways
    const after: ReadonlySet<SchemaNode>[] = []
    for (const list of lists) {
      ways = before
      add(list)
      after.push(...ways)
      if (after.length > maxWays) {
        ways = before
        return
      }
    }
    ways = after
  }
  add(nodes)
  return ways.map((way) => [...way]).filter((way) => way.every(({ always }) => always !== false))
}

function shapeOf(nodes: readonly SchemaNode[], kind: JsonKind): readonly Shape[] {
  let isInteger = false
  for (const { types } of nodes) {
    if (types === undefined || types.has(kind)) continue
    if (kind !== 'number' || !types.has('integer')) return []
    isInteger = true
  }
  const values = valuesOf(nodes, kind, isInteger)
  return values?.length === 0 ? [] : [{ kind, isInteger, nodes, ...(values === undefined ? {} : { values }) }]
}

function valuesOf(nodes: readonly SchemaNode[], kind: JsonKind, isInteger: boolean): readonly unknown[] | undefined {
  const [first, ...others] = nodes.flatMap(({ choices = [] }) => choices.map(({ choice }) => choice))
  if (first === undefined) {
    if (kind === 'null') return [null]
    return kind === 'boolean' ? [true, false] : undefined
  }
  const texts = [...first.texts]
  return texts
    .filter((text) => others.every((choice) => choice.texts.has(text)))
    .map((text): unknown => JSON.parse(text))
    .filter((value) => kindOf(value) === kind && (!isInteger || isOfType(value, 'integer')))
}

/** The schemas at the place and all that they apply there, whatever the way. */
export function allInPlace(nodes: readonly SchemaNode[]): readonly SchemaNode[] {
  const found = new Set<SchemaNode>()
  const waiting = [...nodes]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (found.has(node)) continue
    found.add(node)
    waiting.push(...inPlaceOf(node))
  }
  return [...found]
}

/** Names that a schema and those at its place look at, when that does not depend on the value. */
export interface Looked {
  readonly names: ReadonlySet<string>
  readonly patterns: readonly { readonly source: string; matches(text: string): boolean }[]
  readonly all: boolean
}

/** What `unevaluatedProperties` of the node leaves out; undefined when it depends on the value. */
export function lookedMembers(node: SchemaNode): Looked | undefined {
  const nodes = unconditional(node)
  if (nodes === undefined) return undefined
  const own = nodes.filter((each) => each !== node)
  return {
    names: new Set(nodes.flatMap(({ properties }) => [...(properties?.keys() ?? [])])),
    patterns: nodes.flatMap(({ patternProperties = [] }) => patternProperties.map(({ pattern }) => pattern)),
    all:
      nodes.some(({ additionalProperties }) => additionalProperties !== undefined) ||
      own.some((each) => each.unevaluatedProperties !== undefined),
  }
}

/** How many items before those that `unevaluatedItems` of the node judges; undefined when it depends on the value. */
export function lookedItems(node: SchemaNode): number | undefined {
  const nodes = unconditional(node)
  if (nodes === undefined || nodes.some(({ contains }) => contains !== undefined)) return undefined
  if (nodes.some((each) => each.items !== undefined || (each !== node && each.unevaluatedItems !== undefined)))
    return Number.POSITIVE_INFINITY
  return Math.max(0, ...nodes.map(({ prefixItems = [] }) => prefixItems.length))
}

/** The node and what it always applies at its place; undefined when something there depends on the value. */
function unconditional(node: SchemaNode): readonly SchemaNode[] | undefined {
  const found = new Set<SchemaNode>()
  const waiting = [node]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (found.has(next)) continue
    const { anyOf, oneOf, if: condition, dependentSchemas, dynamicRef } = next
    if (anyOf ?? oneOf ?? condition ?? dependentSchemas ?? dynamicRef) return undefined
    found.add(next)
    waiting.push(...(next.ref === undefined ? [] : [next.ref]), ...(next.allOf ?? []))
  }
  return [...found]
}
