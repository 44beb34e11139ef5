/** A step that waits for a person: who may decide, and what was decided. */
import type { PipelineRun, PipelineStep } from '@mnemos/api'
import { requesterAnnotation } from '../admission/requester.ts'
import { failed, type StepView } from './run-steps.ts'

type Decision = NonNullable<PipelineRun['spec']['approvals']>[number]
type Approval = NonNullable<PipelineStep['approval']>

/** What the decisions about a step come to. @param message what is to be approved */
export function approvalView(run: PipelineRun, step: string, approval: Approval, message: string): StepView {
  const made = (run.spec.approvals ?? []).filter((each) => each.step === step)
  const decided = made.find((each) => whyNot(run, approval, each) === undefined)
  if (decided === undefined) return { state: { phase: 'Running' }, message: waitsFor(run, approval, made, message) }
  const { decision, by = 'somebody', comment } = decided
  if (decision === 'Approved') return { state: { phase: 'Succeeded' } }
  return failed(`${by} rejected it${comment === undefined ? '.' : `: ${comment}`}`)
}

/** Why a decision does not count; undefined when it does. */
export function whyNot(
  run: PipelineRun,
  { users = [], groups = [], byOther }: Approval,
  { by, groups: of = [] }: Decision,
): string | undefined {
  if (byOther && by === run.metadata.annotations?.[requesterAnnotation]) return `${by ?? 'whoever did'} asked for the run and cannot decide`
  if (users.length === 0 && groups.length === 0) return undefined
  const isNamed = by !== undefined && (users.includes(by) || of.some((group) => groups.includes(group)))
  return isNamed ? undefined : `${by ?? 'whoever did'} is not one of those who may decide`
}

function waitsFor(run: PipelineRun, approval: Approval, made: readonly Decision[], message: string): string {
  const { users = [], groups = [], byOther } = approval
  const who = [...users, ...groups.map((group) => `group ${group}`)].slice(0, 8).join(', ')
  const other = byOther ? ', not whoever asked for the run' : ''
  const refused = made.flatMap((each) => whyNot(run, approval, each) ?? []).at(-1)
  return [
    `waits for the decision of ${who === '' ? 'a person' : who}${other}`,
    ...(message === '' ? [] : [`: ${message}`]),
    ...(refused === undefined ? [] : [` (${refused})`]),
  ].join('')
}
