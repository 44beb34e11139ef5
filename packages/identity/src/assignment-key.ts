/**
 * The key that signs assignment tokens, kept in a Secret of the system namespace (the embedded KeyStore).
 *
 * Guarantees: whoever comes first makes the key, everybody uses the same one; private parts never leave the Secret and
 * the operator's memory.
 */
import type { Client, KubeObject, Resource } from '@mnemos/kube'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import type { AssignmentKey } from './assignment-token.ts'

interface Secret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}

const secrets: Resource<Secret> = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true }
export const assignmentKeySecret = 'mnemos-assignment-key'

/** Reads the key, or makes it when it is absent. @throws KubeError when the Secret may not be read or made */
export async function ensureAssignmentKey(client: Client, namespace: string): Promise<AssignmentKey> {
  const name = { namespace, name: assignmentKeySecret }
  const existing = await client.get(secrets, name)
  if (existing !== undefined) return keyOf(existing)
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: name,
    type: 'mnemos.dev/assignment-key',
    stringData: { 'private.jwk': JSON.stringify(await exportJWK(privateKey)), 'public.jwk': JSON.stringify(await exportJWK(publicKey)) },
  }
  try {
    return await keyOf(await client.create<Secret>(secrets, secret))
  } catch (error) {
    const made = await client.get(secrets, name)
    if (made === undefined) throw error
    return keyOf(made)
  }
}

/** The public keys that tokens may be signed with; empty while the operator has not made one. */
export async function loadAssignmentKeys(client: Client, namespace: string): Promise<readonly JWK[]> {
  const secret = await client.get(secrets, { namespace, name: assignmentKeySecret })
  if (secret === undefined) return []
  const jwk = jwkOf(secret, 'public.jwk')
  return [{ ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'EdDSA', use: 'sig' }]
}

async function keyOf(secret: Secret): Promise<AssignmentKey> {
  const publicJwk = jwkOf(secret, 'public.jwk')
  const privateKey = await importJWK(jwkOf(secret, 'private.jwk'), 'EdDSA')
  if (privateKey instanceof Uint8Array)
    throw new TypeError(`Secret ${assignmentKeySecret} holds no Ed25519 key; delete it and restart the operator`)
  return { kid: await calculateJwkThumbprint(publicJwk), privateKey, publicJwk }
}

function jwkOf(secret: Secret, field: string): JWK {
  const encoded = secret.data?.[field]
  if (encoded === undefined) throw new TypeError(`Secret ${assignmentKeySecret} lacks ${field}; delete it and restart the operator`)
  return JSON.parse(Buffer.from(encoded, 'base64').toString()) as JWK
}
