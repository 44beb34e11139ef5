/**
 * Which outputs of Jobs may go: those of Jobs that are gone, and of attempts that another one came after, once they are old.
 *
 * Guarantees: whatever a live object names stays, as does everything below it, every output of a Job that has not ended, and that of
 * the last attempt of one that has. What has another place than an attempt writes to is nobody's to remove here.
 */
import type { Job } from '@mnemos/api'
import { isTerminal, statusOf, uidOf } from '../scheduling/job-status.ts'

/** A stored object as a listing tells it. */
export interface ListedObject {
  readonly key: string
  readonly sizeBytes: number
  /** Milliseconds since 1970. */
  readonly modifiedAt: number
}

export interface LiveJob {
  /** Number of the newest attempt. */
  readonly attempt: number
  readonly isOver: boolean
}

/** What the cluster holds now; filled page by page. */
export interface LiveObjects {
  /** By UID. */
  readonly jobs: Map<string, LiveJob>
  /** Keys that objects name, or places that keys are below. */
  readonly references: Set<string>
}

export const removalReasons = ['JobGone', 'Superseded'] as const
/**
 * - `JobGone`: no Job of that UID is there any more
 * - `Superseded`: the Job has ended, with a later attempt
 */
export type RemovalReason = (typeof removalReasons)[number]
export const keepReasons = ['Young', 'Live', 'Referenced', 'Foreign'] as const
/**
 * - `Young`: changed within the retention
 * - `Live`: its Job may still use it, or has it as its result
 * - `Referenced`: an object names it
 * - `Foreign`: its key is not that of an attempt
 */
export type KeepReason = (typeof keepReasons)[number]

export interface Removal extends ListedObject {
  readonly reason: RemovalReason
}

export interface Retention {
  readonly remove: readonly Removal[]
  readonly kept: Readonly<Record<KeepReason, number>>
}

/** Where attempts write, all that is looked at. */
export const outputsPrefix = 'outputs/'

const place = /^outputs\/[^/]+\/([^/]+)\/a([1-9][0-9]{0,8})\/./
const reference = /artifact:\/\/([A-Za-z0-9][A-Za-z0-9._/-]*)/g

export function noLiveObjects(): LiveObjects {
  return { jobs: new Map(), references: new Set() }
}

/** Notes a Job and whatever it names. */
export function noteJob(live: LiveObjects, job: Job): void {
  live.jobs.set(uidOf(job), { attempt: statusOf(job).attempt, isOver: isTerminal(job) })
  noteReferences(live, job)
}

/** Notes every `artifact://` that stands in an object, wherever that is: a sentence that names a key keeps it, too. */
export function noteReferences(live: LiveObjects, object: unknown): void {
  const waiting: unknown[] = [object]
  while (waiting.length > 0) {
    const value = waiting.pop()
    if (typeof value === 'string') noteText(live, value)
    else if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) waiting.push(each)
  }
}

function noteText({ references }: LiveObjects, text: string): void {
  if (!text.includes('artifact://')) return
  for (const [, key = ''] of text.matchAll(reference)) {
    references.add(key)
    references.add(withoutEnd(key))
  }
}

/** Without the full stop of a sentence, or the slash of a folder. */
function withoutEnd(key: string): string {
  let end = key.length
  while (end > 0 && './-'.includes(key.charAt(end - 1))) end -= 1
  return key.slice(0, end)
}

/** @param now and `retentionMs` in milliseconds */
export function decideRetention(
  objects: readonly ListedObject[],
  live: LiveObjects,
  { now, retentionMs }: { readonly now: number; readonly retentionMs: number },
): Retention {
  const remove: Removal[] = []
  const kept: Record<KeepReason, number> = { Young: 0, Live: 0, Referenced: 0, Foreign: 0 }
  for (const object of objects) {
    const fate = fateOf(object, live, now - retentionMs)
    if (fate === 'JobGone' || fate === 'Superseded') remove.push({ ...object, reason: fate })
    else kept[fate] += 1
  }
  return { remove, kept }
}

function fateOf({ key, modifiedAt }: ListedObject, { jobs, references }: LiveObjects, oldest: number): RemovalReason | KeepReason {
  const [, uid, attempt] = place.exec(key) ?? []
  if (uid === undefined) return 'Foreign'
  // A time that is none is no reason to remove anything.
  if (!(modifiedAt < oldest)) return 'Young'
  const job = jobs.get(uid)
  if (job !== undefined && !(job.isOver && Number(attempt) < job.attempt)) return 'Live'
  if (isReferenced(key, references)) return 'Referenced'
  return job === undefined ? 'JobGone' : 'Superseded'
}

/** By its own name or by that of a place that it is in: its Job at the most, so that no sentence keeps everything there is. */
function isReferenced(key: string, references: ReadonlySet<string>): boolean {
  const endOfJob = key.indexOf('/', key.indexOf('/', outputsPrefix.length) + 1)
  for (let at = key.length; at >= endOfJob; at = key.lastIndexOf('/', at - 1)) if (references.has(key.slice(0, at))) return true
  return false
}
