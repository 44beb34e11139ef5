/**
 * Which pod a worker is, and whether its pool made that pod.
 *
 * Flow: the token goes to the API server (TokenReview for our audience), which answers with the pod it is bound to; that pod and
 * its owners are then read live, up to the pool: Pod → ReplicaSet → Deployment → WorkerPool.
 * Guarantees: every link is held by UID; names and labels prove nothing, because whoever makes a pod chooses them. A token is
 * never part of an answer. Knows no stream.
 */
import { apiVersion, type WorkerPool } from '@mnemos/api'
import { podTokenAudience } from '@mnemos/domain'
import { type Client, controllerOf, type KubeObject, type OwnerReference, type Resource, resource } from '@mnemos/kube'
import { deployments, pods, replicaSets } from '../resources.ts'

interface TokenReview extends KubeObject {
  readonly status?: {
    readonly authenticated?: boolean
    readonly audiences?: readonly string[]
    readonly user?: { readonly username?: string; readonly extra?: Readonly<Record<string, readonly string[]>> }
  }
}

export const tokenReviews = resource<TokenReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'tokenreviews',
  kind: 'TokenReview',
  namespaced: false,
})
/** Longer than any token that an API server issues. */
const maxTokenLength = 16_384
const claim = 'authentication.kubernetes.io'

/** A pod, or why it is none of the pool's: one sentence that names what was looked at. */
export type PodFinding = { readonly pod: string } | { readonly refusal: string }

/**
 * Finds the pod that a token is bound to and holds it against the pool.
 * @throws KubeError when the API server cannot be asked
 */
export async function podOfPool(client: Client, pool: WorkerPool, token: string): Promise<PodFinding> {
  const { namespace = '', name } = pool.metadata
  const claimed = await claimedPod(client, token)
  if (claimed === undefined)
    return { refusal: `the pod token is not valid for audience ${podTokenAudience}: mount a projected service account token for it` }
  if (claimed.namespace !== namespace)
    return { refusal: `the pod is in namespace ${claimed.namespace}; workers of this pool run in namespace ${namespace}` }
  const pod = await client.get(pods, { namespace, name: claimed.name })
  if (pod?.metadata.uid !== claimed.uid) return { refusal: `Pod ${claimed.name} of the token is gone` }
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return { refusal: `Pod ${claimed.name} has ended` }
  const stranger = `Pod ${claimed.name} was not made by WorkerPool ${namespace}/${name}`
  const replicaSet = await controllingOwner(client, pod, replicaSets)
  if (replicaSet === undefined) return { refusal: `${stranger}: no ReplicaSet controls it` }
  const deployment = await controllingOwner(client, replicaSet, deployments)
  if (deployment === undefined) return { refusal: `${stranger}: no Deployment controls its ReplicaSet ${replicaSet.metadata.name}` }
  const owner = controllerOf(deployment)
  if (owner === undefined || !isPool(owner) || owner.uid !== pool.metadata.uid)
    return { refusal: `${stranger}: its Deployment ${deployment.metadata.name} is of another owner` }
  return { pod: claimed.name }
}

interface ClaimedPod {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

/** The pod that the API server says a token is bound to; undefined when it does not vouch for the token. */
async function claimedPod(client: Client, token: string): Promise<ClaimedPod | undefined> {
  if (token.length > maxTokenLength) return undefined
  const { status } = await client.create<TokenReview>(tokenReviews, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    metadata: { name: '' },
    ...{ spec: { token, audiences: [podTokenAudience] } },
  })
  if (status?.authenticated !== true || status.audiences?.includes(podTokenAudience) !== true) return undefined
  // Only service accounts carry these claims by the API server's own word; other authenticators could make them up.
  const namespace = /^system:serviceaccount:([^:]+):[^:]+$/.exec(status.user?.username ?? '')?.[1]
  const name = status.user?.extra?.[`${claim}/pod-name`]?.[0]
  const uid = status.user?.extra?.[`${claim}/pod-uid`]?.[0]
  return namespace === undefined || name === undefined || uid === undefined ? undefined : { namespace, name, uid }
}

/** The object of that collection which controls `object`, and which still is the one that the reference means. */
async function controllingOwner<T extends KubeObject>(client: Client, object: KubeObject, of: Resource<T>): Promise<T | undefined> {
  const owner = controllerOf(object)
  if (owner?.kind !== of.kind || owner.apiVersion !== `${of.group}/${of.version}`) return undefined
  const { namespace } = object.metadata
  const found = await client.get(of, { name: owner.name, ...(namespace === undefined ? {} : { namespace }) })
  return found?.metadata.uid === owner.uid ? found : undefined
}

function isPool(owner: OwnerReference): boolean {
  return owner.kind === 'WorkerPool' && owner.apiVersion.split('/')[0] === apiVersion.split('/')[0]
}
