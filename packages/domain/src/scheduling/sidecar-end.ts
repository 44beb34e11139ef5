/** How an attempt ends whose container leaves files: by what the sidecar said, not by the exit code alone. */
import type { Job } from '@mnemos/api'
import type { Pod } from '../workers/cluster-objects.ts'
import type { Failure } from './attempt-ends.ts'
import { attemptPrefix, movesFiles } from './container-files.ts'
import { isOver } from './dedicated-pod-state.ts'
import { statusOf } from './job-status.ts'
import { type KeptResult, reportOf, sidecarContainer, sidecarStatus } from './sidecar.ts'

/** - `waits`: the sidecar is still at work */
export type TakenEnd = { readonly result: KeptResult | undefined } | { readonly failure: Failure } | 'waits'

/** What became of the files of a container that has done its part. */
export function takenEnd(job: Job, pod: Pod): TakenEnd {
  const prefix = prefixOf(job)
  if (prefix === undefined) return { result: undefined }
  const { state } = sidecarStatus(pod) ?? {}
  if (state?.running !== undefined) return 'waits'
  const report = reportOf(state?.terminated?.message, prefix)
  if (report !== undefined) return report
  const how = state?.terminated === undefined ? 'is gone' : `ended with exit code ${state.terminated.exitCode ?? 'unknown'}`
  const message = `The outputs are lost: container ${sidecarContainer} of Pod ${pod.metadata.name} ${how} and left no report.`
  const hint = `It was ended before it was done, or took more memory than it has: kubectl describe pod ${pod.metadata.name}`
  return { failure: { class: 'StorageUnavailable', reason: 'NoReport', message, hint } }
}

/** Why the inputs cannot be brought: the container has not started, and the kubelet would let the sidecar try again for ever. */
export function inputFailure(job: Job, pod: Pod): Failure | undefined {
  const prefix = prefixOf(job)
  if (prefix === undefined || isOver(pod)) return undefined
  const { state, lastState } = sidecarStatus(pod) ?? {}
  const report = reportOf((state?.terminated ?? lastState?.terminated)?.message, prefix)
  return report !== undefined && 'failure' in report ? report.failure : undefined
}

function prefixOf(job: Job): string | undefined {
  const { container } = job.spec
  return container !== undefined && movesFiles(container) ? attemptPrefix(job, statusOf(job).attempt) : undefined
}
