/** `mnemos pipelines cancel|suspend|resume|approve`: what people say to runs that go on. */
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { runNamed } from '../pipelines-api.ts'
import { runName } from '../run-view.ts'
import type { Session } from '../session.ts'

const said = { cancel: 'asked to cancel', suspend: 'suspended', resume: 'resumed' } as const

export async function steerRuns(
  { terminal, signal }: Invocation,
  session: Session,
  verb: keyof typeof said,
  names: readonly string[],
): Promise<ExitCode> {
  for (const name of names) {
    const run = await runNamed(session.pipelines, session.namespace, name, signal)
    await session.pipelines.steer(run, verb, signal)
    terminal.write(`${runName(run)} ${said[verb]}\n`)
  }
  return exitCodes.ok
}

export interface ApproveFlags {
  readonly reject: boolean
  readonly comment?: string
}

export async function approveStep(
  { terminal, signal }: Invocation,
  session: Session,
  { run: name, step }: { readonly run: string; readonly step: string },
  { reject, comment }: ApproveFlags,
): Promise<ExitCode> {
  const run = await runNamed(session.pipelines, session.namespace, name, signal)
  const decision = reject ? 'Rejected' : 'Approved'
  await session.pipelines.approve(run, { step, decision, ...(comment === undefined ? {} : { comment }) }, signal)
  terminal.write(`${runName(run)} step ${step} ${decision.toLowerCase()}\n`)
  return exitCodes.ok
}
