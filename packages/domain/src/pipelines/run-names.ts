/** Names and labels of what a run makes: functions of the run, the step and the item, so that making one twice is making one. */
import type { Job, PipelineRun } from '@mnemos/api'
import { childName } from '../child-name.ts'

/** On Jobs and runs that a run made: the name of that run, or what `labelOf` makes of a long one. */
export const runLabel = 'mnemos.dev/pipeline-run'
export const pipelineLabel = 'mnemos.dev/pipeline'
export const stepLabel = 'mnemos.dev/step'
/** Place of the item, of an instance of a step with forEach. */
export const itemLabel = 'mnemos.dev/item'
/** Name of the ControllerRevision that the run uses. */
export const revisionLabel = 'mnemos.dev/revision'
/** Digest of everything that the result of a Job follows from. */
export const memoLabel = 'mnemos.dev/memo'
/** How many runs called one another before this one. */
export const depthLabel = 'mnemos.dev/call-depth'
/** Annotation: hash of the item, so that a retry knows whether it is the same. */
export const itemHashAnnotation = 'mnemos.dev/item-hash'

/** Name of the Job, or of the run, that is a step or an instance of one. */
export function childOf({ metadata: { name, uid = '' } }: PipelineRun, step: string, item?: number): string {
  const purpose = item === undefined ? step : `${step}-${item}`
  return childName(name, purpose, `${uid}/${step}/${item ?? ''}`)
}

/** Name of the Model that a step publishes. */
export function publishedModel({ metadata: { uid = '' } }: PipelineRun, step: string, alias: string): string {
  return childName(alias, 'v', `${uid}/${step}`)
}

/** The step that a Job or a called run is, and the place of its item. */
export function placeOf({ metadata: { labels = {} } }: Pick<Job, 'metadata'>): {
  readonly step: string
  readonly item: number | undefined
} {
  const item = labels[itemLabel]
  return { step: labels[stepLabel] ?? '', item: item === undefined ? undefined : Number(item) }
}
