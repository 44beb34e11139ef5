/** Everything that a decision about one Job may know. Plain values: whoever observes fills them in. */
import type { FailureClass, Job, Model, PersonalDataActions } from '@mnemos/api'
import type { Pod } from '../workers/cluster-objects.ts'
import type { SidecarSettings } from './sidecar.ts'

export interface JobWorld {
  readonly job: Job
  /** The Model that an inference names; undefined when it does not exist. */
  readonly model: Model | undefined
  /** Whether the Model lets this namespace use it; false when there is no Model. */
  readonly modelAllowed: boolean
  /** Names of the Models where the missing one was looked for. */
  readonly otherModels: readonly string[]
  readonly queueExists: boolean
  /** Whether the Queue takes Jobs of this namespace; true when there is no Queue to say otherwise. */
  readonly queueAllowed: boolean
  /** The Jobs of `dependsOn`; undefined for one that does not exist. */
  readonly dependencies: readonly { readonly name: string; readonly job: Job | undefined }[]
  /** The worker that placement has reserved for the next attempt. */
  readonly placement: PlacedOn | undefined
  readonly waiting: Waiting
  /** Pools that could run it if they had a ready worker: what each says about that, in a sentence. */
  readonly emptyPools: readonly string[]
  /** What is known of the worker of the newest attempt. */
  readonly worker: WorkerLink
  /** What that worker reported about the newest attempt. */
  readonly report: AttemptReport | undefined
  /** Reports on attempts that are not the newest, or that come from a process that was not given it. */
  readonly strays: readonly Stray[]
  /** The pods of a Job that runs in pods of its own; undefined for all others. */
  readonly own?: OwnPods | undefined
}

/** What is known of the pods of one Job. */
export interface OwnPods {
  /** All pods that this very Job controls. */
  readonly pods: readonly Pod[]
  /** Whether the next name is still held by a pod of an earlier Job of the same name, on its way out. */
  readonly nameIsHeld: boolean
  /**
   * Whether the newest attempt's pod has been there, when it is not among `pods`:
   * - `unmade`: nobody knows of one
   * - `made`: it was created, and has yet to be seen
   * - `gone`: it was seen and is no longer there
   */
  readonly absent: 'unmade' | 'made' | 'gone'
  /** What the API server said when it refused the newest attempt's pod. */
  readonly refusal: PodRefusal | undefined
  /** A recorder stores the logs of pods. */
  readonly recordsLogs: boolean
  /** What policies say about personal data in the input and the output of an inference. */
  readonly personalData?: PersonalDataActions | undefined
  /** How inputs are brought and outputs taken, or what is missing for that, in a sentence. */
  readonly sidecar: SidecarSettings | { readonly missing: string }
}

export interface PodRefusal {
  readonly message: string
  /** Somebody else's pod has the name: that may pass. */
  readonly nameIsTaken: boolean
}

/** One process of a worker: the Worker's `<namespace>/<name>`, and the random name of the process. */
export interface PlacedOn {
  readonly name: string
  readonly instance: string
}

/** What placement says about a Job that has no worker yet. */
export interface Waiting {
  /** Place in the line when it is among the first hundred. */
  readonly position: number | undefined
  /** Workers that could run it at all. */
  readonly capable: number
  /** Workers that are connected, whatever they can do. */
  readonly connected: number
  readonly engine: string | undefined
  /** Jobs that got a worker, a second, lately. */
  readonly startsPerSecond: number
}

/**
 * - `has`: the very process of the attempt is on the line and was handed it
 * - `lacks`: that process is on the line, but does not have the attempt (yet)
 * - `silent`: it is not on the line, but may come back
 * - `gone`: another process took its place, or it has been silent too long
 */
export type WorkerLink = 'has' | 'lacks' | 'silent' | 'gone'

/** An attempt that somebody works on or has ended although it is not his: he must be told. */
export interface Stray {
  readonly attempt: number
  readonly worker: PlacedOn
  readonly ended: boolean
}

export interface AttemptReport {
  /** Milliseconds since 1970. */
  readonly startedAt?: number | undefined
  readonly progress?: AttemptProgress | undefined
  readonly end?: AttemptEnd | undefined
}

export interface AttemptProgress {
  readonly percent: number
  readonly tokens: number
  readonly bytes: number
  /** 0 while unknown. */
  readonly totalBytes: number
  readonly message: string
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

export type ResultVerdict = 'committed' | 'superseded'

/** What is to be done outside the API server once the status is written. Each may be done twice without harm. */
export type JobEffect =
  /** Hand the newest attempt to its worker. */
  | { readonly type: 'assign'; readonly job: Job; readonly model: Model | undefined }
  /** Ask the worker to let go of an attempt. */
  | { readonly type: 'stop'; readonly uid: string; readonly attempt: number; readonly worker: PlacedOn; readonly reason: StopReason }
  /** Tell the worker what became of its report, and forget it. */
  | { readonly type: 'answer'; readonly uid: string; readonly attempt: number; readonly worker: PlacedOn; readonly verdict: ResultVerdict }
  /** Put the Job in line for a worker. */
  | { readonly type: 'queue'; readonly job: Job; readonly model: Model | undefined }
  | { readonly type: 'leaveQueue'; readonly uid: string }
  /** Remember that the pod of an attempt was created: a cache may be behind. */
  | { readonly type: 'podMade'; readonly uid: string; readonly attempt: number }

export type StopReason = 'cancelled' | 'deadline' | 'superseded'
