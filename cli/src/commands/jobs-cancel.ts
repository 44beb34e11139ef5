/** `mnemos jobs cancel NAME…`: asks for each Job to be stopped for good. A Job that has ended stays as it is. */
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { connect } from '../session.ts'

export async function cancelJobs(invocation: Invocation, names: readonly string[]): Promise<ExitCode> {
  const session = await connect(invocation)
  for (const name of names) {
    await session.jobs.cancel(name, invocation.signal)
    invocation.terminal.write(`mnemosjob.mnemos.dev/${name} asked to cancel\n`)
  }
  return exitCodes.ok
}
