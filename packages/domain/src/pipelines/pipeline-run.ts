/**
 * What should happen next to a run of a pipeline. Total: every world has a plan.
 *
 *   Pending ──revision, parameters──► Running ◄──► Paused (approval, breaker, suspend) ──all steps ended──► Succeeded, Failed, Cancelled
 *
 * Guarantees: a step starts only after all that it waits for; a run uses one revision from its first step to its last; a short run costs
 * one write of its status, its end; what cannot be derived from Jobs again is written before anything follows from it.
 */
import { formatTime, type PipelineRun, type PipelineRunStatus, parseTime, type RunPhase } from '@mnemos/api'
import type { Next } from '@mnemos/kube'
import { wakeAfter } from '../scheduling/job-status.ts'
import { parameterValues } from './parameters.ts'
import { type Advance, advance } from './run-advance.ts'
import type { Revision } from './run-pass.ts'
import { artifactsOf, emptyStatus, factsOf, listed, outputsOf, runningMessage, statusOfSteps, type Verdict } from './run-status.ts'
import { isUnderWay, stopping } from './run-steps.ts'
import { hasBegun, type RunEffect, type RunPlan, type RunWorld, startOf, unseenMs } from './run-world.ts'

/** A run that is over within this time is not described before, also when a hundred come at once; creation times are cut to whole seconds. */
const describeAfterMs = 4000
const terminal: readonly RunPhase[] = ['Succeeded', 'Failed', 'Cancelled']
const rest: RunPlan = { status: undefined, apply: [], remove: [], events: [], next: { kind: 'change' } }

export function isOver({ status }: PipelineRun): boolean {
  return status !== undefined && terminal.includes(status.phase)
}

/** @param now milliseconds since 1970 */
export function decidePipelineRun(world: RunWorld, now: number): RunPlan {
  const { run, revision } = world
  if (run.metadata.deletionTimestamp !== undefined) return rest
  if (isOver(run)) return overPlan(world, now)
  const finding = retryFinding(world) ?? revisionFinding(world)
  if (finding !== undefined || 'missing' in revision) return heldPlan(world, finding ?? cancelledVerdict(world), now)
  const params = parameterValues(revision.pipeline.declarations, run.spec.parameters ?? {}, ['spec', 'parameters'])
  if ('findings' in params) {
    const message = params.findings.map(
      ({ field, message: what, suggestion }) => `${field} ${what}${suggestion === undefined ? '' : `; ${suggestion}`}`,
    )
    return heldPlan(world, { phase: 'Failed', reason: 'ParametersInvalid', message: `${message.join('; ')}.` }, now)
  }
  const leftMs = timeLeftMs(world, revision, now)
  const isEnding = run.spec.cancel || leftMs <= 0
  const done = advance(world, revision, params.values, { isEnding, isHeld: run.spec.suspend && !isEnding }, now)
  return planOf(world, revision, done, { leftMs, now })
}

function cancelledVerdict(world: RunWorld): Verdict {
  const when = hasBegun(world) ? '; what had succeeded by then stays.' : ' before its first step.'
  return { phase: 'Cancelled', reason: 'RunCancelled', message: `The run was cancelled${when}` }
}

/** Nothing can be done for the run yet, or ever. */
function heldPlan(world: RunWorld, found: Verdict, now: number): RunPlan {
  const { run } = world
  const verdict = run.spec.cancel ? cancelledVerdict(world) : found
  // Nobody looks at the Jobs of a run that is over: what is under way is stopped first, and has ended.
  const work = [...world.jobs, ...world.calls].filter(isUnderWay)
  if (terminal.includes(verdict.phase) && work.length + world.made.size > 0)
    return { ...rest, patch: work.filter(({ spec }) => !spec.cancel).map(stopping), next: wakeAfter(unseenMs + 1) }
  const status = run.status ?? emptyStatus
  const untilToldMs = describeAfterMs - (now - (parseTime(run.metadata.creationTimestamp) ?? 0))
  // What is applied together appears one after the other; that is not worth a write.
  if (verdict.phase === 'Pending' && untilToldMs > 0) return { ...rest, next: wakeAfter(untilToldMs) }
  const ended = terminal.includes(verdict.phase) ? { finishedAt: formatTime(now) } : {}
  return { ...rest, status: { ...status, phase: verdict.phase, ...ended }, conditions: factsOf(verdict), next: { kind: 'change' } }
}

