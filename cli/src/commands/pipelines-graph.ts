/**
 * `mnemos pipelines graph NAME|RUN`: the steps as a tree, for programs that draw as Graphviz or Mermaid, and with `--watch` live until the
 * run ends; then the exit code is that of the run.
 */
import { CliError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { dotOf, mermaidOf } from '../graph-picture.ts'
import type { Invocation } from '../invocation.ts'
import { parseFormat, renderObject } from '../output.ts'
import { runNamed, specOfRun } from '../pipelines-api.ts'
import { type ShownRun, type ShownStep, shownSteps } from '../run-steps.ts'
import { runTree, stepTree } from '../run-tree.ts'
import type { Session } from '../session.ts'
import { exitCodeOfRun, waitForRun } from './pipelines-wait.ts'

export interface GraphFlags {
  readonly watch: boolean
  readonly dot: boolean
  readonly mermaid: boolean
}

const mostRows = 500

export async function showGraph(invocation: Invocation, session: Session, what: string, flags: GraphFlags): Promise<ExitCode> {
  const { globals, terminal, signal } = invocation
  const format = parseFormat(globals.output)
  const { pipelines } = session
  const run = await runOf(session, what, signal)
  if (flags.watch) {
    if (run === undefined) throw usage(`${what} is no run, and only a run can be watched`, `mnemos pipelines runs ${what}`)
    return exitCodeOfRun(await waitForRun(invocation, session, run, { isDrawn: true }))
  }
  const spec = run === undefined ? (await pipelines.get(nameOf(what), signal)).spec : await specOfRun(pipelines, run, signal)
  const rows = run === undefined ? [] : await pipelines.steps(run, { most: mostRows }, signal)
  const steps = shownSteps(spec, run, rows)
  if (flags.dot) terminal.write(dotOf(nameOf(what), steps, run !== undefined))
  else if (flags.mermaid) terminal.write(mermaidOf(steps, run !== undefined))
  else if (format === 'json' || format === 'yaml') terminal.write(await renderObject(graphObject(steps, run), format))
  else if (format === 'name') for (const { name } of steps) terminal.write(`${name}\n`)
  else {
    const options = { width: terminal.dataColumns(), now: Date.now(), paint: terminal.paintData }
    const lines = run === undefined ? stepTree(steps, options) : runTree(run, steps, options)
    for (const line of lines) terminal.write(`${line}\n`)
  }
  return exitCodes.ok
}

/** A run where there is one of that name; `pipeline/NAME` and `run/NAME` leave no doubt. */
async function runOf(session: Session, what: string, signal: AbortSignal): Promise<ShownRun | undefined> {
  if (what.startsWith('pipeline/')) return undefined
  if (what.startsWith('run/')) return runNamed(session.pipelines, session.namespace, nameOf(what), signal)
  return session.pipelines.findRun(what, signal)
}

const nameOf = (what: string): string => what.replace(/^(run|pipeline)\//, '')

function graphObject(steps: readonly ShownStep[], run: ShownRun | undefined): unknown {
  return {
    ...(run === undefined ? {} : { run: run.metadata.name, phase: run.status?.phase ?? 'Pending' }),
    steps: steps.map(({ name, type, after, isFan, isFinal, ...state }) => ({
      ...{ name, type, after, forEach: isFan, finally: isFinal },
      ...(run === undefined ? {} : state),
    })),
  }
}

function usage(message: string, hint: string): CliError {
  return new CliError(message, { code: 'MNEMOS_USAGE', exitCode: exitCodes.usage, hint })
}
