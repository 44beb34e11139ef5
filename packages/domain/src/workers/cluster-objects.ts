/** The parts of Kubernetes' own objects that decisions read. */
import type { KubeObject } from '@mnemos/kube'

interface ObjectCondition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
}

export interface Deployment extends KubeObject {
  readonly spec?: { readonly replicas?: number }
  readonly status?: {
    readonly observedGeneration?: number
    readonly replicas?: number
    readonly updatedReplicas?: number
    readonly availableReplicas?: number
    readonly conditions?: readonly ObjectCondition[]
  }
}

export interface ContainerStatus {
  readonly name: string
  readonly ready?: boolean
  readonly restartCount?: number
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string }
    readonly running?: { readonly startedAt?: string }
    readonly terminated?: {
      readonly exitCode?: number
      readonly reason?: string
      readonly message?: string
      readonly startedAt?: string
    }
  }
  readonly lastState?: { readonly terminated?: { readonly exitCode?: number; readonly reason?: string; readonly message?: string } }
}

export interface Pod extends KubeObject {
  readonly status?: {
    readonly phase?: string
    readonly startTime?: string
    readonly reason?: string
    readonly message?: string
    readonly conditions?: readonly ObjectCondition[]
    readonly initContainerStatuses?: readonly ContainerStatus[]
    readonly containerStatuses?: readonly ContainerStatus[]
  }
}

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}
