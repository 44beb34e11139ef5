/**
 * Why the pods of a Deployment do not start, in the words of whoever refused them, with what to do about it.
 *
 * Knows what the scheduler, the kubelet and admission write; says nothing of pods that only take their time.
 */
import type { Reason } from '@mnemos/api'
import type { ContainerStatus, Deployment, Pod } from './cluster-objects.ts'

export interface PodTrouble {
  readonly reason: Reason
  /** What was said, verbatim, cut to 400 characters. */
  readonly cause: string
  /** What would change it. */
  readonly nextStep: string
}

const maxCause = 400
/** What a kubelet says of a container whose image it cannot get. */
export const pullReasons = [
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
]
/** What a kubelet says of a container that it cannot start. */
export const startReasons = ['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError', 'PostStartHookError']

interface Making {
  /** What was said to the objects above the pods. */
  readonly refusal: string | undefined
  readonly deployment: Deployment | undefined
}

/** The first trouble found: what stands before all pods, then each pod that is not on its way out. */
export function troubleOf({ refusal, deployment }: Making, pods: readonly Pod[]): PodTrouble | undefined {
  const whoToAsk = 'change the WorkerPool, or ask whoever made that rule or quota'
  if (refusal !== undefined) return said('PodRefused', refusal, whoToAsk)
  const refused = deployment?.status?.conditions?.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True')
  if (refused !== undefined) return said('PodRefused', refused.message ?? refused.reason ?? '', whoToAsk)
  for (const pod of pods) {
    const trouble = pod.metadata.deletionTimestamp === undefined ? troubleOfPod(pod) : undefined
    if (trouble !== undefined) return trouble
  }
  return undefined
}

function troubleOfPod({ metadata, status = {} }: Pod): PodTrouble | undefined {
  const unscheduled = status.conditions?.find((each) => each.type === 'PodScheduled' && each.status === 'False')
  if (unscheduled?.reason === 'Unschedulable')
    return said('PodUnschedulable', unscheduled.message ?? '', 'free or add such a node, or change spec.resources or spec.podTemplate')
  for (const container of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
    const trouble = troubleOfContainer(metadata.name, container)
    if (trouble !== undefined) return trouble
  }
  if (status.phase === 'Failed')
    return said(
      'WorkerCrashing',
      `pod ${metadata.name} failed: ${[status.reason, status.message].filter(Boolean).join(': ')}`,
      'another one is made',
    )
  return undefined
}

function troubleOfContainer(pod: string, { state, lastState }: ContainerStatus): PodTrouble | undefined {
  const { reason = '', message = '' } = state?.waiting ?? {}
  const words = message === '' ? reason : `${reason}: ${message}`
  if (pullReasons.includes(reason))
    return said(
      'ImagePullFailed',
      words,
      "correct the image (spec.podTemplate.image, or the operator's MNEMOS_WORKER_IMAGE) or its pull secrets",
    )
  if (startReasons.includes(reason)) return said('PodNotStarting', words, `see kubectl describe pod ${pod}`)
  const ended = lastState?.terminated ?? state?.terminated
  if (reason !== 'CrashLoopBackOff' && (state?.terminated === undefined || state.terminated.exitCode === 0)) return undefined
  const last = ended?.message?.trim().split('\n').at(-1) ?? ''
  const how = `worker ended with ${ended?.reason ?? 'Error'} (exit code ${ended?.exitCode ?? 'unknown'})`
  return said('WorkerCrashing', last === '' ? how : `${how}: ${last}`, `see kubectl logs ${pod} --previous`)
}

function said(reason: Reason, cause: string, nextStep: string): PodTrouble {
  return {
    reason,
    cause: cause
      .trim()
      .replace(/(?<![.;])[.;]+$/, '')
      .slice(0, maxCause),
    nextStep,
  }
}
