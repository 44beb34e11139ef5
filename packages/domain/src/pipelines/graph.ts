/**
 * The graph of a pipeline's steps: who waits for whom, in which order they can go, and why they cannot.
 *
 * Pure and total; takes time in proportion to steps and edges, so that five thousand steps are judged at once. A step waits for what
 * `dependsOn` names and for every step whose output it refers to.
 */
import { about, type Finding, type Path } from '@mnemos/api'
import { nearest } from '../admission/nearest.ts'

/** An edge as it was written. */
export interface WrittenEdge {
  /** The step that is waited for. */
  readonly on: string
  /** Where that is said. */
  readonly path: Path
  /** Whether an output of it is named. */
  readonly uses?: boolean
}

export interface GraphStep {
  readonly name: string
  readonly path: Path
  readonly edges: readonly WrittenEdge[]
}

export interface StepGraph {
  /** Every step after all that it waits for; those of the same rank in the order in which they were written. */
  readonly order: readonly string[]
  /** Whom each step waits for. */
  readonly dependencies: ReadonlyMap<string, readonly string[]>
  /** Who waits for each step. */
  readonly dependents: ReadonlyMap<string, readonly string[]>
}

/** Most findings that are told; a list of five thousand helps nobody. */
const maxFindings = 50

/** The graph, or everything that is wrong with it. */
export function graphOf(steps: readonly GraphStep[]): StepGraph | { readonly findings: readonly Finding[] } {
  const names = new Set(steps.map(({ name }) => name))
  const findings = [...duplicates(steps), ...edgeFindings(steps, names)]
  if (findings.length > 0) return { findings: findings.slice(0, maxFindings) }
  const dependencies = new Map(steps.map(({ name, edges }) => [name, [...new Set(edges.map(({ on }) => on))]]))
  const dependents = new Map<string, string[]>(steps.map(({ name }) => [name, []]))
  for (const [name, waitsFor] of dependencies) for (const on of waitsFor) dependents.get(on)?.push(name)
  const order = ordered(dependencies, dependents)
  if (order.length === steps.length) return { order, dependencies, dependents }
  return { findings: [cycleFinding(steps, new Set(order), dependencies)] }
}

/** Everything that waits for a step, directly or not; without the step itself. */
export function descendantsOf({ dependents }: StepGraph, step: string): ReadonlySet<string> {
  const found = new Set<string>()
  const open = [...(dependents.get(step) ?? [])]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue
    found.add(name)
    open.push(...(dependents.get(name) ?? []))
  }
  return found
}

function duplicates(steps: readonly GraphStep[]): readonly Finding[] {
  const seen = new Set<string>()
  return steps.flatMap(({ name, path }) => {
    if (seen.has(name))
      return [about([...path, 'name'], 'duplicate', `another step is called "${name}", too`, 'give each step its own name')]
    seen.add(name)
    return []
  })
}

/** Ends with the last finding that is told: to look for what was meant takes time, and hundreds of thousands of edges fit into a pipeline. */
function edgeFindings(steps: readonly GraphStep[], names: ReadonlySet<string>): readonly Finding[] {
  const findings: Finding[] = []
  const known = [...names]
  for (const { name, edges } of steps)
    for (const { on, path } of edges) {
      if (findings.length >= maxFindings) return findings
      if (on === name) findings.push(about(path, 'invalid', `the step "${name}" cannot wait for itself`, 'name another step'))
      else if (!names.has(on)) findings.push(unknownStep(on, path, known))
    }
  return findings
}

function unknownStep(on: string, path: Path, known: readonly string[]): Finding {
  const meant = nearest(on, known)
  return about(
    path,
    'invalid',
    `there is no step "${on}"`,
    meant === undefined ? 'add it, or name another step' : `did you mean "${meant}"?`,
  )
}

/** Kahn's algorithm: what waits for nobody first. Shorter than the steps when some wait for one another. */
function ordered(dependencies: StepGraph['dependencies'], dependents: StepGraph['dependents']): readonly string[] {
  const waitsFor = new Map([...dependencies].map(([name, on]) => [name, on.length]))
  const order = [...dependencies.keys()].filter((name) => waitsFor.get(name) === 0)
  for (let at = 0; at < order.length; at += 1)
    for (const next of dependents.get(order[at] ?? '') ?? []) {
      const left = (waitsFor.get(next) ?? 0) - 1
      waitsFor.set(next, left)
      if (left === 0) order.push(next)
    }
  return order
}

/** One cycle, shown as the way around it; there may be more. */
function cycleFinding(steps: readonly GraphStep[], done: ReadonlySet<string>, dependencies: StepGraph['dependencies']): Finding {
  const way: string[] = []
  const placed = new Map<string, number>()
  // Whoever is left waits for somebody who is left, so that following the first of them comes back in the end.
  let name = steps.find((step) => !done.has(step.name))?.name ?? ''
  while (!placed.has(name)) {
    placed.set(name, way.length)
    way.push(name)
    name = dependencies.get(name)?.find((on) => !done.has(on)) ?? ''
  }
  const cycle = [...way.slice(placed.get(name)), name]
  const step = steps.find((each) => each.name === name)
  const edge = step?.edges.find(({ on }) => on === cycle[1])
  const message = `steps wait for one another: ${shown(cycle)}`
  return about(edge?.path ?? step?.path ?? [], 'invalid', message, 'take one of these dependencies out')
}

/** Most steps of a cycle that are named. */
const maxShown = 12

function shown(cycle: readonly string[]): string {
  if (cycle.length <= maxShown) return cycle.join(' → ')
  return `${cycle.slice(0, maxShown - 1).join(' → ')} → … (${cycle.length - maxShown} more) → ${cycle.at(-1) ?? ''}`
}
