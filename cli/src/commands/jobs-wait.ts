/** `mnemos jobs wait`: until a Job has ended; the exit code is the Job's own. */
import type { JobStatus } from '@mnemos/api'
import { systemClock } from '@mnemos/kube'
import { CliError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { follow } from '../follow.ts'
import type { Invocation } from '../invocation.ts'
import { connect, type Session } from '../session.ts'

export async function waitForJobs(invocation: Invocation, names: readonly string[], timeoutSeconds: number | undefined): Promise<ExitCode> {
  const session = await connect(invocation)
  const signal = timeoutSeconds === undefined ? invocation.signal : AbortSignal.any([invocation.signal, deadline(names, timeoutSeconds)])
  let code: ExitCode = exitCodes.ok
  for (const name of names) {
    const ended = await waitForJob({ ...invocation, signal }, session, name)
    if (ended !== exitCodes.ok) code = ended
  }
  return code
}

/** Waits for one Job and says how it ended. */
export async function waitForJob(invocation: Invocation, session: Session, name: string): Promise<ExitCode> {
  const { terminal, signal } = invocation
  const status = await follow({
    open: (lastEventId, during) => session.jobs.stream(name, lastEventId, during),
    clock: systemClock,
    signal,
    onStatus: (seen) => {
      terminal.status(`${name}: ${seen.phase}`)
    },
  })
  terminal.clearStatus()
  const last = status ?? (await session.jobs.get(name, signal)).status
  terminal.say(`mnemosjob.mnemos.dev/${name} ${last?.phase ?? 'Pending'}${last?.failure === undefined ? '' : `: ${last.failure.message}`}`)
  return exitCodeOf(last)
}

/** The exit code that tells how a Job ended. */
export function exitCodeOf(status: Pick<JobStatus, 'phase'> | undefined): ExitCode {
  if (status?.phase === 'Succeeded') return exitCodes.ok
  return status?.phase === 'Cancelled' ? exitCodes.cancelled : exitCodes.failed
}

/** Aborts after so long. @param ask the command that tells why one of the names is not done */
export function deadline(names: readonly string[], seconds: number, ask = 'mnemos jobs get'): AbortSignal {
  const controller = new AbortController()
  systemClock.setTimeout(() => {
    controller.abort(
      new CliError(`${names.join(', ')} did not end within ${seconds} s`, {
        code: 'MNEMOS_TIMEOUT',
        hint: `${ask} ${names[0] ?? ''}`,
      }),
    )
  }, seconds * 1000)
  return controller.signal
}
