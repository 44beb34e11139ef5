/**
 * How Pipelines, their revisions and runs are shown in lists and on pages, and the words that name them.
 *
 * Pure. The tree of a run is in run-tree.ts, why it stands where it stands in run-why.ts.
 */
import type { Pipeline } from '@mnemos/api'
import type { PipelineRevision } from '@mnemos/contract'
import { type Column, size, span } from './output.ts'
import { reasonOf, type ShownRun, type ShownStep, type StepRow, summaryOf } from './run-steps.ts'
import { runTree, type TreeOptions } from './run-tree.ts'

export type ShownPipeline = Pick<Pipeline, 'apiVersion' | 'kind' | 'metadata' | 'spec' | 'status'>

export const pipelineName = ({ metadata }: Pick<ShownPipeline, 'metadata'>): string => `mnemospipeline.mnemos.dev/${metadata.name}`
export const runName = ({ metadata }: Pick<ShownRun, 'metadata'>): string => `mnemospipelinerun.mnemos.dev/${metadata.name}`

/** @param now ms since 1970 */
export function pipelineColumns(now: number): readonly Column<ShownPipeline>[] {
  return [
    { title: 'NAME', of: ({ metadata }) => metadata.name },
    { title: 'READY', of: (pipeline) => readiness(pipeline)?.status ?? 'Unknown' },
    { title: 'REASON', of: (pipeline) => readiness(pipeline)?.reason ?? '' },
    { title: 'STEPS', of: ({ spec, status }) => String(status?.steps ?? spec.steps.length) },
    { title: 'REVISION', of: ({ status }) => String(status?.revision ?? '') },
    { title: 'NAMESPACE', of: ({ metadata }) => metadata.namespace ?? '', wide: true },
    { title: 'DESCRIPTION', of: ({ spec }) => spec.description ?? '', wide: true },
    { title: 'AGE', of: ({ metadata }) => ageOf(metadata.creationTimestamp, now) },
  ]
}

export const readiness = ({ status }: ShownPipeline) => status?.conditions.find(({ type }) => type === 'Ready')

/** @param now ms since 1970 */
export function runColumns(now: number): readonly Column<ShownRun>[] {
  return [
    { title: 'NAME', of: ({ metadata }) => metadata.name },
    { title: 'PIPELINE', of: ({ spec }) => spec.pipelineRef.name },
    { title: 'PHASE', of: ({ status }) => status?.phase ?? 'Pending' },
    { title: 'REASON', of: (run) => reasonOf(run) ?? '' },
    { title: 'DONE', of: ({ status }) => status?.progress?.jobs ?? '' },
    { title: 'REVISION', of: ({ status, spec }) => String(status?.revision ?? spec.revision ?? ''), wide: true },
    { title: 'QUEUE', of: ({ spec }) => spec.queue ?? 'default', wide: true },
    { title: 'PRIORITY', of: ({ spec }) => spec.priority, wide: true },
    { title: 'RETRY OF', of: ({ spec }) => spec.retryFrom?.run ?? '', wide: true },
    { title: 'TIME', of: (run) => timeOf(run, now) },
    { title: 'AGE', of: ({ metadata }) => ageOf(metadata.creationTimestamp, now) },
  ]
}

/** @param now ms since 1970 */
export function revisionColumns(now: number): readonly Column<PipelineRevision>[] {
  return [
    { title: 'REVISION', of: ({ revision }) => String(revision) },
    { title: 'CURRENT', of: ({ isCurrent }) => (isCurrent ? '*' : '') },
    { title: 'NAME', of: ({ name }) => name, wide: true },
    { title: 'AGE', of: ({ createdAt }) => ageOf(createdAt, now) },
  ]
}

export const rowColumns: readonly Column<StepRow>[] = [
  { title: 'STEP', of: ({ step, item }) => (item === undefined ? step : `${step}[${item}]`) },
  { title: 'TYPE', of: ({ type }) => type },
  { title: 'PHASE', of: ({ phase, why }) => (why === undefined ? phase : `${phase} (${why})`) },
  { title: 'JOB', of: ({ job = '' }) => job },
  { title: 'ATTEMPT', of: ({ attempt }) => String(attempt ?? '') },
  { title: 'WORKER', of: ({ worker = '' }) => worker },
  { title: 'STARTED', of: ({ startedAt = '' }) => startedAt },
  { title: 'FINISHED', of: ({ finishedAt = '' }) => finishedAt },
]

