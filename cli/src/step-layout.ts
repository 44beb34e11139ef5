/**
 * Where the steps of a pipeline stand in a tree of text: their order, how far each is indented, and the lines before it.
 *
 * A graph is no tree, so: what follows a step alone stands below it; where it forks, each branch is indented; where branches meet again, the
 * step stands below the fork. What a step waits for is told beside it where several are, so nothing is lost. Pure; takes time in proportion to
 * steps and edges.
 */
import type { OutlineStep } from '@mnemos/domain'

export interface PlacedStep<T> {
  readonly step: T
  /** The lines of the tree before its mark, three characters for each indentation. */
  readonly prefix: string
}

type Node = Pick<OutlineStep, 'name' | 'after'>

/** Deeper branches are not indented any more. */
const deepest = 10

/** @param steps each after those that it waits for, as `outlineOf` gives them */
export function layOut<T extends Node>(steps: readonly T[]): readonly PlacedStep<T>[] {
  const levels = levelsOf(steps)
  return withLines(inOrder(steps, levels), levels)
}

interface Level {
  readonly level: number
  /** It begins a branch of a fork. */
  readonly isBranch: boolean
}

/** By immediate dominators: the last step through which every way to a step goes. */
function levelsOf(steps: readonly Node[]): ReadonlyMap<string, Level> {
  const before = dominators(steps)
  const followers = new Map<string | undefined, number>()
  for (const { name, after } of steps) {
    const on = before.get(name)?.on
    if (after.length < 2) followers.set(on, (followers.get(on) ?? 0) + 1)
  }
  const levels = new Map<string, Level>()
  for (const { name, after } of steps) {
    const on = before.get(name)?.on
    const level = on === undefined ? 0 : (levels.get(on)?.level ?? 0)
    const isBranch = after.length < 2 && (followers.get(on) ?? 0) > 1
    levels.set(name, { level: Math.min(deepest, isBranch ? level + 1 : level), isBranch })
  }
  return levels
}

interface Dominated {
  readonly on: string | undefined
  readonly depth: number
}

function dominators(steps: readonly Node[]): ReadonlyMap<string, Dominated> {
  const found = new Map<string, Dominated>()
  const depthOf = (name: string | undefined): number => (name === undefined ? 0 : (found.get(name)?.depth ?? 0))
  const meet = (a: string | undefined, b: string | undefined): string | undefined => {
    let [one, other] = [a, b]
    while (one !== other) {
      if (depthOf(one) >= depthOf(other)) one = one === undefined ? undefined : found.get(one)?.on
      else other = other === undefined ? undefined : found.get(other)?.on
    }
    return one
  }
  for (const { name, after } of steps) {
    // Steps of a cycle come before some that they wait for.
    const known = after.filter((each) => found.has(each))
    const on = known.length === 0 ? undefined : known.reduce<string | undefined>((one, other) => meet(one, other), known[0])
    found.set(name, { on, depth: depthOf(on) + 1 })
  }
  return found
}

/** The deepest step that can go is next, so that a branch is finished before the next begins and before branches meet. */
function inOrder<T extends Node>(steps: readonly T[], levels: ReadonlyMap<string, Level>): readonly T[] {
  const waits = new Map(steps.map(({ name, after }) => [name, after.length]))
  const dependents = new Map<string, T[]>(steps.map(({ name }) => [name, []]))
  for (const step of steps) for (const on of step.after) dependents.get(on)?.push(step)
  const ready: T[][] = Array.from({ length: deepest + 1 }, () => [])
  const add = (step: T): void => void ready[levels.get(step.name)?.level ?? 0]?.push(step)
  for (const step of steps.toReversed()) if (step.after.length === 0) add(step)
  const placed = new Set<T>()
  for (let step = pop(ready); step !== undefined; step = pop(ready)) {
    placed.add(step)
    for (const next of (dependents.get(step.name) ?? []).toReversed()) {
      const left = (waits.get(next.name) ?? 0) - 1
      waits.set(next.name, left)
      if (left === 0) add(next)
    }
  }
  return [...placed, ...steps.filter((step) => !placed.has(step))]
}

function pop<T>(ready: readonly T[][]): T | undefined {
  return ready.findLast((each) => each.length > 0)?.pop()
}

function withLines<T extends Node>(steps: readonly T[], levels: ReadonlyMap<string, Level>): readonly PlacedStep<T>[] {
  // Whether a branch of this level still follows, seen from the end.
  const follows: boolean[] = Array.from({ length: deepest + 1 }, () => false)
  const placed = steps.toReversed().map((step) => {
    const { level, isBranch } = levels.get(step.name) ?? { level: 0, isBranch: false }
    const lines = Array.from({ length: level }, (_, at) => {
      const isOwn = at === level - 1 && isBranch
      if (follows[at + 1] === true) return isOwn ? '├─ ' : '│  '
      return isOwn ? '└─ ' : '   '
    })
    follows.fill(false, level + 1)
    if (isBranch) follows[level] = true
    return { step, prefix: lines.join('') }
  })
  return placed.toReversed()
}