function retryFinding(world: RunWorld): Verdict | undefined {
  const { run, source } = world
  const { retryFrom, pipelineRef } = run.spec
  if (retryFrom === undefined || hasBegun(world)) return undefined
  if (retryFrom.run === run.metadata.name)
    return {
      phase: 'Failed',
      reason: 'RetryInvalid',
      message: `Run ${retryFrom.run} cannot go on from itself; name an earlier run in a new one.`,
    }
  const earlier = source(retryFrom.run)?.run
  if (earlier === undefined)
    return {
      phase: 'Pending',
      reason: 'WaitingForRun',
      message: `There is no run ${retryFrom.run} here; create it, or correct retryFrom in a new run.`,
    }
  if (earlier.spec.pipelineRef.name !== pipelineRef.name)
    return {
      ...{ phase: 'Failed', reason: 'RetryInvalid' },
      message: `Run ${retryFrom.run} is of Pipeline ${earlier.spec.pipelineRef.name}, and this one of ${pipelineRef.name}; a retry is of the same.`,
    }
  if (!isOver(earlier))
    return {
      phase: 'Pending',
      reason: 'WaitingForRun',
      message: `Run ${retryFrom.run} has not ended yet; cancel it to go on from there now.`,
    }
  return undefined
}

function revisionFinding(world: RunWorld): Verdict | undefined {
  const { revision } = world
  if (!('missing' in revision)) return undefined
  const { missing, message } = revision
  switch (missing) {
    case 'noPipeline':
      return { phase: 'Pending', reason: 'PipelineNotFound', message }
    case 'notReady':
      return { phase: 'Pending', reason: 'PipelineNotReady', message }
    case 'noRevision':
      // What was begun cannot go on; what was not may wait for the revision to come.
      return { phase: hasBegun(world) ? 'Failed' : 'Pending', reason: 'RevisionNotFound', message }
  }
}

/** Waiting for a pipeline, or for another run, is no part of a run. */
function timeLeftMs(world: RunWorld, { pipeline }: Revision, now: number): number {
  const { timeoutSeconds } = pipeline.spec
  return timeoutSeconds === undefined ? Number.POSITIVE_INFINITY : (startOf(world) ?? now) + timeoutSeconds * 1000 - now
}

interface Times {
  readonly leftMs: number
  readonly now: number
}

function planOf(world: RunWorld, revision: Revision, done: Advance, times: Times): RunPlan {
  const { run } = world
  const { now, leftMs } = times
  const verdict = done.isOver ? endOf(run, revision, done, leftMs) : goingOn(run, done)
  const isEnd = terminal.includes(verdict.phase)
  const status: PipelineRunStatus = {
    ...statusOfSteps(world, revision, done, now),
    phase: verdict.phase,
    ...(isEnd ? { finishedAt: formatTime(now), ...outputsOf(revision, done), ...artifactsOf(revision, done) } : {}),
  }
  const made = done.create.map(({ metadata }) => metadata.name)
  const effects: RunEffect[] = made.length === 0 ? [] : [{ type: 'made', uid: run.metadata.uid ?? '', names: made }]
  const waitMs = isEnd || done.mustTell ? 0 : untilTold(world, verdict, now)
  const next = nextOf(world, isEnd, waitMs, leftMs, now)
  const plan: RunPlan = { ...rest, create: done.create, patch: done.patch, effects, next }
  if (waitMs > 0) return plan
  return { ...plan, status, conditions: factsOf(verdict), effects: [...effects, { type: 'written', uid: run.metadata.uid ?? '' }] }
}

function nextOf({ run, made }: RunWorld, isEnd: boolean, waitMs: number, leftMs: number, now: number): Next {
  if (isEnd) return wakeAfter(ttlLeftMs(run, now, now))
  // Of a child that came and went unseen, no change ever tells.
  const unseen = made.size > 0 ? unseenMs + 1 : undefined
  return wakeAfter(...[waitMs, leftMs].filter((ms) => ms > 0 && Number.isFinite(ms)), unseen)
}

