/**
 * Who may join: a worker of an external pool by the pool's join token, a worker in a pod by being a pod that the pool made.
 * Neither stands in for the other.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { apiVersion, type Worker, type WorkerPool } from '@mnemos/api'
import type { Hello } from '@mnemos/contract'
import { joinTokenSecret } from '@mnemos/domain'
import { type Client, controllerOf, controllerReference, KubeError, type KubeObject, type ObjectName } from '@mnemos/kube'
import { fieldManager, pools, secrets, workers } from '../resources.ts'
import { podOfPool } from './pod-identity.ts'

/** The longest name of a DNS label or subdomain that Kubernetes takes. */
const dnsName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/

/** Why a worker is not let in: names the pool, the reason and the next step, and holds no secret. */
export interface Refusal {
  readonly refusal: string
}

/** A worker that was let in. */
export interface Admission {
  /** Name of the Worker; in a pod, the pod's. */
  readonly worker: string
  /** UIDs of the objects that it was let in for: it is judged anew when either goes. */
  readonly workerUid: string
  readonly poolUid: string
}

/**
 * Lets a worker in and makes the object that stands for it, or says why not.
 * @param systemNamespace where join tokens are kept
 * @throws KubeError when the API server cannot be asked
 */
export async function admit(client: Client, hello: Hello, systemNamespace: string): Promise<Admission | Refusal> {
  const malformed = mistakeIn(hello)
  if (malformed !== undefined) return { refusal: malformed }
  const { poolNamespace: namespace, pool: name } = hello
  const pool = await client.get(pools, { namespace, name })
  if (pool === undefined) return { refusal: `there is no WorkerPool ${namespace}/${name}; create it first` }
  const found = await (pool.spec.external ? byJoinToken(client, pool, hello, systemNamespace) : byPod(client, pool, hello))
  if ('refusal' in found) return found
  const known = await client.get(workers, { namespace, name: found.worker })
  if (known !== undefined && known.spec.poolRef.name !== name)
    return {
      refusal: `Worker ${namespace}/${found.worker} belongs to WorkerPool ${known.spec.poolRef.name}; give this worker another name`,
    }
  const worker = await workerOf(client, pool, found.worker, known)
  return { ...found, workerUid: worker.metadata.uid ?? '', poolUid: pool.metadata.uid ?? '' }
}

function mistakeIn({ poolNamespace, pool, worker, instance, capabilities }: Hello): string | undefined {
  if (![poolNamespace, pool, worker].every((each) => dnsName.test(each))) return 'pool and worker must be DNS names'
  if (instance === '' || instance.length > 64) return 'instance must have 1 to 64 characters'
  if (capabilities === undefined || capabilities.slots < 1) return 'capabilities must name at least one slot'
  return undefined
}

/** The object that stands for a worker; one of an earlier pool of the same name is due to be collected, and makes way. */
async function workerOf(client: Client, pool: WorkerPool, name: string, known: Worker | undefined): Promise<Worker> {
  const owner = known === undefined ? undefined : controllerOf(known)?.uid
  if (known !== undefined && (owner === undefined || owner === pool.metadata.uid)) return known
  const { namespace = '' } = pool.metadata
  const { uid } = known?.metadata ?? {}
  if (uid !== undefined) await client.delete(workers, { namespace, name }, { uid })
  return client.apply(workers, workerObject(pool, name), { fieldManager, force: true })
}

function workerObject(pool: WorkerPool, name: string): KubeObject & { readonly spec: unknown } {
  const labels = { 'app.kubernetes.io/managed-by': 'mnemos', 'mnemos.dev/pool': pool.metadata.name.slice(0, 63) }
  const namespace = pool.metadata.namespace ?? ''
  return {
    apiVersion,
    kind: 'Worker',
    metadata: { namespace, name, labels, ownerReferences: [controllerReference(pool)] },
    spec: { poolRef: { name: pool.metadata.name } },
  }
}

type Proven = { readonly worker: string } | Refusal

async function byPod(client: Client, pool: WorkerPool, { podToken }: Hello): Promise<Proven> {
  const of = `WorkerPool ${pool.metadata.namespace ?? ''}/${pool.metadata.name}`
  if (podToken === '')
    return {
      refusal:
        `${of} takes only the pods that it makes, and this worker showed no pod token; ` +
        'in such a pod set MNEMOS_WORKER_POD_TOKEN_FILE, elsewhere set spec.external of the pool to true and use its join token',
    }
  const found = await podOfPool(client, pool, podToken)
  if ('pod' in found) return { worker: found.pod }
  return { refusal: `${of} takes only the pods that it makes: ${found.refusal}; let the pool make the pod, or use an external pool` }
}

async function byJoinToken(client: Client, pool: WorkerPool, { worker, joinToken }: Hello, systemNamespace: string): Promise<Proven> {
  const { namespace = '', name } = pool.metadata
  const of = `WorkerPool ${namespace}/${name}`
  const stored = joinTokenSecret(pool.metadata)
  const wanted = await readToken(client, { namespace: systemNamespace, name: stored })
  if (wanted === undefined)
    return {
      refusal: `the operator may not read Secret ${systemNamespace}/${stored}; name ${namespace}/${name} in externalPools of the chart`,
    }
  if (wanted === '') return { refusal: `${of} has no Secret ${stored} with a token in namespace ${systemNamespace}; create it` }
  if (isSame(Buffer.from(wanted, 'base64'), Buffer.from(joinToken))) return { worker }
  return { refusal: `the join token is not that of ${of}; give this worker the token of Secret ${systemNamespace}/${stored}` }
}

/** The token in base64, empty when there is none, undefined when we may not look. */
async function readToken(client: Client, name: ObjectName): Promise<string | undefined> {
  try {
    return (await client.get(secrets, name))?.data?.['token'] ?? ''
  } catch (error) {
    if (error instanceof KubeError && error.status === 403) return undefined
    throw error
  }
}

/** Compares in a time that tells nothing, not even lengths. */
function isSame(a: Buffer, b: Buffer): boolean {
  const digest = (text: Buffer): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
