/** A step that waits for a person: who may decide, and what was decided. */
import type { PipelineRun, PipelineStep } from '@mnemos/api'
import { requesterAnnotation } from '../admission/requester.ts'
import { failed, type StepView } from './run-steps.ts'

type Decision = NonNullable<PipelineRun['spec']['approvals']>[number]
type Approval = NonNullable<PipelineStep['approval']>

/** Who may decide; anybody who may change the run when no lists say otherwise. */
export interface Approvers {
  readonly users?: readonly string[] | undefined
  readonly groups?: readonly string[] | undefined
  /** Not whoever asked for the run. */
  readonly byOther: boolean
}

/** Who decided, as far as it matters. */
export interface Decider {
  readonly by?: string | undefined
  readonly groups?: readonly string[] | undefined
}

/** What the decisions about a step come to. @param message what is to be approved */
export function approvalView(run: PipelineRun, step: string, approval: Approval, message: string): StepView {
  const made = (run.spec.approvals ?? []).filter((each) => each.step === step)
  const decided = made.find((each) => whyNot(requesterOf(run), approval, each) === undefined)
  if (decided === undefined) return { state: { phase: 'Running' }, message: waitsFor(run, approval, made, message) }
  const { decision, by = 'somebody', comment } = decided
  if (decision === 'Approved') return { state: { phase: 'Succeeded' } }
  return failed(`${by} rejected it${comment === undefined ? '.' : `: ${comment}`}`)
}

/** Why a decision does not count; undefined when it does. @param requester who asked for the run */
export function whyNot(
  requester: string | undefined,
  { users = [], groups = [], byOther }: Approvers,
  { by, groups: of = [] }: Decider,
): string | undefined {
  if (byOther && by === requester) return `${by ?? 'whoever did'} asked for the run and cannot decide`
  if (users.length === 0 && groups.length === 0) return undefined
  const isNamed = by !== undefined && (users.includes(by) || of.some((group) => groups.includes(group)))
  return isNamed ? undefined : `${by ?? 'whoever did'} is not one of those who may decide`
}

function requesterOf({ metadata }: PipelineRun): string | undefined {
  return metadata.annotations?.[requesterAnnotation]
}

/** Who may decide, as it is told. */
export function whoMay({ users = [], groups = [], byOther }: Approvers): string {
  const who = [...users, ...groups.map((group) => `group ${group}`)].slice(0, 8).join(', ')
  return `${who === '' ? 'a person' : who}${byOther ? ', not whoever asked for the run' : ''}`
}

function waitsFor(run: PipelineRun, approval: Approval, made: readonly Decision[], message: string): string {
  const refused = made.flatMap((each) => whyNot(requesterOf(run), approval, each) ?? []).at(-1)
  return [
    `waits for the decision of ${whoMay(approval)}`,
    ...(message === '' ? [] : [`: ${message}`]),
    ...(refused === undefined ? [] : [` (${refused})`]),
  ].join('')
}
