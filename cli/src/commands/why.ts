/** `mnemos why run/NAME` (or job/, pipeline/) and `mnemos pipelines why RUN`: one sentence with the cause, and the command that leads on. */
import type { Job, Pipeline, PipelineRun } from '@mnemos/api'
import { CliError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { isTerminal, whyWaiting } from '../job-view.ts'
import { parseFormat, renderObject } from '../output.ts'
import { runNamed, specOfRun } from '../pipelines-api.ts'
import { shownSteps } from '../run-steps.ts'
import { readiness } from '../run-view.ts'
import { type Why, whyLines, whyRun } from '../run-why.ts'
import type { Session } from '../session.ts'

/** @param what `run/NAME`, `job/NAME` or `pipeline/NAME` */
export async function why({ globals, terminal, signal }: Invocation, session: Session, what: string): Promise<ExitCode> {
  const format = parseFormat(globals.output)
  const answer = await answerOf(session, what, signal)
  if (format === 'json' || format === 'yaml') terminal.write(await renderObject(answer, format))
  else terminal.write(whyLines(answer))
  return exitCodes.ok
}

async function answerOf(session: Session, what: string, signal: AbortSignal): Promise<Why> {
  const [, kind, name = ''] = /^(run|job|pipeline)\/(.+)$/.exec(what) ?? []
  switch (kind) {
    case 'run':
      return ofRun(session, await runNamed(session.pipelines, session.namespace, name, signal), signal)
    case 'job':
      return whyJob(await session.jobs.get(name, signal), Date.now())
    case 'pipeline':
      return whyPipeline(await session.pipelines.get(name, signal))
    default:
      throw new CliError(`${what} names no object`, {
        ...{ code: 'MNEMOS_USAGE', exitCode: exitCodes.usage },
        hint: 'mnemos why run/NAME, job/NAME or pipeline/NAME',
      })
  }
}

async function ofRun(session: Session, run: PipelineRun, signal: AbortSignal): Promise<Why> {
  const { pipelines } = session
  const steps = shownSteps(await specOfRun(pipelines, run, signal), run)
  const first = steps.find(({ phase, needsDecision }) => phase === 'Running' && !needsDecision)
  const isRunning = run.status?.phase === 'Running' && first !== undefined
  const job = isRunning ? await jobAtWork(session, run, first.name, signal) : undefined
  return whyRun({ run, steps, now: Date.now(), ...(job === undefined ? {} : { job }) })
}

/** The first Job of a step that has not ended; without the right to see it the answer is shorter. */
async function jobAtWork(session: Session, run: PipelineRun, step: string, signal: AbortSignal): Promise<Job | undefined> {
  try {
    const rows = await session.pipelines.steps(run, { step, most: 1 }, signal)
    const row = rows.find(({ phase, job }) => phase === 'Running' && job !== undefined)
    return row?.job === undefined || row.type === 'pipeline' ? undefined : await session.jobs.get(row.job, signal)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof Error && 'status' in error) return undefined
    throw error
  }
}

/** Total. @param now ms since 1970 */
export function whyJob(job: Job, now: number): Why {
  const { name } = job.metadata
  const { status } = job
  const waits = whyWaiting(job, now)
  if (waits !== undefined) return { sentence: `Job ${name} waits: ${waits}`, next: `mnemos jobs get ${name}` }
  if (status?.failure !== undefined && status.phase !== 'Succeeded')
    return {
      sentence: `Job ${name} ${status.phase.toLowerCase()}: ${status.failure.message}`,
      next: status.failure.hint ?? `mnemos jobs logs ${name}`,
    }
  return {
    sentence: `Job ${name} is ${status?.phase ?? 'Pending'}${isTerminal(job) ? '' : ` on ${status?.worker?.name ?? 'a worker'}`}.`,
    next: `mnemos jobs logs ${name}${isTerminal(job) ? '' : ' -f'}`,
  }
}

/** Total. */
export function whyPipeline(pipeline: Pipeline): Why {
  const { name } = pipeline.metadata
  const ready = readiness(pipeline)
  if (ready?.status === 'True') return { sentence: `Pipeline ${name} is ready.`, next: `mnemos pipelines run ${name}` }
  if (ready === undefined)
    return { sentence: `Pipeline ${name} was not looked at yet.`, next: 'check that the operator runs: mnemos operator --help' }
  return {
    sentence: `Pipeline ${name} is not ready (${ready.reason}): ${ready.message}`,
    next: 'correct it, then check it offline: mnemos lint FILE',
  }
}
