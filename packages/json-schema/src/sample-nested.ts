/** Lists and objects that differ from a plain one in one item, one member or their number. */
import type { SchemaNode } from './node.ts'
import { samplesOf } from './pattern-sample.ts'
import type { Sampling } from './sample.ts'
import type { Shape } from './shape.ts'
import { itemCounts, itemNodes, memberNodes, most, namesOf, prefixOf, requiredOf } from './shape-parts.ts'

const maxItems = 64
const maxMembers = 64
const counts = ['minItems', 'maxItems', 'minContains', 'maxContains'] as const
const memberCounts = ['minProperties', 'maxProperties'] as const

export function listsNear(sampling: Sampling, { nodes, ...shape }: Shape, near: readonly SchemaNode[]): readonly unknown[] {
  const { min, max } = itemCounts({ nodes, ...shape })
  const all = [...nodes, ...near]
  const contained = all.flatMap(({ contains }) => (contains === undefined ? [] : [contains]))
  const itemsAt = (at: number): readonly unknown[] => sampling.within(itemNodes(nodes, at), [...itemNodes(near, at), ...contained])
  const containing = nodes.flatMap(({ contains }) =>
    contains === undefined ? [] : sampling.within([contains, ...itemNodes(nodes, 0)], []),
  )
  const named = all.flatMap((node) => counts.map((count) => node[count])).filter((count) => count !== undefined)
  const prefix = prefixOf(all)
  const sizes = new Set([min, 0, 1, 2, prefix, prefix + 1, ...named.flatMap((count) => [count - 1, count, count + 1])])
  const fitting = [...sizes].filter((size) => size >= min && size <= max && size <= maxItems && size >= 0).sort((a, b) => a - b)
  const plain = (size: number, shift = 0): unknown[] =>
    Array.from({ length: size }, (_, at) => {
      const choices = at === 0 && containing.length > 0 ? containing : itemsAt(at)
      return choices[(at * shift) % Math.max(1, choices.length)]
    }).filter((item) => item !== undefined)
  const found: unknown[][] = fitting.flatMap((size) => [plain(size), plain(size, 1)])
  for (const size of fitting.filter((each) => each > 0 && each <= Math.max(prefix + 1, min, 2))) {
    for (let at = 0; at < Math.min(size, prefix + 1); at += 1)
      for (const item of itemsAt(at)) found.push(replaced(plain(size, 1), at, item))
  }
  return found
}

export function objectsNear(sampling: Sampling, shape: Shape, near: readonly SchemaNode[]): readonly unknown[] {
  const { nodes } = shape
  const all = [...nodes, ...near]
  const choices = new Map<string, readonly unknown[]>()
  const valuesOf = (name: string): readonly unknown[] => {
    const known = choices.get(name) ?? sampling.within(memberNodes(nodes, name), memberNodes(near, name))
    choices.set(name, known)
    return known
  }
  const put = (members: Record<string, unknown>, names: Iterable<string>): Record<string, unknown> => {
    const filled = { ...members }
    for (const name of names) {
      const [first] = valuesOf(name)
      if (first !== undefined && !Object.hasOwn(filled, name)) define(filled, name, first)
    }
    return filled
  }
  const matching = all.flatMap(({ patternProperties = [] }) => patternProperties.flatMap(({ pattern }) => samplesOf(pattern).slice(0, 2)))
  const named = all.flatMap(({ propertyNames }) =>
    propertyNames === undefined
      ? []
      : sampling
          .within([propertyNames], [])
          .filter((name) => typeof name === 'string')
          .slice(0, 3),
  )
  const triggers = all.flatMap((node) => [...(node.dependentRequired ?? [])].flatMap(([given, names]) => [given, ...names]))
  const schemas = all.flatMap((node) => [...(node.dependentSchemas?.keys() ?? [])])
  const names = [...new Set([...namesOf(all), ...triggers, ...schemas, ...matching, 'other', ...named])].slice(0, maxMembers)
  const fewest = Math.max(0, most(nodes, 'minProperties'))
  const spare = [...names, ...Array.from({ length: Math.min(fewest + 2, maxItems) }, (_, at) => `other${at}`)]
  const grown = (members: Record<string, unknown>, size: number): Record<string, unknown> => {
    let filled = members
    for (const name of spare) {
      if (Object.keys(filled).length >= size) break
      filled = put(filled, [name])
    }
    return filled
  }
  const needed = put({}, requiredOf(shape))
  const plain = grown(needed, fewest)
  const full = put(
    plain,
    names.filter((name) => name !== 'other'),
  )
  const found: Record<string, unknown>[] = [plain, full]
  for (const name of names) for (const value of valuesOf(name)) found.push(withMember(plain, name, value))
  for (const name of Object.keys(full)) found.push(without(full, name))
  const sizes = all.flatMap((node) => memberCounts.map((count) => node[count])).filter((count) => count !== undefined)
  for (const size of new Set(sizes.flatMap((count) => [count - 1, count, count + 1]))) if (size <= maxItems) found.push(grown(plain, size))
  for (const name of names) for (const value of valuesOf(name).slice(0, 6)) found.push(withMember(full, name, value))
  return found
}

/** Also a member called `__proto__` is only a member. */
function define(members: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(members, name, { value, enumerable: true, configurable: true, writable: true })
}

function withMember(members: Record<string, unknown>, name: string, value: unknown): Record<string, unknown> {
  const changed = { ...members }
  define(changed, name, value)
  return changed
}

function without(members: Record<string, unknown>, name: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([each]) => each !== name))
}

function replaced(items: readonly unknown[], at: number, item: unknown): unknown[] {
  return items.map((each, index) => (index === at ? item : each))
}
