/** What a Pod says about the log of its attempt. Pure. */
import { group, jobKind } from '@mnemos/api'
import { attemptLabel, logsRecordedAnnotation, mainContainer, type Pod } from '@mnemos/domain'
import { controllerOf } from '@mnemos/kube'
import type { LogName } from './log-store.ts'

/** Whose log the pod writes; undefined for a pod that no Job of ours controls: labels are anybody's. */
export function logNameOf(pod: Pod): LogName | undefined {
  const { metadata } = pod
  const owner = controllerOf(pod)
  const attempt = Number(metadata.labels?.[attemptLabel])
  if (owner?.kind !== jobKind.kind || owner.apiVersion.split('/')[0] !== group) return undefined
  if (!Number.isSafeInteger(attempt) || attempt < 1) return undefined
  return { namespace: metadata.namespace ?? '', uid: owner.uid, attempt }
}

export function isRecorded({ metadata }: Pod): boolean {
  return metadata.annotations?.[logsRecordedAnnotation] === 'true'
}

/**
 * - `waiting`: the container has not begun; there is no log yet
 * - `writing`: it runs
 * - `complete`: it has ended, and its log with it
 * - `none`: it will never run
 */
export type LogState = 'waiting' | 'writing' | 'complete' | 'none'

export function logStateOf({ status }: Pod): LogState {
  const { state, lastState } = status?.containerStatuses?.find(({ name }) => name === mainContainer) ?? {}
  if (state?.terminated !== undefined) return 'complete'
  const isOver = status?.phase === 'Succeeded' || status?.phase === 'Failed'
  if (state?.running !== undefined) return isOver ? 'complete' : 'writing'
  if (lastState?.terminated !== undefined) return 'complete'
  return isOver ? 'none' : 'waiting'
}
