/**
 * The authorities in their Secret, shared by every replica and changed only by compare-and-swap.
 *
 * Guarantees: replicas that start together agree on one authority (the loser of the create reads the winner's); a change that
 * meets another's is thought over again on the new state; a Secret that somebody deletes is written back as it was, so that
 * certificates already served stay trusted.
 */
import type { Client, KubeObject, ObjectName, Resource } from '@mnemos/kube'
import { z } from 'zod'
import { type Authority, bundleOf, planAuthorities, type RotationTiming } from './authority.ts'
import { issueAuthority } from './certificates.ts'

const stateKey = 'authorities.json'
const bundleKey = 'ca.crt'
const maxTries = 8

interface Secret extends KubeObject {
  readonly type?: string
  readonly data?: Readonly<Record<string, string>>
}
const secrets: Resource<Secret> = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true }

const stateSchema = z.array(
  z.object({
    commonName: z.string().min(1),
    certificate: z.string().min(1),
    privateKey: z.string().min(1),
    issuedAt: z.number(),
    notAfter: z.number(),
    signsFrom: z.number(),
  }),
)

export interface AuthorityStore {
  /**
   * Brings the Secret to what the plan for `now` asks, and returns the authorities in it (never empty).
   * @throws KubeError when the API server cannot be reached or refuses
   */
  refresh(now: number, signal?: AbortSignal): Promise<readonly Authority[]>
}

export interface AuthorityStoreOptions {
  readonly client: Client
  readonly secret: Required<ObjectName>
  /** Whose authority it is: the first words of its common name. */
  readonly authority: string
  readonly timing: RotationTiming
}

export function openAuthorityStore({ client, secret: name, authority, timing }: AuthorityStoreOptions): AuthorityStore {
  let remembered: readonly Authority[] = []

  /** One read, and one write when the plan asks for it; undefined when another replica was faster. */
  async function attempt(now: number, signal: AbortSignal | undefined): Promise<readonly Authority[] | undefined> {
    const options = signal === undefined ? {} : { signal }
    const secret = await client.get(secrets, name, options)
    const stored = secret === undefined ? remembered : (parseState(secret) ?? remembered)
    const wanted = carriedOut(authority, stored, { now, timing })
    if (secret !== undefined && isStored(secret, wanted)) return wanted
    try {
      if (secret === undefined) await client.create(secrets, secretOf(name, wanted), options)
      else await client.patch(secrets, name, { metadata: preconditionOf(secret), data: dataOf(wanted) }, options)
      return wanted
    } catch (error) {
      if (isConflict(error)) return undefined
      throw error
    }
  }

  return {
    async refresh(now, signal) {
      for (let tries = 0; tries < maxTries; tries += 1) {
        const authorities = await attempt(now, signal)
        if (authorities !== undefined) {
          remembered = authorities
          return authorities
        }
      }
      throw new Error(`Secret ${name.namespace}/${name.name} kept changing under ${maxTries} attempts to update it`)
    },
  }
}

interface Moment {
  readonly now: number
  readonly timing: RotationTiming
}

function carriedOut(authority: string, stored: readonly Authority[], { now, timing }: Moment): readonly Authority[] {
  const { keep, make } = planAuthorities(stored, now, timing)
  if (make === undefined) return keep
  return [...keep, { ...issueAuthority(authority, { now, lifeMs: timing.authorityLifeMs }), signsFrom: make.signsFrom }]
}

/** Another writer was faster: of a create as of a patch. */
function isConflict(error: unknown): boolean {
  return error instanceof Error && 'status' in error && error.status === 409
}

/** undefined when somebody wrote nonsense: it is replaced by what we remember, or by a new authority. */
function parseState(secret: Secret): readonly Authority[] | undefined {
  const encoded = secret.data?.[stateKey]
  if (encoded === undefined) return undefined
  try {
    return stateSchema.parse(JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')))
  } catch {
    return undefined
  }
}

function dataOf(authorities: readonly Authority[]): Record<string, string> {
  const encode = (text: string): string => Buffer.from(text).toString('base64')
  // Parsed, so that the members always stand in the schema's order and equal states are equal texts.
  return { [stateKey]: encode(JSON.stringify(stateSchema.parse(authorities))), [bundleKey]: encode(bundleOf(authorities)) }
}

function isStored(secret: Secret, authorities: readonly Authority[]): boolean {
  const wanted = dataOf(authorities)
  return secret.data?.[stateKey] === wanted[stateKey] && secret.data?.[bundleKey] === wanted[bundleKey]
}

function secretOf(metadata: Required<ObjectName>, authorities: readonly Authority[]): Secret {
  return { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data: dataOf(authorities) }
}

function preconditionOf(secret: Secret): { resourceVersion?: string; uid?: string } {
  const { resourceVersion, uid } = secret.metadata
  return { ...(resourceVersion === undefined ? {} : { resourceVersion }), ...(uid === undefined ? {} : { uid }) }
}
