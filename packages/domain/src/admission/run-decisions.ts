/**
 * Decisions of people in `spec.approvals` of a run: who made them and when is written by us, and only those who may decide do.
 *
 * Guarantees: whoever adds a decision is named by it, whatever the manifest says; only our own processes may name somebody else. What
 * was decided before stays as it is, so that a manifest without names and times can be applied again. What another webhook changes behind
 * ours is refused.
 */
import { about, type Finding, formatTime, parseTime } from '@mnemos/api'
import { whoMay, whyNot } from '../pipelines/approval-step.ts'
import { fieldOf, isSameJson, itemsOf, textOf } from '../reading.ts'
import type { KnownPipeline, KnownStep } from './known-pipeline.ts'
import { nearest } from './nearest.ts'
import { requesterOf } from './requester.ts'
import type { PatchOperation, ReviewContext, ReviewRequest } from './verdict.ts'

/** What everybody who is known at all is in says nothing about who decided. */
const everybody = 'system:authenticated'
const maxGroups = 64
const maxNameLength = 253
/** The clocks of two webhooks may differ by so much; a review takes seconds at most. */
const maxOffMs = 60_000

interface Decider {
  readonly by: string
  readonly groups: readonly string[]
}

/** The patch that names who decided, in each entry that does not say so yet. */
export function stampDecisions(request: ReviewRequest, context: ReviewContext): readonly PatchOperation[] {
  const old = decisionsOf(request.oldObject)
  const at = formatTime(context.policies.now()).replace(/\.\d+Z$/, 'Z')
  return decisionsOf(request.object).flatMap((entry, index): readonly PatchOperation[] => {
    const wanted = known(entry, index, old) ?? stamped(entry, request, context, at)
    return wanted === undefined || isSameJson(wanted, entry) ? [] : [{ op: 'replace', path: `/spec/approvals/${index}`, value: wanted }]
  })
}

/** After every mutation a new decision must name who makes it: it does not when another webhook changed it behind ours. */
export function stampFindings(request: ReviewRequest, context: ReviewContext): readonly Finding[] {
  const decider = deciderOf(request)
  const now = context.policies.now()
  return newDecisions(request).flatMap(({ entry, index }) => {
    if (isNamedByUs(entry, request, context)) return []
    const at = parseTime(textOf(fieldOf(entry, 'at')))
    const isOurs =
      fieldOf(entry, 'by') === decider.by &&
      isSameJson(fieldOf(entry, 'groups'), decider.groups) &&
      at !== undefined &&
      Math.abs(now - at) <= maxOffMs
    if (isOurs) return []
    const message = 'says by, groups and at as MNEMOS sets them, but another admission webhook changed them'
    return [about(['spec', 'approvals', index], 'immutable', message)]
  })
}

/** New decisions about steps that wait for none, and those of people who may not decide. */
export function decisionFindings(request: ReviewRequest, context: ReviewContext, pipeline: KnownPipeline): readonly Finding[] {
  return newDecisions(request).flatMap(({ entry, index }) => {
    const name = textOf(fieldOf(entry, 'step'))
    if (name === undefined) return []
    const path = ['spec', 'approvals', index]
    const step = pipeline.steps.get(name)
    if (step === undefined)
      return [about([...path, 'step'], 'invalid', `there is no step "${name}" in the Pipeline`, stepMeant(name, pipeline))]
    if (step.approval === undefined)
      return step.hasBreaker ? [] : [about([...path, 'step'], 'invalid', waitsForNobody(name), stepsToDecide(pipeline))]
    // Nobody in particular asks: a file that is judged without a cluster.
    if (request.userName === '') return []
    const why = whyNot(requesterOf(request, context), step.approval, deciderOfEntry(entry, request, context))
    return why === undefined
      ? []
      : [about(path, 'invalid', `about step "${name}": ${why}`, `it waits for the decision of ${whoMay(step.approval)}`)]
  })
}

/** What to write instead of a step that there is not. */
export function stepMeant(name: string, { steps }: KnownPipeline): string {
  const names = [...steps.keys()]
  const meant = nearest(name, names)
  if (meant !== undefined) return `did you mean "${meant}"?`
  return names.length === 0 ? 'it has none' : `there are ${names.slice(0, 16).join(', ')}${names.length > 16 ? ' …' : ''}`
}

const waitsForNobody = (name: string): string => `the step "${name}" waits for nobody's decision`

function stepsToDecide({ steps }: KnownPipeline): string {
  const isDecided = ([, { approval, hasBreaker }]: readonly [string, KnownStep]): boolean => approval !== undefined || hasBreaker
  const names = [...steps].filter(isDecided).map(([name]) => name)
  return names.length === 0 ? 'no step does: take it out' : `decide about ${names.slice(0, 16).join(', ')}`
}

function decisionsOf(object: ReviewRequest['object']): readonly unknown[] {
  return itemsOf(fieldOf(object?.spec, 'approvals'))
}

function newDecisions(request: ReviewRequest): readonly { readonly entry: unknown; readonly index: number }[] {
  const old = decisionsOf(request.oldObject)
  return decisionsOf(request.object).flatMap((entry, index) => (known(entry, index, old) === undefined ? [{ entry, index }] : []))
}

/** The stored decision that an entry is; undefined when it is a new one. */
function known(entry: unknown, index: number, old: readonly unknown[]): unknown {
  const there = old[index]
  if (there !== undefined && isSameJson(asDecided(there), asDecided(entry))) return there
  return old.find((each) => isSameJson(each, entry))
}

/** What a person wrote of it. */
function asDecided(entry: unknown): unknown {
  return [fieldOf(entry, 'step'), fieldOf(entry, 'decision') ?? 'Approved', fieldOf(entry, 'comment')]
}

/** Undefined for what is no entry: the schema says so. */
function stamped(entry: unknown, request: ReviewRequest, context: ReviewContext, at: string): unknown {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return undefined
  return isNamedByUs(entry, request, context) ? entry : { ...entry, ...deciderOf(request), at }
}

/** Our own processes act for whoever decided. */
function isNamedByUs(entry: unknown, { userName }: ReviewRequest, { trustedUsers }: ReviewContext): boolean {
  const by = textOf(fieldOf(entry, 'by')) ?? ''
  return by !== '' && trustedUsers.has(userName)
}

function deciderOfEntry(entry: unknown, request: ReviewRequest, context: ReviewContext): Decider {
  if (!isNamedByUs(entry, request, context)) return deciderOf(request)
  return {
    by: textOf(fieldOf(entry, 'by')) ?? '',
    groups: itemsOf(fieldOf(entry, 'groups')).flatMap((group) => textOf(group) ?? []),
  }
}

function deciderOf({ userName, groups = [] }: ReviewRequest): Decider {
  const told = groups.filter((group) => group !== everybody && group.length <= maxNameLength)
  return { by: userName, groups: told.slice(0, maxGroups) }
}
