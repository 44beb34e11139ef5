/**
 * The two steps of a release that Helm cannot take: making random passwords (a render must be the same each time), and
 * taking away what processes made for themselves.
 *
 * Both may be repeated, and go on where they were stopped.
 */
import { randomBytes } from 'node:crypto'
import { type Client, type Clock, isAlreadyExists, isNotFound, type KubeObject } from '@mnemos/kube'
import { deployments, made, pods, registrationName, registrations, secrets, tryOutSecret, writers } from './objects.ts'

export interface ReleaseContext {
  readonly client: Client
  readonly clock: Clock
  /** The namespace of MNEMOS itself. */
  readonly namespace: string
  readonly signal: AbortSignal
  /** Told what was done, in one sentence; never a value of a Secret. */
  readonly say: (line: string) => void
}

const processLabels = 'app.kubernetes.io/name=mnemos,app.kubernetes.io/component in (cortex,genome)'
const madeLabels = 'app.kubernetes.io/managed-by=mnemos,app.kubernetes.io/component=neuron'

/** Makes the credentials of the try-out stores, once. @throws KubeError */
export async function prepareRelease({ client, namespace, signal, say }: ReleaseContext): Promise<void> {
  const name = { namespace, name: tryOutSecret }
  if ((await client.get(secrets, name, { signal })) !== undefined) {
    say(`Secret ${tryOutSecret} is there already.`)
    return
  }
  const stringData = {
    accessKeyId: randomBytes(10).toString('hex'),
    secretAccessKey: randomBytes(24).toString('hex'),
    redisPassword: randomBytes(24).toString('hex'),
  }
  const secret: KubeObject & { readonly stringData: object } = { apiVersion: 'v1', kind: 'Secret', metadata: name, stringData }
  try {
    await client.create(secrets, secret, { signal })
    say(`Made Secret ${tryOutSecret}.`)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}

/**
 * Stops what would write again, then removes the webhook's registration and everything that processes made for
 * themselves. Custom resources are left to Helm: none carries a finalizer of ours. @throws KubeError
 */
export async function cleanUpRelease(context: ReleaseContext): Promise<void> {
  const { client, namespace, signal, say } = context
  for (const name of writers) await stop(context, name)
  await waitForPodsToEnd(context)
  for (const resource of registrations) await client.delete(resource, { name: registrationName }, { signal })
  say('Removed the registration of the webhook.')
  for (const deployment of (await client.list(deployments, { labelSelector: madeLabels, signal })).items) {
    const { name, namespace: of = '', uid = '' } = deployment.metadata
    await client.delete(deployments, { namespace: of, name }, { uid, signal })
    say(`Removed Deployment ${of}/${name}.`)
  }
  for (const { resource, names } of made) for (const name of names) await client.delete(resource, { namespace, name }, { signal })
  say('Removed keys, certificates and the Lease.')
}

async function stop({ client, namespace, say, signal }: ReleaseContext, name: string): Promise<void> {
  try {
    await client.patch(deployments, { namespace, name }, { spec: { replicas: 0 } }, { subresource: 'scale', signal })
    say(`Stopped Deployment ${name}.`)
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

async function waitForPodsToEnd({ client, clock, namespace, signal }: ReleaseContext): Promise<void> {
  while ((await client.list(pods, { namespace, labelSelector: processLabels, signal })).items.length > 0) await clock.sleep(500, signal)
}
