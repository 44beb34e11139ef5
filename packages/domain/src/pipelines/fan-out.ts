/**
 * A step over a list: one instance for each item, so many at once, the outputs gathered in the order of the items.
 *
 * The phases of all instances are kept as runs (`S120R8W9872`), so that ten thousand fit in a status: a few dozen bytes while they go in
 * order, 20 KB when every second one ends otherwise.
 */
import type { StepPhase, StepState } from './progress.ts'

/** Most items of one step. */
export const maxItems = 10_000

const letters = { Waiting: 'W', Running: 'R', Succeeded: 'S', Failed: 'F', Cancelled: 'C', Skipped: 'N' } as const satisfies Record<
  StepPhase,
  string
>
const phases = new Map<string, StepPhase>(Object.entries(letters).map(([phase, letter]) => [letter, phase as StepPhase]))

/** Phases of instances in the order of their items, as runs of a letter and a number. */
export function encodePhases(of: readonly StepPhase[]): string {
  let text = ''
  for (let from = 0; from < of.length; ) {
    let to = from + 1
    while (to < of.length && of[to] === of[from]) to += 1
    text += `${letters[of[from] ?? 'Waiting']}${to - from}`
    from = to
  }
  return text
}

/** Undefined for a text that {@link encodePhases} never writes. */
export function decodePhases(text: string): readonly StepPhase[] | undefined {
  if (!/^([WRSFCN][1-9][0-9]{0,4})*$/.test(text)) return undefined
  const runs = [...text.matchAll(/([A-Z])([0-9]+)/g)].map(([, letter = '', count = '']) => ({
    phase: phases.get(letter) ?? 'Waiting',
    count: Number(count),
  }))
  if (runs.reduce((sum, { count }) => sum + count, 0) > maxItems) return undefined
  return runs.flatMap(({ phase, count }) => Array.from({ length: count }, () => phase))
}

export interface FanRules {
  /** Most instances that run at once. */
  readonly concurrency: number
  /** Instances that may fail before nothing new starts and the step fails. */
  readonly maxFailed: number
  /** Nothing new starts: the run ends. */
  readonly isEnding: boolean
}

export interface FanProgress {
  /** Places of the instances that can start. */
  readonly start: readonly number[]
  /** What the step as a whole is, undefined while it goes on. A list without items has succeeded. */
  readonly ended: Extract<StepState['phase'], 'Succeeded' | 'Failed' | 'Cancelled'> | undefined
}

/** What comes next: after too many failures nothing new starts, and the step ends when what runs has ended. */
export function fanProgressOf(of: readonly StepPhase[], { concurrency, maxFailed, isEnding }: FanRules): FanProgress {
  const { Running: running = 0, Failed: failures = 0 } = countsOf(of)
  const failed = failures > maxFailed
  if ((failed || isEnding) && running > 0) return { start: [], ended: undefined }
  if (failed) return { start: [], ended: 'Failed' }
  // Whoever had ended by itself when the run was stopped has ended as it would have.
  if (of.every((phase) => phase !== 'Waiting' && phase !== 'Running'))
    return { start: [], ended: of.some((phase) => phase === 'Cancelled') ? 'Cancelled' : 'Succeeded' }
  if (isEnding) return { start: [], ended: 'Cancelled' }
  const room = Math.max(0, concurrency - running)
  const start: number[] = []
  for (let place = 0; place < of.length && start.length < room; place += 1) if (of[place] === 'Waiting') start.push(place)
  return { start, ended: undefined }
}

/** Each output as the list of what the instances left, in the order of the items; null where one left nothing. */
export function gathered(
  outputs: readonly (Readonly<Record<string, unknown>> | undefined)[],
): Readonly<Record<string, readonly unknown[]>> {
  const names = [...new Set(outputs.flatMap((each) => Object.keys(each ?? {})))].sort()
  return Object.fromEntries(
    names.map((name) => [name, outputs.map((each) => (each !== undefined && Object.hasOwn(each, name) ? each[name] : null))]),
  )
}

/** How many instances are in each phase. */
export function countsOf(of: readonly StepPhase[]): Readonly<Partial<Record<StepPhase, number>>> {
  const counts: Partial<Record<StepPhase, number>> = {}
  for (const phase of of) counts[phase] = (counts[phase] ?? 0) + 1
  return counts
}
