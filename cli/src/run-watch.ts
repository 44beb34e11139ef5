/**
 * Watches a run to its end: on a terminal as a tree that is redrawn in place, elsewhere as a line for each step that changed.
 *
 * Guarantees: a broken stream is taken up again; nothing is asked of the server more often than every two seconds beside the stream, and of a
 * run of thousands of instances only the first rows, so that watching costs the same for any run.
 */
import type { PipelineRunStatus } from '@mnemos/api'
import type { Clock } from '@mnemos/kube'
import { CliError } from './errors.ts'
import { takeUpAgain } from './follow.ts'
import type { PipelinesApi } from './pipelines-api.ts'
import { specOfRun } from './pipelines-api.ts'
import { isOver, type ShownRun, type ShownStep, type StepRow, shownSteps } from './run-steps.ts'
import { plain, runTree } from './run-tree.ts'
import type { Terminal } from './terminal.ts'

export interface Watching {
  readonly pipelines: PipelinesApi
  readonly terminal: Terminal
  readonly clock: Clock
  readonly signal: AbortSignal
  /** One line instead of a tree, and nothing of steps. */
  readonly isQuiet?: boolean
}

const redrawMs = 1000
const rowsEveryMs = 2000
/** Rows that are asked for: the steps of a usual run. */
const mostRows = 500

/** @returns the run as it ended, or as it was last seen when its stream ended without it */
export async function watchRun<R extends ShownRun>(first: R, watching: Watching): Promise<R> {
  const { pipelines, clock, signal } = watching
  const view = new RunView(first, watching)
  await view.readSpec()
  const timers = new AbortController()
  const during = AbortSignal.any([signal, timers.signal])
  view.draw()
  const ticking = Promise.all([
    every(clock, redrawMs, during, () => {
      view.draw()
    }),
    every(clock, rowsEveryMs, during, () => view.readRows()),
  ])
  try {
    await takeUpAgain({
      open: (lastEventId, reading) => pipelines.events(first, lastEventId, reading),
      clock,
      signal,
      hint: `the run goes on; follow it with: mnemos pipelines graph ${first.metadata.name} --watch`,
      onEvent: (event) => {
        if (event.event === 'refused') throw new CliError(`the run cannot be watched: ${event.message}`, { code: 'MNEMOS_REFUSED' })
        if (event.event === 'end') return { isOver: true }
        view.see(event.status)
        return { isOver: isOver(view.run), id: event.id }
      },
    })
  } finally {
    timers.abort()
    await ticking
  }
  await view.readRows()
  view.draw()
  return view.run
}

/** Calls until the signal aborts; what fails on the way is told by the stream. */
async function every(clock: Clock, delayMs: number, signal: AbortSignal, work: () => Promise<void> | void): Promise<void> {
  try {
    for (;;) {
      await clock.sleep(delayMs, signal)
      await work()
    }
  } catch {
    // Only a picture for people: the stream itself tells what is wrong.
  }
}

class RunView<R extends ShownRun> {
  run: R
  #spec: unknown
  #rows: readonly StepRow[] = []
  #told: readonly ShownStep[] = []
  readonly #watching: Watching

  constructor(run: R, watching: Watching) {
    this.run = run
    this.#watching = watching
  }

  see(status: PipelineRunStatus): void {
    const isFirst = this.#spec === undefined && status.revision !== undefined
    this.run = { ...this.run, status }
    if (isFirst) void this.readSpec().then(() => this.draw(), ignore)
    this.draw()
  }

  async readSpec(): Promise<void> {
    this.#spec = await specOfRun(this.#watching.pipelines, this.run, this.#watching.signal)
  }

  async readRows(): Promise<void> {
    if (!this.#watching.terminal.interactive || this.#watching.isQuiet === true) return
    const { pipelines, signal } = this.#watching
    this.#rows = await pipelines.steps(this.run, { most: mostRows }, signal).catch(() => this.#rows)
  }

  draw(): void {
    const { terminal, clock, isQuiet = false } = this.#watching
    if (isQuiet) {
      const { phase = 'Pending', progress } = this.run.status ?? {}
      terminal.status([`${this.run.metadata.name}: ${phase}`, progress?.jobs].filter((part) => part !== undefined).join(', '))
      return
    }
    const steps = shownSteps(this.#spec, this.run, this.#rows)
    if (!terminal.interactive) {
      for (const line of stepChanges(this.#told, steps)) terminal.say(line)
      this.#told = steps
      return
    }
    const { columns, rows } = terminal.size()
    const options = { width: columns, height: Math.max(4, rows - 1), now: clock.now(), paint: terminal.paint }
    terminal.draw(runTree(this.run, steps, options))
  }
}

function ignore(): void {
  // The picture stays as it is.
}

/** A line for each step whose phase is another one now. */
export function stepChanges(before: readonly ShownStep[], now: readonly ShownStep[]): readonly string[] {
  const phases = new Map(before.map(({ name, phase }) => [name, phase]))
  return now.flatMap(({ name, phase, message }) => {
    if (phase === (phases.get(name) ?? 'Waiting')) return []
    return [`${name}: ${phase}${message === undefined ? '' : `, ${plain(message)}`}`]
  })
}
