/** `mnemos jobs get NAME` and `mnemos jobs list`: what a Job is, why it waits, what came out. */
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { jobColumns, jobName, jobPage } from '../job-view.ts'
import { parseFormat, renderList, renderObject } from '../output.ts'
import { connect } from '../session.ts'

export async function getJob(invocation: Invocation, name: string): Promise<ExitCode> {
  const { globals, terminal, signal } = invocation
  const format = parseFormat(globals.output)
  const job = await (await connect(invocation)).jobs.get(name, signal)
  if (format === 'json' || format === 'yaml') terminal.write(await renderObject(job, format))
  else if (format === 'name') terminal.write(`${jobName(job)}\n`)
  else terminal.write(jobPage(job, Date.now()))
  return exitCodes.ok
}

export async function listJobs(invocation: Invocation): Promise<ExitCode> {
  const format = parseFormat(invocation.globals.output)
  const session = await connect(invocation)
  const items = await session.jobs.list(invocation.signal)
  const empty = `No Jobs in namespace ${session.namespace}. Submit one: mnemos jobs submit MODEL "prompt"`
  invocation.terminal.write(await renderList({ items, columns: jobColumns(Date.now()), name: jobName, empty }, format))
  return exitCodes.ok
}
