/** Keywords about objects. */
import type { Place } from './evaluate.ts'
import { costOfMatch } from './evaluate-plain.ts'
import { Instance } from './instance.ts'
import { inPlaceOf, type SchemaNode } from './node.ts'
import { nearestOf } from './suggestion.ts'

/** @param isSound whether nothing was wrong so far: what was left unevaluated is only told then */
export function judgeObject(place: Place, isSound: boolean): void {
  judgeCount(place)
  judgeRequired(place)
  judgeNames(place)
  if (judgeMembers(place) && isSound) judgeUnevaluated(place)
}

function judgeCount({ node: { minProperties, maxProperties }, instance, fail }: Place): void {
  const count = instance.members.size
  const found = `${count} members`
  if (minProperties !== undefined && count < minProperties)
    fail('minProperties', `must have at least ${minProperties} members`, { expected: `at least ${minProperties} members`, found })
  if (maxProperties !== undefined && count > maxProperties)
    fail('maxProperties', `must have at most ${maxProperties} members`, { expected: `at most ${maxProperties} members`, found })
}

function judgeRequired({ node, instance, judging, fail }: Place): void {
  const missing = (name: string, keyword: string, why: string): void => {
    const types = node.properties?.get(name)?.types
    fail(keyword, `is required${why}`, {
      member: name,
      found: 'nothing',
      ...(types === undefined ? {} : { expected: [...types].join(' or ') }),
    })
  }
  for (const name of node.required ?? []) {
    judging.spend(1)
    if (!instance.members.has(name)) missing(name, 'required', '')
  }
  for (const [given, names] of node.dependentRequired ?? []) {
    judging.spend(1)
    if (!instance.members.has(given)) continue
    for (const name of names) {
      judging.spend(1)
      if (!instance.members.has(name)) missing(name, 'dependentRequired', ` because "${given}" is given`)
    }
  }
}

function judgeNames({ node: { propertyNames }, instance, scope, judging, fail }: Place): void {
  if (propertyNames === undefined) return
  for (const name of instance.members.keys()) {
    judging.spend(1)
    const outcome = judging.judge(propertyNames, new Instance(name), scope)
    if (!outcome.valid) fail('propertyNames', 'has a name that is not allowed', { member: name, nearest: () => outcome })
  }
}

/** Whether the members hold. */
function judgeMembers(place: Place): boolean {
  const { node, instance, scope, seen, judging, failWithin } = place
  const { properties, patternProperties = [], additionalProperties } = node
  if (properties === undefined && patternProperties.length === 0 && additionalProperties === undefined) return true
  let isFine = true
  const judge = (schema: SchemaNode, member: Instance): void => {
    const outcome = judging.judge(schema, member, scope)
    if (outcome.valid) return
    isFine = false
    failWithin(outcome)
  }
  for (const [name, member] of instance.members) {
    judging.spend(1)
    const own = properties?.get(name)
    let isKnown = own !== undefined
    if (own !== undefined) judge(own, member)
    for (const { pattern, schema } of patternProperties) {
      judging.spend(costOfMatch(name, pattern.source))
      if (!pattern.matches(name)) continue
      isKnown = true
      judge(schema, member)
    }
    if (isKnown) seen?.members.add(name)
    else if (additionalProperties !== undefined) {
      if (additionalProperties.always === false) {
        isFine = false
        failUnknown(place, 'additionalProperties', name, member)
      } else judge(additionalProperties, member)
    }
  }
  if (additionalProperties !== undefined && seen !== undefined) seen.allMembers = true
  return isFine
}

function judgeUnevaluated(place: Place): void {
  const { node, instance, scope, seen, judging, failWithin } = place
  const { unevaluatedProperties } = node
  if (unevaluatedProperties === undefined || seen === undefined || seen.allMembers) return
  for (const [name, member] of instance.members) {
    judging.spend(1)
    if (seen.members.has(name)) continue
    if (unevaluatedProperties.always === false) {
      failUnknown(place, 'unevaluatedProperties', name, member)
      continue
    }
    const outcome = judging.judge(unevaluatedProperties, member, scope)
    if (!outcome.valid) failWithin(outcome)
  }
  seen.allMembers = true
}

function failUnknown({ node, instance, fail }: Place, keyword: string, name: string, member: Instance): void {
  fail(keyword, 'is no known member', {
    member: name,
    found: member.kind,
    suggest: () => {
      const known = [...knownNames(node)].filter((each) => !instance.members.has(each))
      const meant = nearestOf(name, known)
      return meant === undefined ? undefined : `did you mean "${meant}"?`
    },
  })
}

/** Names of members that a schema and those at the same place know. */
function knownNames(node: SchemaNode, visited = new Set<SchemaNode>()): Set<string> {
  const names = new Set<string>(node.properties?.keys())
  visited.add(node)
  for (const each of inPlaceOf(node)) {
    if (!visited.has(each)) for (const name of knownNames(each, visited)) names.add(name)
  }
  return names
}
