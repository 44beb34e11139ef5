/** Proofs about objects. */
import type { SchemaNode } from './node.ts'
import { anyBelow, below } from './pointer.ts'
import type { Proving } from './prove.ts'
import { type Looked, lookedMembers, type Shape } from './shape.ts'
import { mostMembers } from './shape-impossible.ts'
import { memberNodes, most, namesOf, otherMemberNodes, requiredOf } from './shape-parts.ts'

const none: ReadonlySet<string> = new Set()

export function membersHold(proving: Proving, shape: Shape, to: SchemaNode, pointer: string): boolean {
  const required = requiredOf(shape)
  const { minProperties = 0, maxProperties = Number.POSITIVE_INFINITY } = to
  const own: Looked = {
    names: new Set(to.properties?.keys()),
    patterns: (to.patternProperties ?? []).map(({ pattern }) => pattern),
    all: false,
  }
  return [
    ...(to.required ?? []).map((name) => required.has(name) || proving.miss(below(pointer, name), to, 'required')),
    minProperties <= Math.max(required.size, most(shape.nodes, 'minProperties')) || proving.miss(pointer, to, 'minProperties'),
    maxProperties >= mostMembers(shape) || proving.miss(pointer, to, 'maxProperties'),
    dependentHold(proving, shape, to, pointer),
    namesHold(proving, shape, to, pointer),
    ...[...(to.properties ?? [])].map(([name, schema]) => proving.includes(memberNodes(shape.nodes, name), schema, below(pointer, name))),
    matchedHold(proving, shape, to, pointer),
    to.additionalProperties === undefined || othersHold(proving, shape, { looked: own, schema: to.additionalProperties, pointer }),
    unevaluatedHolds(proving, shape, to, pointer),
  ].every(Boolean)
}

function dependentHold(proving: Proving, shape: Shape, to: SchemaNode, pointer: string): boolean {
  const required = requiredOf(shape)
  const stated = (given: string, name: string): boolean => shape.nodes.some((node) => node.dependentRequired?.get(given)?.includes(name))
  return [...(to.dependentRequired ?? [])]
    .flatMap(([given, names]) =>
      names.map(
        (name) =>
          name === given ||
          required.has(name) ||
          stated(given, name) ||
          memberNodes(shape.nodes, given).some(({ always }) => always === false) ||
          proving.miss(below(pointer, name), to, 'dependentRequired'),
      ),
    )
    .every(Boolean)
}

function namesHold(proving: Proving, { nodes }: Shape, to: SchemaNode, pointer: string): boolean {
  const { propertyNames } = to
  if (propertyNames === undefined || propertyNames.always === true) return true
  const stated = nodes.some((node) => node.propertyNames !== undefined && proving.includes([node.propertyNames], propertyNames, pointer))
  if (stated) return true
  const closed = nodes.find((node) => node.additionalProperties?.always === false && (node.patternProperties ?? []).length === 0)
  const all = closed === undefined ? undefined : [...(closed.properties?.keys() ?? [])]
  const possible = all?.filter((name) => !memberNodes(nodes, name).some(({ always }) => always === false))
  return possible?.every((name) => proving.accepts(propertyNames, name)) || proving.miss(pointer, to, 'propertyNames')
}

function matchedHold(proving: Proving, { nodes }: Shape, to: SchemaNode, pointer: string): boolean {
  const sources = new Set(nodes.flatMap(({ patternProperties = [] }) => patternProperties.map(({ pattern }) => pattern.source)))
  return (to.patternProperties ?? [])
    .flatMap(({ pattern, schema }) => [
      ...[...namesOf(nodes)]
        .filter((name) => pattern.matches(name))
        .map((name) => proving.includes(memberNodes(nodes, name), schema, below(pointer, name))),
      ...[...sources]
        .filter((source) => source !== pattern.source)
        .map((source) =>
          proving.includes(
            otherMemberNodes(nodes, { matching: new Set([source, pattern.source]), notMatching: none }),
            schema,
            anyBelow(pointer),
          ),
        ),
      proving.includes(
        otherMemberNodes(nodes, {
          matching: new Set([pattern.source]),
          notMatching: new Set([...sources].filter((each) => each !== pattern.source)),
        }),
        schema,
        anyBelow(pointer),
      ),
    ])
    .every(Boolean)
}

interface Others {
  readonly looked: Looked
  readonly schema: SchemaNode
  readonly pointer: string
}

/** All members but those that were looked at. */
function othersHold(proving: Proving, { nodes }: Shape, { looked, schema, pointer }: Others): boolean {
  const excluded = new Set(looked.patterns.map(({ source }) => source))
  const sources = new Set(nodes.flatMap(({ patternProperties = [] }) => patternProperties.map(({ pattern }) => pattern.source)))
  const open = [...sources].filter((source) => !excluded.has(source))
  const named = [...namesOf(nodes)].filter((name) => !looked.names.has(name) && !looked.patterns.some((each) => each.matches(name)))
  return [
    ...named.map((name) => proving.includes(memberNodes(nodes, name), schema, below(pointer, name))),
    ...open.map((source) =>
      proving.includes(otherMemberNodes(nodes, { matching: new Set([source]), notMatching: excluded }), schema, anyBelow(pointer)),
    ),
    proving.includes(otherMemberNodes(nodes, { matching: none, notMatching: new Set([...excluded, ...open]) }), schema, anyBelow(pointer)),
  ].every(Boolean)
}

function unevaluatedHolds(proving: Proving, shape: Shape, to: SchemaNode, pointer: string): boolean {
  if (to.unevaluatedProperties === undefined) return true
  const looked = lookedMembers(to)
  if (looked === undefined) return proving.miss(pointer, to, 'unevaluatedProperties')
  return looked.all || othersHold(proving, shape, { looked, schema: to.unevaluatedProperties, pointer })
}
