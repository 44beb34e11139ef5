/** Proofs about lists. */
import type { SchemaNode } from './node.ts'
import { anyBelow, below } from './pointer.ts'
import type { Proving } from './prove.ts'
import { lookedItems, type Shape } from './shape.ts'
import { itemCounts, itemNodes, prefixOf } from './shape-parts.ts'

export function itemsHold(proving: Proving, shape: Shape, to: SchemaNode, pointer: string): boolean {
  const { min, max } = itemCounts(shape)
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY, prefixItems = [], items, uniqueItems } = to
  return [
    minItems <= min || proving.miss(pointer, to, 'minItems'),
    maxItems >= max || proving.miss(pointer, to, 'maxItems'),
    ...prefixItems.map((item, at) => at >= max || proving.includes(itemNodes(shape.nodes, at), item, below(pointer, at))),
    items === undefined || eachFrom(proving, shape, { at: prefixItems.length, item: items, pointer }),
    uniqueItems === undefined || max <= 1 || shape.nodes.some((node) => node.uniqueItems) || proving.miss(pointer, to, 'uniqueItems'),
    containsHolds(proving, shape, to, pointer),
    unevaluatedHolds(proving, shape, to, pointer),
  ].every(Boolean)
}

interface From {
  readonly at: number
  readonly item: SchemaNode
  readonly pointer: string
}

/** All items from an index on. */
function eachFrom(proving: Proving, shape: Shape, { at, item, pointer }: From): boolean {
  const { max } = itemCounts(shape)
  const last = Math.max(at, prefixOf(shape.nodes))
  for (let index = at; index < Math.min(last, max); index += 1) {
    if (!proving.includes(itemNodes(shape.nodes, index), item, below(pointer, index))) return false
  }
  return last >= max || proving.includes(itemNodes(shape.nodes, last), item, anyBelow(pointer))
}

function containsHolds(proving: Proving, shape: Shape, to: SchemaNode, pointer: string): boolean {
  const { contains, minContains = 1, maxContains = Number.POSITIVE_INFINITY } = to
  if (contains === undefined) return true
  const { min, max } = itemCounts(shape)
  const enough =
    minContains === 0 ||
    shape.nodes.some(
      (node) =>
        node.contains !== undefined &&
        (node.minContains ?? 1) >= minContains &&
        proving.includes([node.contains], contains, anyBelow(pointer)),
    ) ||
    (min >= minContains && eachFrom(proving, shape, { at: 0, item: contains, pointer }))
  return [enough || proving.miss(pointer, to, 'contains'), max <= maxContains || proving.miss(pointer, to, 'maxContains')].every(Boolean)
}

function unevaluatedHolds(proving: Proving, shape: Shape, to: SchemaNode, pointer: string): boolean {
  if (to.unevaluatedItems === undefined) return true
  const looked = lookedItems(to)
  if (looked === undefined) return proving.miss(pointer, to, 'unevaluatedItems')
  return !Number.isFinite(looked) || eachFrom(proving, shape, { at: looked, item: to.unevaluatedItems, pointer })
}
