/** What the operator remembers of the pods of Jobs, beside the cache: those it made, those that were refused. For one term of leadership. */
import type { Job } from '@mnemos/api'
import { authorityConfigMap, hasOwnPods, isActive, isTerminal, type OwnPods, type PodRefusal, podName } from '@mnemos/domain'
import { controllerOf, type KubeError, type Reader } from '@mnemos/kube'
import type { SidecarConfig } from '../config.ts'
import { configMaps, pods } from '../resources.ts'
import { personalDataOf } from './policed.ts'

/** A pod that was made and is not seen within this time has come and gone between two lists. */
const unseenMs = 30_000
const refusals = [400, 403, 413, 422]
/** The ServiceAccount of a new namespace comes a moment after it. */
const passing = /error looking up service account/

interface Known {
  readonly attempt: number
  readonly madeAt: number
  readonly isSeen: boolean
}

export interface OwnPodsConfig {
  readonly recordsLogs: boolean
  readonly sidecar: SidecarConfig
  readonly systemNamespace: string
}

export class OwnPodsMemory {
  readonly #known = new Map<string, Known>()
  readonly #refusals = new Map<string, PodRefusal & { readonly attempt: number }>()
  readonly #now: () => number
  readonly #config: OwnPodsConfig

  /** @param now milliseconds since 1970 */
  constructor(now: () => number, config: OwnPodsConfig) {
    this.#now = now
    this.#config = config
  }

  /** What is known of the pods of a Job, or undefined when it has none of its own. */
  observe(reader: Reader, job: Job): OwnPods | undefined {
    if (!hasOwnPods(job)) return undefined
    const { uid = '', namespace = '' } = job.metadata
    const attempt = job.status?.attempt ?? 0
    const name = podName(job, attempt)
    const own = reader.byIndex(pods, 'job', uid)
    if (own.some(({ metadata }) => metadata.name === name)) this.#remember(uid, { attempt, isSeen: true })
    const refusal = this.#refusals.get(uid)
    const holder = reader.get(pods, { namespace, name })
    return {
      pods: own,
      nameIsHeld: holder !== undefined && controllerOf(holder)?.uid !== uid,
      absent: this.#absent(uid, attempt),
      refusal: refusal?.attempt === attempt ? refusal : undefined,
      recordsLogs: this.#config.recordsLogs,
      sidecar: this.#sidecar(reader),
      // Only for the pod that is yet to be made.
      personalData: holder === undefined && job.spec.inference !== undefined ? personalDataOf(reader, job, this.#now()) : undefined,
    }
  }

  made(uid: string, attempt: number): void {
    this.#remember(uid, { attempt, isSeen: false })
  }

  /** After each plan: what the API server refused, if it did. The only write that a Job without a pod asks for is that of its pod. */
  carriedOut(job: Job, refusal: KubeError | undefined): void {
    const { uid = '' } = job.metadata
    if (!hasOwnPods(job)) return
    if (isTerminal(job)) this.forget(uid)
    if (refusal === undefined) {
      this.#refusals.delete(uid)
      return
    }
    const nameIsTaken = refusal.reason === 'NotOurs'
    const isMeant = nameIsTaken || (refusals.includes(refusal.status) && !passing.test(refusal.message))
    const attempt = job.status?.attempt ?? 0
    if (!isMeant || !isActive(job) || this.#absent(uid, attempt) !== 'unmade') return
    this.#refusals.set(uid, { attempt, message: refusal.message, nameIsTaken })
  }

  forget(uid: string): void {
    this.#known.delete(uid)
    this.#refusals.delete(uid)
  }

  #sidecar(reader: Reader): OwnPods['sidecar'] {
    const { sidecar, systemNamespace } = this.#config
    const { needsAuthority, ...settings } = sidecar
    if (!needsAuthority) return { ...settings, authority: undefined }
    const authority = reader.get(configMaps, { namespace: systemNamespace, name: authorityConfigMap })?.data?.['ca.crt']
    return authority === undefined
      ? { missing: `waits for ConfigMap ${authorityConfigMap} of namespace ${systemNamespace}: the authority of the server` }
      : { ...settings, authority }
  }

  #remember(uid: string, { attempt, isSeen }: Omit<Known, 'madeAt'>): void {
    const known = this.#known.get(uid)
    if (known?.attempt === attempt && (known.isSeen || !isSeen)) return
    this.#known.set(uid, { attempt, isSeen, madeAt: this.#now() })
  }

  #absent(uid: string, attempt: number): OwnPods['absent'] {
    const known = this.#known.get(uid)
    if (known?.attempt !== attempt) return 'unmade'
    return known.isSeen || this.#now() - known.madeAt > unseenMs ? 'gone' : 'made'
  }
}
