/**
 * How a Job is shown: the row of a list, the page of one Job, and the one sentence that says why it waits.
 *
 * Reads only the Job, so the same words come out of `get`, `list`, `chat` and `wait`.
 */
import type { Job } from '@mnemos/api'
import { type Column, size, span } from './output.ts'

/** A Job as the server may return it: a fresh one has no status yet. */
export type ShownJob = Pick<Job, 'apiVersion' | 'kind' | 'metadata' | 'spec' | 'status'>

export const jobName = (job: ShownJob): string => `mnemosjob.mnemos.dev/${job.metadata.name}`

/** @param now ms since 1970 */
export function jobColumns(now: number): readonly Column<ShownJob>[] {
  return [
    { title: 'NAME', of: (job) => job.metadata.name },
    { title: 'PHASE', of: (job) => job.status?.phase ?? 'Pending' },
    { title: 'REASON', of: (job) => reasonOf(job) ?? '' },
    { title: 'ATTEMPT', of: (job) => String(job.status?.attempt ?? 0) },
    { title: 'MODEL', of: (job) => job.spec.inference?.modelRef.name ?? job.spec.container?.image ?? job.spec.maintenance?.task ?? '' },
    { title: 'NAMESPACE', of: (job) => job.metadata.namespace ?? '', wide: true },
    { title: 'WORKER', of: (job) => job.status?.worker?.name ?? '', wide: true },
    { title: 'TOKENS', of: (job) => String(job.status?.usage?.completionTokens ?? ''), wide: true },
    { title: 'QUEUE', of: (job) => job.spec.queue, wide: true },
    { title: 'PRIORITY', of: (job) => job.spec.priority, wide: true },
    { title: 'AGE', of: (job) => ageOf(job, now) },
  ]
}

/** Why the Job stands where it stands, as one word; undefined when there is nothing to explain. */
export function reasonOf(job: ShownJob): string | undefined {
  const summary = job.status?.conditions.find(({ type }) => type === 'Succeeded')
  if (job.status?.phase === 'Failed' || job.status?.phase === 'Cancelled') return job.status.failure?.reason ?? summary?.reason
  return isWaiting(job) ? (summary?.reason ?? job.status?.conditions[0]?.reason) : undefined
}

export function isWaiting(job: ShownJob): boolean {
  const phase = job.status?.phase ?? 'Pending'
  return phase === 'Pending' || phase === 'Retrying'
}

export function isTerminal(job: ShownJob): boolean {
  return ['Succeeded', 'Failed', 'Cancelled'].includes(job.status?.phase ?? '')
}

/** One sentence: why the Job waits, and until when as far as that is known. */
export function whyWaiting(job: ShownJob, now: number): string | undefined {
  if (!isWaiting(job)) return undefined
  const status = job.status
  const summary = status?.conditions.find(({ type }) => type === 'Succeeded') ?? status?.conditions[0]
  const sentence =
    summary?.message !== undefined && summary.message !== '' ? summary.message : (status?.queue?.reasons[0] ?? 'it was just accepted')
  const until = status?.retryAt ?? status?.queue?.startEta
  const position = status?.queue?.position === undefined ? '' : ` Place ${status.queue.position} in queue ${job.spec.queue}.`
  return `${/[.!?]$/.test(sentence) ? sentence : `${sentence}.`}${position}${until === undefined ? '' : ` Until about ${clockTime(until)} (in ${span(Date.parse(until) - now)}).`}`
}

/** The page of one Job. @param now ms since 1970 */
export function jobPage(job: ShownJob, now: number): string {
  const { status } = job
  const lines: (readonly [string, string | undefined])[] = [
    ['Job', `${job.metadata.namespace ?? 'default'}/${job.metadata.name}`],
    ['Phase', `${status?.phase ?? 'Pending'}${reasonOf(job) === undefined ? '' : ` (${reasonOf(job) ?? ''})`}`],
    ['Waits', whyWaiting(job, now)],
    ['Model', job.spec.inference?.modelRef.name],
    ['Task', job.spec.maintenance?.task],
    ['Queue', `${job.spec.queue}, priority ${job.spec.priority}`],
    ['Attempt', attemptLine(job)],
    ['Progress', progressLine(job)],
    ['Usage', usageLine(job)],
    ['Failure', status?.failure === undefined ? undefined : `${status.failure.class}/${status.failure.reason}: ${status.failure.message}`],
    ['Next', status?.failure?.hint],
    ['Result', status?.result === undefined ? undefined : `${status.result.uri} (${size(status.result.sizeBytes)})`],
    ['sha256', status?.result?.sha256],
    ['Age', ageOf(job, now)],
  ]
  const page = lines.flatMap(([label, value]) => (value === undefined || value === '' ? [] : [`${label}:`.padEnd(11) + value]))
  return [...page, ...attemptHistory(job), ...answerOf(job)].join('\n').concat('\n')
}

/** The text of an inline result: the `text` of its JSON, or the bytes themselves when they are no such JSON. */
export function answerText(inline: string): string {
  try {
    const parsed: unknown = JSON.parse(inline)
    if (typeof parsed === 'object' && parsed !== null && 'text' in parsed && typeof parsed.text === 'string') return parsed.text
  } catch {
    // Not JSON: shown as it is.
  }
  return inline
}

function attemptLine(job: ShownJob): string {
  const { attempt = 0, failures = 0, worker } = job.status ?? {}
  const where = worker === undefined ? '' : ` on ${worker.name}`
  return `${attempt}${where}${failures === 0 ? '' : `, ${failures} of ${job.spec.retry.limit} retries used`}`
}

function progressLine(job: ShownJob): string | undefined {
  const progress = job.status?.progress
  if (progress === undefined || isTerminal(job)) return undefined
  const moved = progress.totalBytes === undefined ? undefined : `${size(progress.bytes ?? 0)} of ${size(progress.totalBytes)}`
  const percent = progress.percent === undefined ? undefined : `${progress.percent} %`
  const tokens = progress.tokens === undefined ? undefined : `${progress.tokens} tokens`
  return [progress.message, percent, moved, tokens].filter((part) => part !== undefined).join(', ')
}

function usageLine(job: ShownJob): string | undefined {
  const usage = job.status?.usage
  if (usage === undefined) return undefined
  const rate = usage.durationMs === 0 ? '' : `, ${Math.round((usage.completionTokens * 1000) / usage.durationMs)} tokens/s`
  return `${usage.promptTokens} tokens read, ${usage.completionTokens} written in ${(usage.durationMs / 1000).toFixed(1)} s${rate}`
}

function attemptHistory(job: ShownJob): string[] {
  const attempts = job.status?.attempts ?? []
  if (attempts.length < 2) return []
  return [
    'Attempts:',
    ...attempts.map(
      (a) =>
        `  ${a.attempt}  ${a.outcome}${a.worker === undefined ? '' : ` on ${a.worker}`}${a.message === undefined ? '' : `: ${a.message}`}`,
    ),
  ]
}

function answerOf(job: ShownJob): string[] {
  const inline = job.status?.result?.inline
  return inline === undefined ? [] : ['', answerText(inline)]
}

function ageOf(job: ShownJob, now: number): string {
  const created = job.metadata.creationTimestamp
  return created === undefined ? '' : span(now - Date.parse(created))
}

function clockTime(instant: string): string {
  return new Date(instant).toISOString().slice(11, 19).concat(' UTC')
}
