/**
 * Why a run stands where it stands: one sentence with the cause, and the command that leads on.
 *
 * Pure. What a single Job waits for is said by job-view.ts in the same words as for any other Job.
 */
import { type ShownJob, whyWaiting } from './job-view.ts'
import type { ShownRun, ShownStep } from './run-steps.ts'
import { reasonOf, summaryOf } from './run-steps.ts'
import { countsLine, plain } from './run-tree.ts'

export interface Why {
  /** One sentence. */
  readonly sentence: string
  /** A command, or words where there is none. */
  readonly next?: string
}

export interface WhyWorld {
  readonly run: ShownRun
  readonly steps: readonly ShownStep[]
  /** The Job of the first step at work, if it has one. */
  readonly job?: ShownJob
  /** ms since 1970. */
  readonly now: number
}

/** Total: every run has an answer. */
export function whyRun(world: WhyWorld): Why {
  const { run } = world
  switch (run.status?.phase ?? 'Pending') {
    case 'Succeeded':
      return { sentence: `Run ${run.metadata.name} succeeded.`, next: `mnemos pipelines artifacts ${run.metadata.name}` }
    case 'Failed':
      return whyFailed(world)
    case 'Cancelled':
      return { sentence: said(run, 'was cancelled'), next: `mnemos pipelines retry ${run.metadata.name}` }
    case 'Paused':
      return whyPaused(world)
    case 'Running':
      return whyRunning(world)
    case 'Pending':
      return whyPending(run)
  }
}

function whyFailed({ run, steps }: WhyWorld): Why {
  const { name } = run.metadata
  const failed = steps.find(({ phase }) => phase === 'Failed')
  const retry = `mnemos pipelines retry ${name}`
  if (failed === undefined) return { sentence: said(run, 'failed'), next: nextByReason(run) ?? retry }
  const others = steps.filter(({ phase }) => phase === 'Failed').length - 1
  const because = failed.message === undefined ? '' : `: ${failed.message}`
  const more = others === 0 ? '' : ` ${others} more steps failed, too.`
  return {
    sentence: `${sentence(`Run ${name} failed because step ${failed.name} failed${because}`)}${more}`,
    next: hasLogs(failed) ? `mnemos pipelines logs ${name} ${failed.name}, then: ${retry}` : retry,
  }
}

const hasLogs = ({ type }: ShownStep): boolean => !['gate', 'approval', 'publish'].includes(type)

function whyPaused({ run, steps }: WhyWorld): Why {
  const { name } = run.metadata
  const decision = steps.find(({ needsDecision }) => needsDecision)
  if (decision !== undefined) return askedFor(run, decision)
  const suspended = { sentence: said(run, 'is suspended and starts nothing new'), next: `mnemos pipelines resume ${name}` }
  return run.spec.suspend ? suspended : { ...suspended, sentence: said(run, 'is paused') }
}

function askedFor(run: ShownRun, step: ShownStep): Why {
  const { name } = run.metadata
  const about = step.message === undefined ? '' : `: ${step.message}`
  return {
    sentence: sentence(`Run ${name} waits for a decision about step ${step.name}${about}`),
    next: `mnemos pipelines approve ${name} ${step.name} (or --reject)`,
  }
}

function whyRunning({ run, steps, job, now }: WhyWorld): Why {
  const { name } = run.metadata
  const decision = steps.find(({ needsDecision }) => needsDecision)
  const running = steps.filter(({ phase, needsDecision }) => phase === 'Running' && !needsDecision)
  const [first, ...others] = running
  if (first === undefined && decision !== undefined) return askedFor(run, decision)
  const follow = `mnemos pipelines graph ${name} --watch`
  if (first === undefined) return { sentence: said(run, 'is about to start its next step'), next: follow }
  const wait = job === undefined ? undefined : whyWaiting(job, now)
  const counted = first.counts === undefined ? '' : ` (${countsLine(first.counts, 0)})`
  const more = others.length === 0 ? '' : `, ${others.length} more steps at work`
  if (wait !== undefined) return { sentence: sentence(`Run ${name} waits for step ${first.name}${counted}${more}: ${wait}`), next: follow }
  return { sentence: sentence(`Run ${name} is at step ${first.name}${counted}${more}`), next: follow }
}

function whyPending(run: ShownRun): Why {
  return {
    sentence: said(run, 'was accepted and has not started'),
    next: nextByReason(run) ?? `mnemos pipelines status ${run.metadata.name}`,
  }
}

/** What mends the causes that are outside of the run. */
function nextByReason(run: ShownRun): string | undefined {
  const { name: pipeline } = run.spec.pipelineRef
  const known: Readonly<Record<string, string>> = {
    PipelineNotFound: `mnemos pipelines create -f FILE with a Pipeline ${pipeline}`,
    PipelineNotReady: `mnemos pipelines get ${pipeline}`,
    RevisionNotFound: `mnemos pipelines revisions ${pipeline}`,
    ParametersInvalid: `mnemos pipelines get ${pipeline} shows them; then mnemos pipelines run ${pipeline} -p NAME=VALUE`,
    RetryInvalid: `mnemos pipelines runs ${pipeline}`,
    WaitingForRun: `mnemos pipelines wait ${run.spec.retryFrom?.run ?? 'RUN'}`,
    RunTimedOut: `mnemos pipelines retry ${run.metadata.name}, and spec.timeoutSeconds of Pipeline ${pipeline}`,
  }
  return known[reasonOf(run) ?? '']
}

/** The message of the run, which names it, or words of ours. */
function said(run: ShownRun, otherwise: string): string {
  const message = summaryOf(run)?.message ?? ''
  return sentence(message === '' ? `Run ${run.metadata.name} ${otherwise}` : `Run ${run.metadata.name} ${otherwise}: ${message}`)
}

function sentence(text: string): string {
  const told = plain(text).trim()
  return /[.!?]$/.test(told) ? told : `${told}.`
}

/** The lines that an answer is shown as. */
export function whyLines({ sentence: text, next }: Why): string {
  return next === undefined ? `${text}\n` : `${text}\n  next: ${next}\n`
}
