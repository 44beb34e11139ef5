/** `mnemos pipelines wait`: until runs have ended, drawn while they go on when asked; the exit code is that of the run. */
import { systemClock } from '@mnemos/kube'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { runNamed } from '../pipelines-api.ts'
import { isOver, type ShownRun, shownSteps } from '../run-steps.ts'
import { plain } from '../run-tree.ts'
import { runName } from '../run-view.ts'
import { watchRun } from '../run-watch.ts'
import { whyRun } from '../run-why.ts'
import type { Session } from '../session.ts'
import { deadline } from './jobs-wait.ts'

export async function waitForRuns(
  invocation: Invocation,
  session: Session,
  names: readonly string[],
  timeoutSeconds?: number,
): Promise<ExitCode> {
  const late = timeoutSeconds === undefined ? undefined : deadline(names, timeoutSeconds, 'mnemos pipelines why')
  const signal = late === undefined ? invocation.signal : AbortSignal.any([invocation.signal, late])
  let code: ExitCode = exitCodes.ok
  for (const name of names) {
    const run = await runNamed(session.pipelines, session.namespace, name, signal)
    const ended = exitCodeOfRun(await waitForRun({ ...invocation, signal }, session, run, { isDrawn: false }))
    if (ended !== exitCodes.ok) code = ended
  }
  return code
}

/** Waits for one run and says how it ended. */
export async function waitForRun<R extends ShownRun>(
  { terminal, signal }: Invocation,
  session: Session,
  run: R,
  { isDrawn }: { readonly isDrawn: boolean },
): Promise<R> {
  const ended = await watchRun(run, { pipelines: session.pipelines, terminal, clock: systemClock, signal, isQuiet: !isDrawn })
  terminal.clearStatus()
  terminal.say(endLine(ended))
  return ended
}

/** How a run ended, and of one that did not succeed why and what is next. */
export function endLine(run: ShownRun): string {
  const phase = run.status?.phase ?? 'Pending'
  if (phase === 'Succeeded') return `${runName(run)} Succeeded`
  if (!isOver(run)) return `${runName(run)} was deleted while it was ${phase}`
  const { sentence, next } = whyRun({ run, steps: shownSteps(undefined, run), now: 0 })
  return plain(`${runName(run)} ${phase}: ${sentence}`).concat(next === undefined ? '' : `\n  next: ${next}`)
}

/** The exit code that tells how a run ended. */
export function exitCodeOfRun({ status }: ShownRun): ExitCode {
  if (status?.phase === 'Succeeded') return exitCodes.ok
  return status?.phase === 'Cancelled' ? exitCodes.cancelled : exitCodes.failed
}
