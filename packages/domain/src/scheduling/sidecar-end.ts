/** How an attempt ends whose files or answer are stored by a program of ours: by what that said, not by the exit code alone. */
import type { Job, JobStatus } from '@mnemos/api'
import type { ContainerStatus, Pod } from '../workers/cluster-objects.ts'
import type { Failure } from './attempt-ends.ts'
import { movesFiles } from './container-files.ts'
import { mainContainer } from './dedicated-pod.ts'
import { isOver } from './dedicated-pod-state.ts'
import { attemptPrefix } from './input-source.ts'
import { statusOf } from './job-status.ts'
import { type KeptResult, reportOf, sidecarContainer } from './sidecar.ts'

/** - `waits`: our program is still at work */
export type TakenEnd =
  | { readonly result: KeptResult | undefined; readonly usage?: JobStatus['usage'] }
  | { readonly failure: Failure }
  | 'waits'

/** What became of the files, or the answer, of a pod that ended well. */
export function takenEnd(job: Job, pod: Pod): TakenEnd {
  const reporter = reporterOf(job)
  if (reporter === undefined) return { result: undefined }
  const { state } = containerOf(pod, reporter) ?? {}
  if (state?.running !== undefined) return 'waits'
  const report = reportOf(state?.terminated?.message, prefixOf(job))
  if (report !== undefined) return report
  const how = state?.terminated === undefined ? 'is gone' : `ended with exit code ${state.terminated.exitCode ?? 'unknown'}`
  const message = `What came out is lost: container ${reporter} of Pod ${pod.metadata.name} ${how} and left no report.`
  const hint = `It was ended before it was done, or took more memory than it has: kubectl describe pod ${pod.metadata.name}`
  return { failure: { class: 'StorageUnavailable', reason: 'NoReport', message, hint } }
}

/** Why the inputs cannot be brought: the container has not started, and the kubelet would let the sidecar try again for ever. */
export function inputFailure(job: Job, pod: Pod): Failure | undefined {
  if (reporterOf(job) !== sidecarContainer || isOver(pod)) return undefined
  const { state, lastState } = containerOf(pod, sidecarContainer) ?? {}
  const report = reportOf((state?.terminated ?? lastState?.terminated)?.message, prefixOf(job))
  return report !== undefined && 'failure' in report ? report.failure : undefined
}

/** What an inference in a pod of its own said that it failed of. Anything else that befell the pod comes before. */
export function inferenceFailure(job: Job, pod: Pod, failure: Failure): Failure {
  if (job.spec.inference === undefined || failure.class !== 'ContainerFailed') return failure
  const { message } = containerOf(pod, mainContainer)?.state?.terminated ?? {}
  const report = reportOf(message, prefixOf(job))
  if (report !== undefined && 'failure' in report) return report.failure
  return { ...failure, class: 'EngineCrashed' }
}

/** The container whose word counts; undefined when its exit code says all. */
function reporterOf({ spec }: Job): string | undefined {
  if (spec.inference !== undefined) return mainContainer
  return spec.container !== undefined && movesFiles(spec.container) ? sidecarContainer : undefined
}

function containerOf({ status }: Pod, wanted: string): ContainerStatus | undefined {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].find(({ name }) => name === wanted)
}

function prefixOf(job: Job): string {
  return attemptPrefix(job, statusOf(job).attempt)
}
