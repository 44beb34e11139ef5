/** Shapes that no value has. Says so only where it is certain. */
import { isMultipleOf } from './json.ts'
import type { SchemaNode } from './node.ts'
import { type Shape, shapesOf } from './shape.ts'
import { itemCounts, itemNodes, least, memberNodes, most, namesOf, rangeOf, requiredOf } from './shape-parts.ts'

const maxDepth = 4
const maxLooked = 32
const maxShapes = 120

/** How much may still be looked at; when nothing is left, nothing is certain. */
interface Looking {
  readonly depth: number
  readonly shapes: { left: number }
}

/** Whether certainly no value has the shape. */
export function isImpossible(shape: Shape, looking: Looking = { depth: 0, shapes: { left: maxShapes } }): boolean {
  const { kind, nodes, values } = shape
  if (values !== undefined) return values.length === 0
  if (kind === 'number') return isNumberImpossible(shape)
  if (kind === 'string') return most(nodes, 'minLength') > least(nodes, 'maxLength')
  if (kind === 'array') return isArrayImpossible(shape, looking)
  return kind === 'object' && isObjectImpossible(shape, looking)
}

function isNothing(nodes: readonly SchemaNode[], { depth, shapes }: Looking): boolean {
  if (depth >= maxDepth || shapes.left <= 0) return false
  const possible = shapesOf(nodes)
  shapes.left -= possible.length
  return possible.every((shape) => isImpossible(shape, { depth: depth + 1, shapes }))
}

function isNumberImpossible(shape: Shape): boolean {
  const { min, max, openMin, openMax } = rangeOf(shape)
  if (min > max || (min === max && (openMin || openMax))) return true
  if (min === max)
    return (
      (shape.isInteger && !Number.isInteger(min)) ||
      shape.nodes.some(({ multipleOf }) => multipleOf !== undefined && !isMultipleOf(min, multipleOf))
    )
  if (!shape.isInteger || !Number.isFinite(min) || !Number.isFinite(max)) return false
  const first = openMin && Number.isInteger(min) ? min + 1 : Math.ceil(min)
  const last = openMax && Number.isInteger(max) ? max - 1 : Math.floor(max)
  return first > last
}

function isArrayImpossible(shape: Shape, looking: Looking): boolean {
  const { min, max } = itemCounts(shape)
  if (min > max) return true
  for (let at = 0; at < Math.min(min, maxLooked); at += 1) if (isNothing(itemNodes(shape.nodes, at), looking)) return true
  return false
}

function isObjectImpossible(shape: Shape, looking: Looking): boolean {
  const required = requiredOf(shape)
  const max = least(shape.nodes, 'maxProperties')
  if (required.size > max || most(shape.nodes, 'minProperties') > max) return true
  return [...required].slice(0, maxLooked).some((name) => isNothing(memberNodes(shape.nodes, name), looking))
}

/** Most members that a value of the shape can have. */
export function mostMembers({ nodes }: Shape): number {
  const stated = least(nodes, 'maxProperties')
  const closed = nodes.find((node) => node.additionalProperties?.always === false && (node.patternProperties ?? []).length === 0)
  if (closed === undefined) return stated
  return Math.min(stated, [...namesOf([closed])].filter((name) => closed.properties?.has(name)).length)
}
