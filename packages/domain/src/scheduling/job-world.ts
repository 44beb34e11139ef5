/** Everything that a decision about one Job may know. Plain values: whoever observes fills them in. */
import type { FailureClass, Job, Model } from '@mnemos/api'

export interface JobWorld {
  readonly job: Job
  /** The Model that an inference names; undefined when it does not exist. */
  readonly model: Model | undefined
  /** Whether the Model lets this namespace use it; false when there is no Model. */
  readonly modelAllowed: boolean
  /** The nearest name of a Model in the same namespace, when the named one does not exist. */
  readonly similarModel?: string | undefined
  readonly queueExists: boolean
  /** The Jobs of `dependsOn`; undefined for one that does not exist. */
  readonly dependencies: readonly { readonly name: string; readonly job: Job | undefined }[]
  /** The worker that placement has reserved for the next attempt. */
  readonly placement: PlacedOn | undefined
  readonly waiting: Waiting
  /** What is known of the worker of the newest attempt. */
  readonly worker: WorkerLink
  /** What that worker reported about the newest attempt. */
  readonly report: AttemptReport | undefined
  /** Reports on attempts that are not the newest, or that come from a process that does not have it: nobody waits for them. */
  readonly strays: readonly number[]
}

export interface PlacedOn {
  readonly name: string
  readonly instance: string
}

/** What placement says about a Job that has no worker yet. */
export interface Waiting {
  /** About how many go first, plus one; undefined when the Job is not in line. */
  readonly position: number | undefined
  /** Workers that could run it at all. */
  readonly capable: number
  /** Workers that are connected, whatever they can do. */
  readonly connected: number
  readonly engine: string
}

/**
 * - `connected`: the very process that has the attempt is on the line
 * - `silent`: it is not, but may come back
 * - `gone`: another process took its place, or it has been silent too long
 */
export type WorkerLink = 'connected' | 'silent' | 'gone'

export interface AttemptReport {
  /** Milliseconds since 1970. */
  readonly startedAt?: number | undefined
  readonly progress?:
    | { readonly percent: number; readonly tokens: number; readonly bytes: number; readonly totalBytes: number; readonly message: string }
    | undefined
  readonly end?: AttemptEnd | undefined
}

export type AttemptEnd =
  | {
      readonly type: 'succeeded'
      readonly uri: string
      readonly sha256: string
      readonly sizeBytes: number
      readonly inline: string | undefined
      readonly usage: { readonly promptTokens: number; readonly completionTokens: number; readonly durationMs: number }
    }
  | {
      readonly type: 'failed'
      readonly class: FailureClass
      readonly reason: string
      readonly message: string
      readonly hint: string | undefined
    }
  | { readonly type: 'cancelled' }
  | { readonly type: 'released'; readonly reason: string }

export type Verdict = 'committed' | 'superseded'

/** What is to be done outside the API server once the status is written. Each may be done twice without harm. */
export type JobEffect =
  /** Hand the newest attempt to its worker. */
  | { readonly type: 'assign'; readonly job: Job; readonly model: Model | undefined }
  | { readonly type: 'stop'; readonly job: Job; readonly reason: 'cancelled' | 'deadline' }
  | { readonly type: 'answer'; readonly uid: string; readonly attempt: number; readonly verdict: Verdict }
  /** Put the Job in line for a worker. */
  | { readonly type: 'queue'; readonly job: Job; readonly model: Model | undefined }
  | { readonly type: 'leaveQueue'; readonly uid: string }