/** The page of one run: what it is, then its steps, then what it left behind. */
export function runPage(run: ShownRun, steps: readonly ShownStep[], options: TreeOptions): string {
  const { spec, status, metadata } = run
  const lines: (readonly [string, string | undefined])[] = [
    ['Run', `${metadata.namespace ?? 'default'}/${metadata.name}`],
    ['Pipeline', `${spec.pipelineRef.name}${status?.revision === undefined ? '' : `, revision ${status.revision}`}`],
    ['Retry of', spec.retryFrom?.run],
    ['Queue', `${spec.queue ?? 'default'}, priority ${spec.priority}`],
    ['Reason', reasonLine(run)],
    ['Age', ageOf(metadata.creationTimestamp, options.now)],
  ]
  const head = lines.flatMap(([label, value]) => (value === undefined || value === '' ? [] : [`${label}:`.padEnd(11) + value]))
  return [...head, '', ...runTree(run, steps, options), ...outputLines(run)].join('\n').concat('\n')
}

function reasonLine(run: ShownRun): string | undefined {
  const summary = summaryOf(run)
  return summary === undefined ? undefined : summary.message === '' ? summary.reason : `${summary.reason}: ${summary.message}`
}

/** What the run left behind, as `name: value` and files with their sizes. */
export function outputLines({ status }: ShownRun): readonly string[] {
  const values = (status?.outputs ?? []).map(({ name, value }) => `  ${name}: ${shownValue(value)}`)
  const files = (status?.artifacts ?? []).map(({ name, uri, sizeBytes }) => `  ${name}  ${uri} (${size(sizeBytes)})`)
  return [...(values.length === 0 ? [] : ['', 'Outputs:', ...values]), ...(files.length === 0 ? [] : ['', 'Artifacts:', ...files])]
}

/** An output may be named without a value: its step left none, or one that is too large for a status. */
function shownValue(value: unknown): string {
  if (value === undefined) return '(no value)'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** The page of one Pipeline: what it takes, then its steps. */
export function pipelinePage(pipeline: ShownPipeline, tree: readonly string[], now: number): string {
  const { metadata, spec, status } = pipeline
  const ready = readiness(pipeline)
  const lines: (readonly [string, string | undefined])[] = [
    ['Pipeline', `${metadata.namespace ?? 'default'}/${metadata.name}`],
    ['About', spec.description],
    ['Ready', ready === undefined ? 'Unknown' : `${ready.status} (${ready.reason})`],
    ['Reason', ready?.status === 'True' ? undefined : ready?.message],
    ['Revision', status?.revision === undefined ? undefined : String(status.revision)],
    ['Age', ageOf(metadata.creationTimestamp, now)],
  ]
  const head = lines.flatMap(([label, value]) => (value === undefined || value === '' ? [] : [`${label}:`.padEnd(11) + value]))
  const parameters = (spec.parameters ?? []).map((parameter) => {
    const usual = parameter.default === undefined ? 'required' : `default ${JSON.stringify(parameter.default)}`
    return `  ${parameter.name}  ${parameter.type}, ${usual}${parameter.description === undefined ? '' : `: ${parameter.description}`}`
  })
  const taken = parameters.length === 0 ? [] : ['', 'Parameters:', ...parameters]
  return [...head, ...taken, '', 'Steps:', ...tree].join('\n').concat('\n')
}

function timeOf({ status }: ShownRun, now: number): string {
  const began = Date.parse(status?.startedAt ?? '')
  if (Number.isNaN(began)) return ''
  const ended = Date.parse(status?.finishedAt ?? '')
  return span((Number.isNaN(ended) ? now : ended) - began)
}

function ageOf(created: string | undefined, now: number): string {
  return created === undefined ? '' : span(now - Date.parse(created))
}
