/** `mnemos pipelines runs|status`: which runs there are, and one of them with its steps and what it left behind. */
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { parseFormat, renderList, renderObject } from '../output.ts'
import { runNamed, specOfRun } from '../pipelines-api.ts'
import { shownSteps } from '../run-steps.ts'
import { rowColumns, runColumns, runName, runPage } from '../run-view.ts'
import type { Session } from '../session.ts'

/** Rows that give times to the tree: the steps of a usual run. */
const mostRows = 500

export async function listRuns({ globals, terminal, signal }: Invocation, session: Session, pipeline?: string): Promise<ExitCode> {
  const format = parseFormat(globals.output)
  const items = await session.pipelines.runs(pipeline, signal)
  const newestFirst = items.toSorted((a, b) => created(b).localeCompare(created(a)))
  const empty = `No runs${pipeline === undefined ? '' : ` of ${pipeline}`} in namespace ${session.namespace}. Start one: mnemos pipelines run ${pipeline ?? 'NAME'}`
  terminal.write(await renderList({ items: newestFirst, columns: runColumns(Date.now()), name: runName, empty }, format))
  return exitCodes.ok
}

const created = ({ metadata }: { metadata: { creationTimestamp?: string } }): string => metadata.creationTimestamp ?? ''

export async function runStatus({ globals, terminal, signal }: Invocation, session: Session, name: string): Promise<ExitCode> {
  const format = parseFormat(globals.output)
  const { pipelines } = session
  const run = await runNamed(pipelines, session.namespace, name, signal)
  if (format === 'json' || format === 'yaml') terminal.write(await renderObject(run, format))
  else if (format === 'name') terminal.write(`${runName(run)}\n`)
  else {
    const rows = await pipelines.steps(run, format === 'wide' ? {} : { most: mostRows }, signal)
    const steps = shownSteps(await specOfRun(pipelines, run, signal), run, rows)
    const page = runPage(run, steps, { width: terminal.dataColumns(), now: Date.now(), paint: terminal.paintData })
    terminal.write(page)
    if (format === 'wide')
      terminal.write(
        `\n${await renderList({ items: rows, columns: rowColumns, name: ({ step }) => step, empty: 'No step has begun.' }, 'wide')}`,
      )
  }
  return exitCodes.ok
}
