/** Keywords that apply further schemas to the same place. */
import type { Place } from './evaluate.ts'
import type { SchemaNode } from './node.ts'
import { type Outcome, weightOf } from './outcome.ts'

/** Alternatives are weighed up to so many failures when the nearest is looked for. */
const maxWeight = 1000

export function inPlaceJudgement(place: Place): void {
  const { node, scope } = place
  if (node.ref !== undefined) must(place, node.ref)
  if (node.dynamicRef !== undefined) {
    const { target, name } = node.dynamicRef
    must(place, name === undefined ? target : (scope.bound.get(name) ?? target))
  }
  for (const each of node.allOf ?? []) must(place, each)
  judgeAnyOf(place)
  judgeOneOf(place)
  judgeNot(place)
  judgeIf(place)
  judgeDependentSchemas(place)
}

function look({ judging, instance, scope }: Place, node: SchemaNode): Outcome {
  return judging.judge(node, instance, scope)
}

function takeOver({ seen, judging }: Place, outcome: Outcome): void {
  if (seen !== undefined) judging.spend(seen.add(outcome.seen))
}

function must(place: Place, node: SchemaNode): void {
  const outcome = look(place, node)
  if (outcome.valid) takeOver(place, outcome)
  else place.failWithin(outcome)
}

function judgeAnyOf(place: Place): void {
  const { anyOf } = place.node
  if (anyOf === undefined) return
  const outcomes = anyOf.map((each) => look(place, each))
  const valid = outcomes.filter((outcome) => outcome.valid)
  for (const outcome of valid) takeOver(place, outcome)
  if (valid.length === 0) failAlternatives(place, 'anyOf', outcomes)
}

function judgeOneOf(place: Place): void {
  const { oneOf } = place.node
  if (oneOf === undefined) return
  const outcomes = oneOf.map((each) => look(place, each))
  const valid = outcomes.filter((outcome) => outcome.valid)
  if (valid.length === 1) for (const outcome of valid) takeOver(place, outcome)
  else if (valid.length === 0) failAlternatives(place, 'oneOf', outcomes)
  else {
    const which = outcomes.flatMap((outcome, at) => (outcome.valid ? [at] : []))
    place.fail('oneOf', `must fit exactly one of ${oneOf.length} alternatives, and fits those at ${which.join(', ')}`)
  }
}

function failAlternatives({ fail }: Place, keyword: string, outcomes: readonly Outcome[]): void {
  fail(keyword, outcomes.length === 1 ? 'does not fit' : `fits none of the ${outcomes.length} alternatives`, {
    nearest: () => {
      const weighed = outcomes.map((outcome) => ({ outcome, weight: distanceOf(outcome) }))
      return weighed.sort((a, b) => a.weight - b.weight)[0]?.outcome
    },
  })
}

/** A wrong type or a wrong constant says more against an alternative than a missing member. */
function distanceOf(outcome: Outcome): number {
  const own = outcome.failures.some((each) => 'keyword' in each && (each.keyword === 'type' || each.keyword === 'const'))
  return weightOf(outcome, maxWeight) + (own ? maxWeight : 0)
}

function judgeNot(place: Place): void {
  const { not } = place.node
  if (not !== undefined && look(place, not).valid) place.fail('not', 'fits what is excluded here')
}

function judgeIf(place: Place): void {
  const { if: condition, then, else: otherwise } = place.node
  if (condition === undefined) return
  const outcome = look(place, condition)
  if (outcome.valid) takeOver(place, outcome)
  const branch = outcome.valid ? then : otherwise
  if (branch !== undefined) must(place, branch)
}

function judgeDependentSchemas(place: Place): void {
  const { dependentSchemas } = place.node
  if (dependentSchemas === undefined || place.instance.kind !== 'object') return
  for (const [name, schema] of dependentSchemas) {
    place.judging.spend(1)
    if (place.instance.members.has(name)) must(place, schema)
  }
}
