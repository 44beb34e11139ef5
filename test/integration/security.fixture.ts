/** Any request to an API server, and its answer as a value: an attacker's tries are compared, not thrown. */
import { apiVersion } from '@mnemos/api'
import { type Client, KubeError, type KubeObject, type RequestOptions } from '@mnemos/kube'

export interface Answer {
  /** HTTP status of a refusal; 200 when it was admitted. */
  readonly code: number
  readonly message: string
  readonly object: KubeObject & { readonly spec?: unknown; readonly status?: unknown }
}

export type Send = (method: string, path: string, body?: unknown, options?: Omit<RequestOptions, 'body'>) => Promise<Answer>

const noObject: KubeObject = { apiVersion: '', kind: '', metadata: { name: '' } }

export function senderTo(client: Client): Send {
  return async (method, path, body, options = {}) => {
    try {
      const object = await client.request<KubeObject>(method, path, { ...options, ...(body === undefined ? {} : { body }) })
      return { code: 200, message: '', object }
    } catch (error) {
      if (!(error instanceof KubeError)) throw error
      return { code: error.status, message: error.message, object: noObject }
    }
  }
}

/** Path of a collection, or of one object of ours. */
export function pathTo(plural: string, { namespace = 'default', name = '', version = 'v1alpha1' } = {}): string {
  return `/apis/mnemos.dev/${version}/namespaces/${namespace}/${plural}${name === '' ? '' : `/${name}`}`
}

export const inference = { modelRef: { name: 'smollm' }, prompt: 'Say hello.' }

export function aJobWith(name: string, spec: object = {}, metadata: object = {}): KubeObject & { readonly spec: object } {
  return { apiVersion, kind: 'Job', metadata: { name, ...metadata }, spec: { inference, ...spec } }
}

/** What the platform does not want, each by a rule of its own. */
export const walls = {
  ...{ apiVersion, kind: 'ClusterPolicy', metadata: { name: 'walls' } },
  spec: {
    rules: [
      { name: 'images', images: { allow: ['registry.example.com/*'] } },
      { name: 'sources', sources: { allow: ['s3://models'] } },
      { name: 'ceiling', limits: { maxPriority: 'high', maxTokens: 512 } },
    ],
  },
}
