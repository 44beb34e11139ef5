/**
 * `mnemos pipelines logs RUN [STEP]`: what the Jobs of a run wrote, one after the other in the order of the pipeline; with `-f` as they come,
 * until the run ends. Steps that run at once are shown one after the other, each whole.
 */
import { systemClock } from '@mnemos/kube'
import { CliError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { runNamed } from '../pipelines-api.ts'
import { isOver, type ShownRun, type StepRow } from '../run-steps.ts'
import type { Session } from '../session.ts'
import type { LogFlags } from './container-logs.ts'
import { logsOfJob } from './jobs-logs.ts'
import { exitCodeOfRun } from './pipelines-wait.ts'

export interface RunLogFlags extends LogFlags {
  readonly item?: number
}

export interface Which {
  readonly run: string
  /** Every step when absent. */
  readonly step?: string
}

/** For each page of rows, so that ten thousand instances do not cost a server more than a usual run. */
const lookEveryMs = 1000
const rowsOfPage = 500

export async function runLogs(invocation: Invocation, session: Session, which: Which, flags: RunLogFlags): Promise<ExitCode> {
  const { signal } = invocation
  if (flags.item !== undefined && which.step === undefined)
    throw new CliError('--item is of a step', {
      code: 'MNEMOS_USAGE',
      exitCode: exitCodes.usage,
      hint: 'mnemos pipelines logs RUN STEP --item N',
    })
  const shown = new Set<string>()
  for (;;) {
    const run = await runNamed(session.pipelines, session.namespace, which.run, signal)
    const rows = await rowsOf(session, run, which, flags.item, signal)
    const fresh = rows.filter(({ job }) => job !== undefined && !shown.has(job))
    for (const row of fresh)
      await logsOfRow(invocation, session, row, { flags, shown, isOnly: which.step !== undefined && rows.length === 1 })
    if (!flags.follow) {
      if (shown.size === 0) nothingYet(invocation, run, which, rows)
      return exitCodes.ok
    }
    if (fresh.length === 0 && (isOver(run) || isWhole(which, rows))) return exitCodeOfRun(run)
    if (fresh.length === 0) await systemClock.sleep(lookEveryMs * Math.ceil((rows.length + 1) / rowsOfPage), signal)
  }
}

async function rowsOf(
  session: Session,
  run: ShownRun,
  { step }: Which,
  item: number | undefined,
  signal: AbortSignal,
): Promise<readonly StepRow[]> {
  const rows = await session.pipelines.steps(run, step === undefined ? {} : { step }, signal)
  const wanted = rows.filter((row) => (step === undefined || row.step === step) && (item === undefined || row.item === item))
  if (wanted.length > 0 || step === undefined) return wanted
  const which = item === undefined ? `step ${step}` : `instance ${item} of step ${step}`
  throw new CliError(`run ${run.metadata.name} has no ${which}`, {
    code: 'MNEMOS_NOT_FOUND',
    exitCode: exitCodes.notFound,
    hint: `mnemos pipelines status ${run.metadata.name} -o wide`,
  })
}

/** Whether every row that was asked for has ended: the run may go on without it. */
function isWhole({ step }: Which, rows: readonly StepRow[]): boolean {
  return step !== undefined && rows.every(({ phase }) => phase !== 'Waiting' && phase !== 'Running')
}

interface Showing {
  readonly flags: RunLogFlags
  readonly shown: Set<string>
  readonly isOnly: boolean
}

async function logsOfRow(invocation: Invocation, session: Session, { step, item, job, type }: StepRow, showing: Showing): Promise<void> {
  if (job === undefined) return
  const { terminal } = invocation
  showing.shown.add(job)
  // A call of another pipeline is a run, with logs of its own.
  if (type === 'pipeline') terminal.say(`==> ${step} is run ${job}: mnemos pipelines logs ${job} <==`)
  else {
    if (!showing.isOnly) terminal.say(terminal.paint('bold', `==> ${item === undefined ? step : `${step}[${item}]`} (Job ${job}) <==`))
    await logsOfJob(invocation, session, job, showing.flags)
  }
}

function nothingYet({ terminal }: Invocation, run: ShownRun, { step }: Which, rows: readonly StepRow[]): void {
  const told = rows.find(({ message }) => message !== undefined)?.message
  const what = step === undefined ? `no step of ${run.metadata.name} has a Job yet` : `step ${step} has no Job`
  terminal.say(`${what}${told === undefined ? '' : `: ${told}`}`)
  terminal.say(`  next: mnemos pipelines why ${run.metadata.name}`)
}
