/** Everything that a decision about one run may know. Plain values: whoever observes fills them in. */
import { type Job, type Model, type PipelineRun, type PipelineRunStatus, parseTime } from '@mnemos/api'
import type { Plan } from '@mnemos/kube'
import type { Written } from '../written.ts'
import type { CompiledPipeline } from './compiled.ts'

/** A run with all that it owns. */
export interface RunSource {
  readonly run: PipelineRun
  /** Its Jobs, in any order. */
  readonly jobs: readonly Job[]
  /** Runs of other pipelines that its steps called. */
  readonly calls: readonly PipelineRun[]
}

/** The revision that a run uses, or why there is none. */
export type RunRevision =
  | { readonly name: string; readonly number: number; readonly pipeline: CompiledPipeline }
  /** - `noPipeline`: there is no such Pipeline
   *  - `notReady`: its newest spec has not been looked at, or none was valid
   *  - `noRevision`: the revision that was asked for is not kept */
  | { readonly missing: 'noPipeline' | 'notReady' | 'noRevision'; readonly message: string }

export interface RunWorld extends RunSource {
  readonly revision: RunRevision
  /** Names of children that were created and have yet to be seen. */
  readonly made: ReadonlySet<string>
  /** What the API server said about children that it does not take, by name. */
  readonly refused: ReadonlyMap<string, string>
  /** Another run of this namespace, by its name. */
  readonly source: (run: string) => RunSource | undefined
  /** A Job of this namespace, by its name. */
  readonly jobNamed: (name: string) => Job | undefined
  /** Jobs of this namespace that succeeded with these inputs, by the value of their memo label. */
  readonly remembered: (memo: string) => readonly Job[]
  /** A Model, as the namespace of the run sees it. */
  readonly modelNamed: (name: string, namespace: string | undefined) => Model | undefined
  /** Runs of the same revision that have ended, the newest first. */
  readonly before: () => readonly PipelineRun[]
  /** An unfinished run keeps work of this one. */
  readonly isNeeded: boolean
  /** SHA-256 as 64 hex digits. */
  readonly sha256: (text: string) => string
  /** How long the next write of progress has to wait, in milliseconds. */
  readonly dueInMs: number
}

/** A child that was made and is not seen within this time has come and gone between two lists. */
export const unseenMs = 30_000

/** Whether any work of the run was ever seen: it uses a revision by then, described or not. */
export function hasBegun({ run, jobs, calls, made }: RunWorld): boolean {
  return run.status?.startedAt !== undefined || jobs.length + calls.length + made.size > 0
}

/** When the first step could start: as it was told, else as the oldest work shows. */
export function startOf({ run, jobs, calls }: RunWorld): number | undefined {
  const told = parseTime(run.status?.startedAt)
  if (told !== undefined) return told
  const made = [...jobs, ...calls].flatMap(({ metadata }) => parseTime(metadata.creationTimestamp) ?? [])
  return made.length === 0 ? undefined : made.reduce((first, each) => Math.min(first, each))
}

/** Whether the child of this name was created, and is yet to be seen. */
export function isUnseen({ made, refused }: RunWorld, name: string): boolean {
  return made.has(name) && !refused.has(name)
}

export type RunEffect =
  /** Remember that these children were created: a cache may be behind. */
  { readonly type: 'made'; readonly uid: string; readonly names: readonly string[] } | ({ readonly type: 'written' } & Written)

export type RunPlan = Plan<PipelineRunStatus, RunEffect>
