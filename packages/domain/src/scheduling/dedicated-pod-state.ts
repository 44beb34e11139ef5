/** What a pod of a Job tells: whether it has ended, and how; since when it runs; what keeps it from starting. */
import { parseTime, type Reason } from '@mnemos/api'
import type { ContainerStatus, Pod } from '../workers/cluster-objects.ts'
import { pullReasons, startReasons } from '../workers/pod-trouble.ts'
import type { Failure } from './attempt-ends.ts'
import { mainContainer } from './dedicated-pod.ts'

/** Whether nothing of the pod runs any more, or will. */
export function isOver({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed'
}

/** Whether somebody has asked for the pod to go. */
export function isLeaving({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined
}

/** When the container of the Job started, in milliseconds since 1970; undefined when it has not. */
export function startOfPod(pod: Pod): number | undefined {
  const { running, terminated } = mainOf(pod)?.state ?? {}
  return parseTime(running?.startedAt ?? terminated?.startedAt)
}

/** What stands between a pod and its start. */
export interface StartTrouble {
  readonly reason: Reason
  /** What was said, verbatim. */
  readonly message: string
  /** Whether the pod has a node. */
  readonly hasNode: boolean
}

/** The words of the scheduler, or of the kubelet, about a pod that does not start. */
export function startTroubleOf(pod: Pod): StartTrouble | undefined {
  const unplaced = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False')
  if (unplaced !== undefined) {
    const reason = unplaced.reason === 'SchedulingGated' ? 'PodGated' : 'PodUnschedulable'
    return { reason, message: unplaced.message ?? unplaced.reason ?? '', hasNode: false }
  }
  const containers = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
  return containers.map(troubleOfContainer).find((trouble) => trouble !== undefined)
}

function troubleOfContainer({ state }: ContainerStatus): StartTrouble | undefined {
  const { reason = '', message = '' } = state?.waiting ?? {}
  const words = message === '' ? reason : `${reason}: ${message}`
  if (pullReasons.includes(reason)) return { reason: 'ImagePullFailed', message: words, hasNode: true }
  return startReasons.includes(reason) ? { reason: 'PodNotStarting', message: words, hasNode: true } : undefined
}

/** Why a pod that failed did so: by its own doing, which costs a retry, or by what befell it, which does not. */
export function failureOfPod(pod: Pod): Failure {
  const { reason: podReason = '', message: podMessage = '', conditions = [] } = pod.status ?? {}
  const { name } = pod.metadata
  const disruption = conditions.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True')
  const terminated = mainOf(pod)?.state?.terminated
  if (disruption !== undefined) {
    const message = `Pod ${name} was ended: ${disruption.message ?? disruption.reason ?? ''}`
    return {
      class: disruption.reason === 'PreemptionByScheduler' ? 'Preempted' : 'NodeLost',
      reason: disruption.reason ?? 'Disrupted',
      message,
    }
  }
  if (isLeaving(pod)) return { class: 'NodeLost', reason: 'PodDeleted', message: `Pod ${name} was deleted by somebody else while it ran.` }
  if (podReason === 'Evicted' && /exceed/i.test(podMessage)) {
    const hint = 'Raise spec.resources.limits of ephemeral-storage in a new Job, or write less.'
    return { class: 'DiskFull', reason: 'Evicted', message: podMessage, hint }
  }
  if (terminated?.reason === 'OOMKilled') {
    const message = `The container was ended for using more memory than its limit (OOMKilled, exit code ${terminated.exitCode ?? 137}).`
    return { class: 'OutOfMemory', reason: 'OOMKilled', message, hint: 'Raise spec.resources.limits.memory in a new Job.' }
  }
  if (terminated === undefined || podReason !== '') {
    const words = [podReason, podMessage].filter((each) => each !== '').join(': ')
    return {
      class: 'NodeLost',
      reason: podReason === '' ? 'PodFailed' : podReason,
      message: `Pod ${name} failed: ${words || 'no reason was given'}`,
    }
  }
  const said = terminated.message === undefined || terminated.message === '' ? '' : ` ${terminated.message.trim()}`
  return {
    class: 'ContainerFailed',
    reason: terminated.reason ?? 'Error',
    message: `The container ended with exit code ${terminated.exitCode ?? 'unknown'}.${said}`,
    hint: `See its log while the pod is there: kubectl logs ${name} -n ${pod.metadata.namespace ?? ''}`,
  }
}

function mainOf({ status }: Pod): ContainerStatus | undefined {
  return status?.containerStatuses?.find(({ name }) => name === mainContainer)
}
