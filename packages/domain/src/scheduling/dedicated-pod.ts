/**
 * The pod of one attempt of a Job that has pods of its own: its name follows from the Job and the attempt, so making one twice is
 * making one. Fit for Pod Security `restricted`; holds no credential of any kind.
 */
import type { ContainerWork, Job } from '@mnemos/api'
import type { KubeObject } from '@mnemos/kube'
import { childName } from '../child-name.ts'
import { present } from '../reading.ts'
import { labelOf, managedByLabel } from '../workers/pool-names.ts'
import { containerResources } from '../workers/worker-pod.ts'
import type { PlacedOn } from './job-world.ts'
import type { SidecarParts } from './sidecar.ts'

/** On the pods of a Job: its name, or what `labelOf` makes of a long one. */
export const jobLabel = 'mnemos.dev/job'
/** On the pods of a Job: the number of the attempt. */
export const attemptLabel = 'mnemos.dev/attempt'
/** On a pod whose log is stored to its end: it may go. */
export const logsRecordedAnnotation = 'mnemos.dev/logs-recorded'
/** Name of the container that the Job asked for, in its pod. */
export const mainContainer = 'main'

const maxPodName = 63

/** Whether the attempts of a Job run in pods of their own. */
export function hasOwnPods({ spec }: Job): boolean {
  return spec.container !== undefined || (spec.inference !== undefined && spec.placement?.dedicated === true)
}

/** Name of the pod of an attempt. */
export function podName({ metadata: { name } }: Job, attempt: number): string {
  const plain = `${name}-a${attempt}`
  return plain.length <= maxPodName ? plain : childName(name, `a${attempt}`, name)
}

/** The pod of an attempt, as the status names it. */
export function podPlace(job: Job, attempt: number): PlacedOn {
  const { namespace = '', uid = '' } = job.metadata
  return { name: `${namespace}/${podName(job, attempt)}`, instance: `${uid}-a${attempt}` }
}

/** What a pod has to end in when it is to go, whatever its own time for outputs. */
export const stopSeconds = 30

/**
 * The pod to create for an attempt that runs an image.
 * @param sidecar moves its files; undefined when there are none
 */
export function podOfAttempt(
  job: Job,
  container: ContainerWork,
  attempt: number,
  sidecar?: SidecarParts,
): KubeObject & { readonly spec: object } {
  const { image, command, args, env, workingDir, runAsUser } = container
  return podFor(job, attempt, {
    securityContext: {
      runAsNonRoot: true,
      ...present({ runAsUser }),
      seccompProfile: { type: 'RuntimeDefault' },
      ...present({ fsGroup: sidecar?.fsGroup }),
    },
    ...present({
      terminationGracePeriodSeconds: sidecar?.graceSeconds,
      initContainers: sidecar?.initContainers,
      volumes: sidecar?.volumes,
    }),
    containers: [
      {
        name: mainContainer,
        image,
        ...present({ command, args, env, workingDir }),
        resources: containerResources(job.spec.resources ?? {}),
        ...present({ volumeMounts: sidecar?.mounts }),
        securityContext: containerSecurity,
      },
    ],
  })
}

/** What every container of ours may not. */
export const containerSecurity = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
} as const

/** What the pods of all attempts have in common. */
export function podFor(job: Job, attempt: number, parts: object): KubeObject & { readonly spec: object } {
  const { apiVersion, kind, metadata, spec } = job
  const { nodeSelector, tolerations, runtimeClassName, priorityClassName } = spec.placement ?? {}
  const { namespace = '', name, uid = '' } = metadata
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podName(job, attempt),
      namespace,
      labels: {
        ...notOurs(spec.podMetadata?.labels),
        ...managedByLabel,
        'app.kubernetes.io/component': 'neuron',
        [jobLabel]: labelOf(name),
        [attemptLabel]: String(attempt),
      },
      annotations: { 'kubectl.kubernetes.io/default-container': mainContainer, ...notOurs(spec.podMetadata?.annotations) },
      ownerReferences: [{ apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: false }],
    },
    spec: {
      ...present({ nodeSelector, tolerations, runtimeClassName, priorityClassName }),
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...parts,
    },
  }
}

/** Our marks are not the user's to set: they say whose pod it is, and that its log is stored. */
function notOurs(given: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(given).filter(([key]) => !key.startsWith('mnemos.dev/')))
}
