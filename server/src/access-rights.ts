/**
 * Rights to what the server keeps and the API server knows nothing of: subresources of Jobs that RBAC rules may name.
 *
 * The API server is asked with the caller's own token (SelfSubjectAccessReview), at most once in half a minute for each caller and
 * right; a refusal is not remembered.
 */
import { type KubeObject, resource } from '@mnemos/kube'
import type { Caller } from './callers.ts'
import { jobs } from './job-follower.ts'
import { Refusal } from './refusal.ts'

interface AccessReview extends KubeObject {
  readonly status?: { readonly allowed?: boolean }
}

const accessReviews = resource<AccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'selfsubjectaccessreviews',
  kind: 'SelfSubjectAccessReview',
  namespaced: false,
})
const allowedForMs = 30_000
const maxAllowed = 4096

export interface AccessRight {
  readonly subresource: 'files' | 'logs'
  readonly verb: 'get' | 'create' | 'delete'
  readonly namespace: string
}

export interface AccessRights {
  /**
   * @param what the caller wants, as in "alice may not store logs"
   * @throws Refusal MNEMOS_FORBIDDEN
   */
  demand(caller: Caller, right: AccessRight, what: string): Promise<void>
}

export function createAccessRights(): AccessRights {
  const allowed = new Map<string, number>()
  return {
    demand: async ({ userName, client }, { subresource, verb, namespace }, what) => {
      const id = JSON.stringify([userName, subresource, verb, namespace])
      if ((allowed.get(id) ?? 0) > performance.now()) return
      const resourceAttributes = { group: jobs.group, resource: jobs.plural, subresource, verb, namespace }
      const review = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        metadata: { name: '' },
        ...{ spec: { resourceAttributes } },
      }
      const { status } = await client.create(accessReviews, review)
      if (status?.allowed !== true) {
        const needs = `that needs the right to ${verb} ${jobs.plural}/${subresource} in namespace ${namespace}`
        throw new Refusal('MNEMOS_FORBIDDEN', `${userName} may not ${what}: ${needs}.`)
      }
      if (allowed.size >= maxAllowed) allowed.clear()
      allowed.set(id, performance.now() + allowedForMs)
    },
  }
}
