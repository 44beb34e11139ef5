/** Proofs about types, numbers and texts. */
import type { SchemaNode } from './node.ts'
import type { Proving } from './prove.ts'
import type { Shape } from './shape.ts'
import { isAlwaysMultiple, least, most, rangeOf } from './shape-parts.ts'

export function typeHolds(proving: Proving, shape: Shape, to: SchemaNode, pointer: string): boolean {
  const { types } = to
  if (types === undefined || types.has(shape.kind)) return true
  const isWhole = shape.kind === 'number' && types.has('integer') && (shape.isInteger || isAlwaysMultiple(shape, 1))
  return isWhole || proving.miss(pointer, to, 'type')
}

export function numberHolds(proving: Proving, shape: Shape, to: SchemaNode, pointer: string): boolean {
  const { min, max, openMin, openMax } = rangeOf(shape)
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY, exclusiveMinimum, exclusiveMaximum, multipleOf } = to
  return [
    min >= minimum || proving.miss(pointer, to, 'minimum'),
    max <= maximum || proving.miss(pointer, to, 'maximum'),
    exclusiveMinimum === undefined ||
      min > exclusiveMinimum ||
      (min === exclusiveMinimum && openMin) ||
      proving.miss(pointer, to, 'exclusiveMinimum'),
    exclusiveMaximum === undefined ||
      max < exclusiveMaximum ||
      (max === exclusiveMaximum && openMax) ||
      proving.miss(pointer, to, 'exclusiveMaximum'),
    multipleOf === undefined || isAlwaysMultiple(shape, multipleOf) || proving.miss(pointer, to, 'multipleOf'),
  ].every(Boolean)
}

export function textHolds(proving: Proving, { nodes }: Shape, to: SchemaNode, pointer: string): boolean {
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern, format } = to
  return [
    minLength <= Math.max(0, most(nodes, 'minLength')) || proving.miss(pointer, to, 'minLength'),
    maxLength >= least(nodes, 'maxLength') || proving.miss(pointer, to, 'maxLength'),
    pattern === undefined ||
      pattern.source === '' ||
      nodes.some((node) => node.pattern?.source === pattern.source) ||
      proving.miss(pointer, to, 'pattern'),
    format === undefined || nodes.some((node) => node.format?.name === format.name) || proving.miss(pointer, to, 'format'),
  ].every(Boolean)
}
