/** Whether two schemas say the same, keyword by keyword, through all references. */
import { canonical, isJsonObject } from './json.ts'
import type { SchemaNode } from './node.ts'

const annotations = new Set(['title', 'description', 'default', 'examples', '$comment', 'deprecated', 'readOnly', 'writeOnly'])
const maxPairs = 20_000

/** Compares schemas; what is equal is remembered. */
export class Sameness {
  readonly #equal = new Map<SchemaNode, Set<SchemaNode>>()

  /** False also when it would take too long to say. */
  has(a: SchemaNode, b: SchemaNode): boolean {
    const assumed = new Map<SchemaNode, Set<SchemaNode>>()
    const waiting: [SchemaNode, SchemaNode][] = [[a, b]]
    let pairs = 0
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [one, other] = next
      if (one === other || this.#equal.get(one)?.has(other) || assumed.get(one)?.has(other)) continue
      pairs += 1
      if (pairs > maxPairs) return false
      assumed.set(one, (assumed.get(one) ?? new Set()).add(other))
      if (one.dynamicRef !== undefined || other.dynamicRef !== undefined || plainText(one) !== plainText(other)) return false
      const [inOne, inOther] = [childrenOf(one), childrenOf(other)]
      if (inOne.size !== inOther.size) return false
      for (const [key, child] of inOne) {
        const same = inOther.get(key)
        if (same === undefined) return false
        waiting.push([child, same])
      }
    }
    for (const [one, others] of assumed) this.#equal.set(one, new Set([...(this.#equal.get(one) ?? []), ...others]))
    return true
  }
}

const plainTexts = new WeakMap<SchemaNode, string>()

/** What a schema says without those in it. */
function plainText(node: SchemaNode): string {
  const known = plainTexts.get(node)
  if (known !== undefined) return known
  const inner = new Set([...childrenOf(node).keys()].map((key) => key.split('/')[0] ?? ''))
  const entries = isJsonObject(node.raw)
    ? Object.entries(node.raw).filter(([key]) => !inner.has(key) && !annotations.has(key) && !key.startsWith('$'))
    : [['', node.raw]]
  const text = canonical([node.format?.name ?? '', Object.fromEntries(entries)])
  plainTexts.set(node, text)
  return text
}

const children = new WeakMap<SchemaNode, ReadonlyMap<string, SchemaNode>>()

/** The schemas within a schema, by keyword and place in it. */
function childrenOf(node: SchemaNode): ReadonlyMap<string, SchemaNode> {
  const known = children.get(node)
  if (known !== undefined) return known
  const found = new Map<string, SchemaNode>()
  children.set(node, found)
  const put = (key: string, child: SchemaNode | undefined): void => {
    if (child !== undefined) found.set(key, child)
  }
  for (const key of ['items', 'contains', 'additionalProperties', 'propertyNames', 'unevaluatedItems', 'unevaluatedProperties'] as const)
    put(key, node[key])
  for (const key of ['not', 'if', 'then', 'else'] as const) put(key, node[key])
  for (const key of ['allOf', 'anyOf', 'oneOf', 'prefixItems'] as const)
    for (const [at, child] of (node[key] ?? []).entries()) put(`${key}/${at}`, child)
  for (const key of ['properties', 'dependentSchemas'] as const) for (const [name, child] of node[key] ?? []) put(`${key}/${name}`, child)
  for (const { pattern, schema } of node.patternProperties ?? []) put(`patternProperties/${pattern.source}`, schema)
  put('$ref', node.ref)
  return found
}
