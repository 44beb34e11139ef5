/** What came of judging one place by one schema, and how it is told. */
import type { SchemaFinding } from './finding.ts'
import type { Instance } from './instance.ts'
import type { SchemaNode } from './node.ts'
import { below } from './pointer.ts'

/** What a schema and those within it have looked at; only kept while it holds. */
export class Seen {
  allMembers = false
  allItems = false
  /** Items from the first up to here. */
  items = 0
  readonly members = new Set<string>()
  readonly single = new Set<number>()

  /** Takes over what another has seen. Returns how much work that was. */
  add(other: Seen | undefined): number {
    if (other === undefined) return 0
    this.allMembers ||= other.allMembers
    this.allItems ||= other.allItems
    this.items = Math.max(this.items, other.items)
    for (const name of other.members) this.members.add(name)
    for (const at of other.single) this.single.add(at)
    return other.members.size + other.single.size
  }
}

/** One unsatisfied keyword. What costs time to say is said only when it is shown. */
export interface Failure {
  readonly instance: Instance
  readonly node: SchemaNode
  readonly keyword: string
  readonly message: string
  /** Name of a member that is missing, or too much. */
  readonly member?: string
  readonly expected?: string
  readonly found?: string
  readonly suggest?: () => string | undefined
  readonly nearest?: () => Outcome | undefined
}

export interface Outcome {
  readonly valid: boolean
  readonly failures: readonly (Failure | Outcome)[]
  readonly seen?: Seen | undefined
}

export const fine: Outcome = { valid: true, failures: [] }

const isFailure = (each: Failure | Outcome): each is Failure => 'keyword' in each

/** How many things are wrong, up to a limit; shared parts count once. */
export function weightOf(outcome: Outcome, limit: number, visited = new Set<Outcome>()): number {
  if (visited.has(outcome)) return 0
  visited.add(outcome)
  let weight = 0
  for (const each of outcome.failures) {
    weight += isFailure(each) ? 1 : weightOf(each, limit - weight, visited)
    if (weight >= limit) return weight
  }
  return weight
}

/** The findings of an outcome, in order; what several ways lead to is told once. */
export function findingsOf(outcome: Outcome, limit: number, depth = 0): SchemaFinding[] {
  const findings: SchemaFinding[] = []
  const told = new Set<string>()
  const visited = new Set<Outcome>()
  const visit = (current: Outcome): void => {
    if (visited.has(current)) return
    visited.add(current)
    for (const each of current.failures) {
      if (findings.length >= limit) return
      if (!isFailure(each)) visit(each)
      else {
        const finding = findingOf(each, depth)
        const key = JSON.stringify([finding.pointer, finding.keyword, finding.message])
        if (!told.has(key)) findings.push(finding)
        told.add(key)
      }
    }
  }
  visit(outcome)
  return findings
}

const maxCauses = 16
const maxCauseDepth = 3

function findingOf(failure: Failure, depth: number): SchemaFinding {
  const { instance, node, keyword, message, member, expected, found = instance.kind, suggest, nearest } = failure
  const suggestion = suggest?.()
  const closest = depth < maxCauseDepth ? nearest?.() : undefined
  const causes = closest === undefined ? [] : findingsOf(closest, maxCauses, depth + 1)
  return {
    pointer: member === undefined ? instance.pointer : below(instance.pointer, member),
    keyword,
    schemaPointer: node.pointer,
    message,
    ...(expected === undefined ? {} : { expected }),
    found,
    ...(suggestion === undefined ? {} : { suggestion }),
    ...(causes.length === 0 ? {} : { causes }),
  }
}
