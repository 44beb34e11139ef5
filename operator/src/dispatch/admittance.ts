/** Who may join: a Hello is let in when its pool exists, takes external workers, and its join token is the pool's. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Hello } from '@mnemos/contract'
import type { Client } from '@mnemos/kube'
import { pools, secrets } from '../resources.ts'

const dnsLabel = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/

/** Undefined when the worker may join, else why not: said to the worker, so it holds no secret. */
export async function refusalOf(client: Client, hello: Hello): Promise<string | undefined> {
  const { poolNamespace: namespace, pool: name, worker, instance, joinToken, capabilities } = hello
  if (![namespace, name, worker].every((each) => dnsLabel.test(each))) return 'pool and worker must be DNS names'
  if (instance === '' || instance.length > 64) return 'instance must have 1 to 64 characters'
  if (capabilities === undefined || capabilities.slots < 1) return 'capabilities must name at least one slot'
  const pool = await client.get(pools, { namespace, name })
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
