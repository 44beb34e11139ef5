/** How far the pods of an installation are, and what keeps one of them from starting. Reads a list of pods; asks nobody. */

export interface SeenPod {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>>; readonly deletionTimestamp?: string }
  readonly status?: {
    readonly phase?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string; readonly message?: string }[]
    readonly containerStatuses?: readonly SeenContainer[]
  }
}

interface SeenContainer {
  readonly name: string
  readonly image?: string
  readonly ready?: boolean
  readonly restartCount?: number
  readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } }
  readonly lastState?: { readonly terminated?: { readonly exitCode?: number; readonly message?: string; readonly reason?: string } }
}

/** What will not mend itself: worth ending the wait for. */
export interface Trouble {
  readonly pod: string
  readonly what: string
  readonly next: string
}

/** A Deployment, as far as it says why its pods are not made. */
export interface SeenDeployment {
  readonly metadata: { readonly name: string }
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[] }
}

const imageReasons = ['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName']

/** E.g. `operator 1/2 · webhook 2/2 · server 0/1`. */
export function progressOf(pods: readonly SeenPod[]): string {
  const counts = new Map<string, { ready: number; all: number }>()
  for (const { metadata, status } of pods) {
    if (metadata.deletionTimestamp !== undefined) continue
    const name = /^mnemos-([a-z0-9]+)/.exec(metadata.name)?.[1] ?? metadata.name
    const count = counts.get(name) ?? { ready: 0, all: 0 }
    count.all += 1
    if (status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true) count.ready += 1
    counts.set(name, count)
  }
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { ready, all }]) => `${name} ${ready}/${all}`)
    .join(' · ')
}

/** The first Deployment whose pods the API server refuses, by a quota, Pod Security or other admission, or undefined. */
export function refusalOf(deployments: readonly SeenDeployment[]): Trouble | undefined {
  for (const { metadata, status } of deployments) {
    const refused = status?.conditions?.find(({ type, status: is }) => type === 'ReplicaFailure' && is === 'True')
    if (refused !== undefined)
      return {
        pod: metadata.name,
        what: `the API server refuses it: ${refused.message ?? 'no reason given'}`,
        next: 'change what refuses it (labels pod-security.kubernetes.io of the namespace, a ResourceQuota), or the values',
      }
  }
  return undefined
}

/** The first thing that keeps a pod from starting, or undefined. */
export function troubleOf(pods: readonly SeenPod[]): Trouble | undefined {
  for (const { metadata, status } of pods) {
    if (metadata.deletionTimestamp !== undefined) continue
    const unplaced = status?.conditions?.find(({ type, status: is }) => type === 'PodScheduled' && is === 'False')
    if (unplaced?.reason === 'Unschedulable')
      return {
        pod: metadata.name,
        what: `no node takes it: ${unplaced.message ?? 'no reason given'}`,
        next: 'add room, or change requests, nodeSelector and tolerations in the values',
      }
    for (const container of status?.containerStatuses ?? []) {
      const trouble = troubleOfContainer(container)
      if (trouble !== undefined) return { pod: metadata.name, ...trouble }
    }
  }
  return undefined
}

function troubleOfContainer({ image = '', restartCount = 0, state, lastState }: SeenContainer): Omit<Trouble, 'pod'> | undefined {
  const { reason = '', message = '' } = state?.waiting ?? {}
  if (imageReasons.includes(reason))
    return {
      what: `its image ${image} cannot be had (${reason}): ${message}`,
      next: 'check image.registry, image.repository, image.tag and global.imagePullSecrets',
    }
  if (reason === 'CreateContainerConfigError')
    return { what: `its configuration is not complete: ${message}`, next: 'make the Secret or ConfigMap that it names' }
  if (reason === 'CrashLoopBackOff' && restartCount >= 3) {
    const { exitCode, message: last = '' } = lastState?.terminated ?? {}
    return {
      what: `it ended ${restartCount} times, at last with ${exitCode ?? 'no code'} ${last}`.trim(),
      next: 'read its log: kubectl logs --previous',
    }
  }
  return undefined
}
