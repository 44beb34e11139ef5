/**
 * The graph of a pipeline or a run for programs that draw: Graphviz (`--dot`) and Mermaid (`--mermaid`).
 *
 * Pure. Names are quoted as each language wants it; of messages nothing goes into a picture.
 */
import type { StepPhase } from '@mnemos/domain'
import type { ShownStep } from './run-steps.ts'

const fills: Readonly<Record<StepPhase, string>> = {
  Waiting: '#ffffff',
  Running: '#cfe8ff',
  Succeeded: '#d3f2d3',
  Failed: '#ffd0d0',
  Cancelled: '#fff0c0',
  Skipped: '#eeeeee',
}

/** @param withPhases of a run */
export function dotOf(name: string, steps: readonly ShownStep[], withPhases: boolean): string {
  const nodes = steps.map((step) => {
    const fill = withPhases ? `, style="filled", fillcolor="${fills[step.phase]}"` : ''
    return `  ${JSON.stringify(step.name)} [label=${JSON.stringify(labelOf(step, withPhases).join('\n'))}${fill}]`
  })
  const edges = edgesOf(steps).map(([from, to]) => `  ${JSON.stringify(from)} -> ${JSON.stringify(to)}`)
  return [`digraph ${JSON.stringify(name)} {`, '  node [shape=box]', ...nodes, ...edges, '}', ''].join('\n')
}

/** @param withPhases of a run */
export function mermaidOf(steps: readonly ShownStep[], withPhases: boolean): string {
  const ids = new Map(steps.map(({ name }, index) => [name, `s${index}`]))
  const nodes = steps.map((step) => `  ${ids.get(step.name) ?? ''}["${labelOf(step, withPhases).join('<br/>')}"]`)
  const edges = edgesOf(steps).map(([from, to]) => `  ${ids.get(from) ?? ''} --> ${ids.get(to) ?? ''}`)
  const phases = withPhases ? [...new Set(steps.map(({ phase }) => phase))] : []
  const classes = phases.flatMap((phase) => [
    `  classDef ${phase} fill:${fills[phase]}`,
    `  class ${steps.flatMap((step) => (step.phase === phase ? [ids.get(step.name) ?? ''] : [])).join(',')} ${phase}`,
  ])
  return ['flowchart TD', ...nodes, ...edges, ...classes, ''].join('\n')
}

function labelOf({ name, type, isFan, counts, phase }: ShownStep, withPhases: boolean): readonly string[] {
  const all = Object.values(counts ?? {}).reduce((sum, count) => sum + count, 0)
  const kind = isFan ? `${type}, for each item` : type
  if (!withPhases) return [name, kind]
  return [name, kind, counts === undefined ? phase : `${phase} ${counts.Succeeded ?? 0}/${all}`]
}

/** Steps of `finally` follow every step after which nothing comes. */
function edgesOf(steps: readonly ShownStep[]): readonly (readonly [string, string])[] {
  const followed = new Set(steps.flatMap(({ after, isFinal }) => (isFinal ? [] : after)))
  const ends = steps.filter(({ name, isFinal }) => !isFinal && !followed.has(name)).map(({ name }) => name)
  return steps.flatMap(({ name, after, isFinal }) =>
    (isFinal && after.length === 0 ? ends : after).map((from): readonly [string, string] => [from, name]),
  )
}
