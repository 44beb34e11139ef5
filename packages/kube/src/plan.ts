/**
 * What a decision asks for. A plan is a value: making one reads and writes nothing, so decisions can be tested as tables.
 *
 * The order in which a plan is carried out is fixed: status, then children, then changes, then removals, then events, then effects.
 */
import type { Fact } from './conditions.ts'
import type { KubeObject } from './types.ts'

export interface Plan<Status, Effect = never> {
  /** The whole wanted status; undefined leaves it as it is. One that equals the stored one is not written. */
  readonly status: Status | undefined
  /** Everything that holds now; written into the status with its times and generation. Left out: the status brings its own. */
  readonly conditions?: readonly Fact[]
  /** Children to bring about by server-side apply. */
  readonly apply: readonly KubeObject[]
  /** Children that are only ever created: one that exists and has our owner is success. */
  readonly create?: readonly KubeObject[]
  /** Changes of single fields of objects that are there, each only while it is the one that was meant. */
  readonly patch?: readonly ObjectPatch[]
  /** Objects to delete; nothing is deleted by leaving it out of a plan. */
  readonly remove: readonly Removal[]
  readonly events: readonly EventNote[]
  /** Acts outside the API server, done last, after every write succeeded. */
  readonly effects?: readonly Effect[]
  readonly next: Next
}

/** A merge patch for one object. */
export interface ObjectPatch {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace?: string
  readonly name: string
  /** The object is changed only while it still has this UID, and this version when one is given. One that is gone needs no change. */
  readonly uid: string
  readonly resourceVersion?: string
  /** RFC 7386, without these preconditions. */
  readonly patch: Readonly<Record<string, unknown>>
  /** A refusal is told like that of a child, because the decision has an answer to it; otherwise it ends the plan. */
  readonly tellsRefusal?: boolean
}

/** When to look again: at the next change, after a time, or never until the spec changes. */
export type Next = { readonly kind: 'change' } | { readonly kind: 'after'; readonly seconds: number } | { readonly kind: 'stalled' }

export interface Removal {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace?: string
  readonly name: string
  /** The object is deleted only while it still has this UID. */
  readonly uid: string
  /** What a pod has to end in; its own time when absent. */
  readonly graceSeconds?: number
}

export interface EventNote {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly action: string
  readonly note: string
}
