/** Keywords about lists. */
import type { Place } from './evaluate.ts'
import type { SchemaNode } from './node.ts'

/** @param isSound whether nothing was wrong so far: what was left unevaluated is only told then */
export function judgeArray(place: Place, isSound: boolean): void {
  judgeCount(place)
  const itemsFine = judgeItems(place)
  const containsFine = judgeContains(place)
  judgeUnique(place)
  if (isSound && itemsFine && containsFine) judgeUnevaluated(place)
}

function judgeCount({ node: { minItems, maxItems }, instance, fail }: Place): void {
  const count = instance.items.length
  const found = `${count} entries`
  if (minItems !== undefined && count < minItems)
    fail('minItems', `must have at least ${minItems} entries`, { expected: `at least ${minItems} entries`, found })
  if (maxItems !== undefined && count > maxItems)
    fail('maxItems', `must have at most ${maxItems} entries`, { expected: `at most ${maxItems} entries`, found })
}

function judgeItems({ node: { prefixItems = [], items }, instance, scope, seen, judging, failWithin }: Place): boolean {
  if (prefixItems.length === 0 && items === undefined) return true
  let isFine = true
  const count = items === undefined ? Math.min(prefixItems.length, instance.items.length) : instance.items.length
  for (const [at, item] of instance.items.slice(0, count).entries()) {
    const schema: SchemaNode | undefined = prefixItems[at] ?? items
    if (schema === undefined) continue
    const outcome = judging.judge(schema, item, scope)
    if (outcome.valid) continue
    isFine = false
    failWithin(outcome)
  }
  if (seen !== undefined) {
    seen.items = Math.max(seen.items, count)
    if (items !== undefined) seen.allItems = true
  }
  return isFine
}

function judgeContains({ node, instance, scope, seen, judging, fail }: Place): boolean {
  const { contains, minContains = 1, maxContains } = node
  if (contains === undefined) return true
  let count = 0
  for (const [at, item] of instance.items.entries()) {
    if (!judging.judge(contains, item, scope).valid) continue
    count += 1
    seen?.single.add(at)
  }
  const found = `${count} of ${instance.items.length} entries`
  if (count < minContains)
    fail(node.minContains === undefined ? 'contains' : 'minContains', `must have at least ${minContains} entries that fit`, { found })
  else if (maxContains !== undefined && count > maxContains)
    fail('maxContains', `must have at most ${maxContains} entries that fit`, { found })
  else return true
  return false
}

function judgeUnique({ node: { uniqueItems }, instance, judging, fail }: Place): void {
  if (uniqueItems === undefined) return
  const places = new Map<string, number>()
  for (const [at, item] of instance.items.entries()) {
    judging.spend(1 + (item.text.length >> 6))
    const before = places.get(item.text)
    if (before !== undefined) {
      fail('uniqueItems', `must have no entry twice, and those at ${before} and ${at} are equal`)
      return
    }
    places.set(item.text, at)
  }
}

function judgeUnevaluated({ node: { unevaluatedItems }, instance, scope, seen, judging, failWithin }: Place): void {
  if (unevaluatedItems === undefined || seen === undefined || seen.allItems) return
  for (const [at, item] of instance.items.entries()) {
    judging.spend(1)
    if (at < seen.items || seen.single.has(at)) continue
    const outcome = judging.judge(unevaluatedItems, item, scope)
    if (!outcome.valid) failWithin(outcome)
  }
  seen.allItems = true
}