/** How long the next word about a run that goes on can wait. A pause is told at once, and so is its end. */
function untilTold({ run, dueInMs }: RunWorld, { phase, reason }: Verdict, now: number): number {
  const told = run.status ?? emptyStatus
  const [said] = told.conditions
  if (phase === 'Paused' && (told.phase !== phase || said?.reason !== reason)) return 0
  if (phase === 'Running' && told.phase === 'Paused') return 0
  const ageMs = now - (parseTime(run.metadata.creationTimestamp) ?? now)
  return Math.max(describeAfterMs - ageMs, dueInMs, 0)
}

function goingOn(run: PipelineRun, done: Advance): Verdict {
  const [wait] = done.waits
  if (done.underWay > 0) {
    const others = wait === undefined ? '' : ` ${wait.message}`
    return { phase: 'Running', reason: 'StepsRunning', message: `${runningMessage(done)}${others}` }
  }
  if (run.spec.suspend && !run.spec.cancel)
    return { phase: 'Paused', reason: 'RunSuspended', message: 'Nothing starts while spec.suspend is true.' }
  if (wait !== undefined) return { phase: 'Paused', reason: wait.reason, message: waitingMessage(done) }
  return { phase: 'Running', reason: 'StepsRunning', message: runningMessage(done) }
}

function waitingMessage({ waits }: Advance): string {
  const [first, ...others] = waits
  const more = others.length === 0 ? '' : ` So do ${listed(others.map(({ step }) => step))}.`
  const said = first?.message ?? ''
  return `${said}${said.endsWith('.') ? '' : '.'}${more}`
}

/** How a run ends whose steps have all ended. */
function endOf(run: PipelineRun, { pipeline }: Revision, { views }: Advance, leftMs: number): Verdict {
  const inMain = new Set(pipeline.main.order)
  const ends = [...views].map(([name, { state, message }]) => ({ name, state, message, isMain: inMain.has(name) }))
  const isBroken = ends.filter(({ isMain }) => isMain).some(({ state }) => state.phase !== 'Succeeded' && !isSkippedByChoice(state))
  const broken = ends.find(({ state }) => state.phase === 'Failed') ?? ends.find(({ state }) => state.phase === 'Cancelled')
  if (isBroken && run.spec.cancel)
    return { phase: 'Cancelled', reason: 'RunCancelled', message: 'The run was cancelled; what had succeeded by then stays.' }
  if (isBroken && leftMs <= 0)
    return {
      phase: 'Failed',
      reason: 'RunTimedOut',
      message: `The run took longer than spec.timeoutSeconds of the Pipeline (${pipeline.spec.timeoutSeconds ?? 0} s).`,
    }
  if (broken !== undefined) {
    const { name, state, message = '' } = broken
    const what = state.phase === 'Cancelled' ? 'was cancelled' : 'failed'
    const why = message === '' ? '.' : `: ${message}${message.endsWith('.') ? '' : '.'}`
    const next = `Go on from there: mnemos pipelines retry ${run.metadata.name}`
    return { phase: 'Failed', reason: 'StepFailed', message: `Step ${name} ${what}${why} ${next}` }
  }
  const skippedNames = ends.filter(({ state }) => state.phase === 'Skipped').map(({ name }) => name)
  const skippedMessage = skippedNames.length === 0 ? '' : `; skipped: ${listed(skippedNames)}`
  return { phase: 'Succeeded', reason: 'StepsSucceeded', message: `${ends.length - skippedNames.length} steps succeeded${skippedMessage}.` }
}

function isSkippedByChoice(state: { readonly phase: string; readonly why?: string }): boolean {
  return state.phase === 'Skipped' && (state.why === 'Condition' || state.why === 'NoOutput')
}

/** A run that has ended is deleted when its time has come, and nobody keeps work of it. */
function overPlan({ run, isNeeded }: RunWorld, now: number): RunPlan {
  const leftMs = ttlLeftMs(run, now, parseTime(run.status?.finishedAt) ?? now)
  if (leftMs === undefined || isNeeded) return rest
  if (leftMs > 0) return { ...rest, next: wakeAfter(leftMs) }
  const { namespace = '', name, uid = '' } = run.metadata
  return { ...rest, remove: [{ apiVersion: run.apiVersion, kind: run.kind, namespace, name, uid }] }
}

function ttlLeftMs({ spec }: PipelineRun, now: number, finishedAt: number): number | undefined {
  return spec.ttlSecondsAfterFinished === undefined ? undefined : finishedAt + spec.ttlSecondsAfterFinished * 1000 - now
}
