/**
 * What changed between two specs of a pipeline, field by field.
 *
 * Lists whose items have names are compared by name, so that a step which moved is the same step; any other list is one value.
 */
import { type Path, pointerOf } from '@mnemos/api'
import { fieldOf, isSameJson, itemsOf, textOf } from '../reading.ts'

export interface SpecChange {
  /** JSON Pointer into the newer spec; of what is gone, into the older one. */
  readonly pointer: string
  /** Absent: it was added. */
  readonly from?: unknown
  /** Absent: it was removed. */
  readonly to?: unknown
}

/** In the order of the newer spec, what is gone behind its neighbours. @param most changes that are told */
export function specChanges(
  from: unknown,
  to: unknown,
  most = 1000,
): { readonly changes: readonly SpecChange[]; readonly isWhole: boolean } {
  const changes: SpecChange[] = []
  for (const change of compared(from, to, [])) {
    if (changes.length === most) return { changes, isWhole: false }
    changes.push(change)
  }
  return { changes, isWhole: true }
}

function* compared(from: unknown, to: unknown, at: Path): Generator<SpecChange> {
  if (isSameJson(from, to)) return
  const [older, newer] = [membersOf(from), membersOf(to)]
  if (older === undefined || newer === undefined || older.isList !== newer.isList) {
    yield { pointer: pointerOf(at), ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
    return
  }
  for (const [name, { value, key }] of newer.members) yield* compared(older.members.get(name)?.value, value, [...at, key])
  for (const [name, { value, key }] of older.members) if (!newer.members.has(name)) yield* compared(value, undefined, [...at, key])
}

interface Members {
  readonly isList: boolean
  readonly members: ReadonlyMap<string, { readonly value: unknown; readonly key: string | number }>
}

/** Undefined for what is compared as one value. */
function membersOf(value: unknown): Members | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (!Array.isArray(value)) {
    const members: readonly [string, unknown][] = Object.entries(value)
    return { isList: false, members: new Map(members.map(([key, member]) => [key, { value: member, key }])) }
  }
  const named = itemsOf(value).map((item, key) => [textOf(fieldOf(item, 'name')), { value: item, key }] as const)
  const names = new Set(named.map(([name]) => name))
  if (names.has(undefined) || names.size !== named.length || named.length === 0) return undefined
  return { isList: true, members: new Map(named.map(([name = '', member]) => [name, member])) }
}
