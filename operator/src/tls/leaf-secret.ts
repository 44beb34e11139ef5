/**
 * One server's certificate in a Secret of type kubernetes.io/tls, from where the server, or its pod's volume, takes it.
 *
 * Guarantees: what the Secret holds decides, nothing is remembered; a change that meets another's is thought over again; a
 * Secret that is as it should be is not written. Beside the certificate lies the bundle by which clients know it.
 */
import { type Authority, bundleOf, type LeafWish, readLeaf, renewedLeaf } from '@mnemos/identity'
import { type Client, isAlreadyExists, isConflict, type ObjectName } from '@mnemos/kube'
import { type Secret, secrets } from '../resources.ts'

const maxTries = 5

export interface LeafSecretOptions {
  readonly client: Client
  readonly secret: Required<ObjectName>
  readonly wish: LeafWish
  readonly signal?: AbortSignal
}

/**
 * Brings the Secret to what the authorities and the wish ask for.
 * @returns when the certificate in it ends (epoch ms)
 * @throws KubeError when the API server cannot be reached or refuses
 */
export async function keepLeafSecret(authorities: readonly Authority[], options: LeafSecretOptions): Promise<number> {
  const { client, secret: name, wish, signal } = options
  const request = signal === undefined ? {} : { signal }
  for (let tries = 0; tries < maxTries; tries += 1) {
    const found = await client.get(secrets, name, request)
    const kept = readLeaf({ certificate: textOf(found, 'tls.crt'), privateKey: textOf(found, 'tls.key') }, authorities, wish.subject)
    const { leaf } = renewedLeaf(kept, authorities, wish)
    const wanted = { 'tls.crt': leaf.certificate, 'tls.key': leaf.privateKey, 'ca.crt': bundleOf(authorities) }
    const data = Object.fromEntries(Object.entries(wanted).map(([key, text]) => [key, Buffer.from(text).toString('base64')]))
    if (found !== undefined && Object.entries(data).every(([key, value]) => found.data?.[key] === value)) return leaf.notAfter
    try {
      if (found === undefined) await client.create(secrets, secretOf(name, data), request)
      else {
        const { uid, resourceVersion } = found.metadata
        await client.patch(secrets, name, { metadata: { uid, resourceVersion }, data }, request)
      }
      return leaf.notAfter
    } catch (error) {
      if (!isConflict(error) && !isAlreadyExists(error)) throw error
    }
  }
  throw new Error(`Secret ${name.namespace}/${name.name} kept changing under ${maxTries} attempts to update it`)
}

function textOf(secret: Secret | undefined, key: string): string {
  return Buffer.from(secret?.data?.[key] ?? '', 'base64').toString()
}

function secretOf(name: Required<ObjectName>, data: Readonly<Record<string, string>>): Secret & { readonly type: string } {
  const labels = { 'app.kubernetes.io/managed-by': 'mnemos' }
  return { apiVersion: 'v1', kind: 'Secret', metadata: { ...name, labels }, type: 'kubernetes.io/tls', data }
}
