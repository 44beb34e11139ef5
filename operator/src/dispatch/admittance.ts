/** Who may join: a Hello is let in when its pool exists, takes external workers, and its join token is the pool's. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { apiVersion, type WorkerPool } from '@mnemos/api'
import type { Hello } from '@mnemos/contract'
import { type Client, controllerReference, type KubeObject } from '@mnemos/kube'
import { fieldManager, pools, secrets, workers } from '../resources.ts'

const dnsName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/

/**
 * Lets a worker in and makes the object that stands for it, or returns why not: said to the worker, so it holds no secret.
 * @throws KubeError when the API server cannot be asked
 */
export async function admit(client: Client, hello: Hello): Promise<string | undefined> {
  const malformed = mistakeIn(hello)
  if (malformed !== undefined) return malformed
  const { poolNamespace: namespace, pool: name, worker } = hello
  const pool = await client.get(pools, { namespace, name })
  const refusal = await refusalOf(client, pool, hello)
  if (refusal !== undefined || pool === undefined) return refusal
  const known = await client.get(workers, { namespace, name: worker })
  if (known !== undefined && known.spec.poolRef.name !== name)
    return `Worker ${namespace}/${worker} belongs to WorkerPool ${known.spec.poolRef.name}; give this worker another name`
  if (known === undefined) await client.apply(workers, workerObject(pool, worker), { fieldManager, force: true })
  return undefined
}

function mistakeIn({ poolNamespace, pool, worker, instance, capabilities }: Hello): string | undefined {
  if (![poolNamespace, pool, worker].every((each) => dnsName.test(each))) return 'pool and worker must be DNS names'
  if (instance === '' || instance.length > 64) return 'instance must have 1 to 64 characters'
  if (capabilities === undefined || capabilities.slots < 1) return 'capabilities must name at least one slot'
  return undefined
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

async function refusalOf(client: Client, pool: WorkerPool | undefined, hello: Hello): Promise<string | undefined> {
  const { poolNamespace: namespace, pool: name, joinToken } = hello
  if (pool === undefined) return `there is no WorkerPool ${namespace}/${name}; create it first`
  if (!pool.spec.external) return `WorkerPool ${namespace}/${name} makes its own workers; set spec.external to true`
  const secret = await client.get(secrets, { namespace, name: `mnemos-join-${name}` })
  const wanted = secret?.data?.['token']
  if (wanted === undefined) return `WorkerPool ${namespace}/${name} has no Secret mnemos-join-${name} with a token`
  return isSame(Buffer.from(wanted, 'base64'), Buffer.from(joinToken))
    ? undefined
    : `the join token is not that of WorkerPool ${namespace}/${name}`
}

/** Compares in a time that tells nothing, not even lengths. */
function isSame(a: Buffer, b: Buffer): boolean {
  const digest = (text: Buffer): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
