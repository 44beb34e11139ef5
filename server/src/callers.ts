/**
 * Who calls: a person by a Bearer token that the API server is asked about (TokenReview), who then acts by impersonation,
 * so that the cluster's RBAC decides and nothing is decided twice.
 *
 * Answers are kept for half a minute under a hash of the token; the token itself is kept nowhere.
 */
import { createHash } from 'node:crypto'
import { type Client, type Impersonation, type KubeObject, resource } from '@mnemos/kube'
import { Refusal, refusalOfOwnRequest } from './refusal.ts'

interface TokenReview extends KubeObject {
  readonly status?: {
    readonly authenticated?: boolean
    readonly user?: {
      readonly username?: string
      readonly uid?: string
      readonly groups?: readonly string[]
      readonly extra?: Readonly<Record<string, readonly string[]>>
    }
  }
}

const tokenReviews = resource<TokenReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'tokenreviews',
  kind: 'TokenReview',
  namespaced: false,
})
const keepMs = 30_000
const keepRefusedMs = 5000
const maxKept = 4096

export interface Caller {
  readonly user: Impersonation
  /** The API server as this caller. */
  readonly client: Client
}

export interface Callers {
  /** @throws Refusal MNEMOS_UNAUTHENTICATED, or MNEMOS_UNAVAILABLE when nobody could be asked */
  identify(authorization: string | undefined): Promise<Caller>
}

/** @param monotonic milliseconds */
export function createCallers(client: Client, monotonic: () => number = () => performance.now()): Callers {
  const known = new Map<string, { readonly until: number; readonly user: Promise<Impersonation | undefined> }>()

  const review = async (token: string): Promise<Impersonation | undefined> => {
    const answer = await client.create<TokenReview>(tokenReviews, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      metadata: { name: '' },
      ...{ spec: { token } },
    })
    const user = answer.status?.user
    if (answer.status?.authenticated !== true || user?.username === undefined) return undefined
    return {
      userName: user.username,
      ...(user.groups === undefined ? {} : { groups: user.groups }),
      ...(user.uid === undefined ? {} : { uid: user.uid }),
      ...(user.extra === undefined ? {} : { extra: user.extra }),
    }
  }

  const lookUp = async (token: string): Promise<Impersonation | undefined> => {
    const id = createHash('sha256').update(token).digest('base64')
    const entry = known.get(id)
    if (entry !== undefined && entry.until > monotonic()) return entry.user
    if (known.size >= maxKept) known.clear()
    const user = review(token).catch((error: unknown) => {
      throw refusalOfOwnRequest(error)
    })
    known.set(id, { until: monotonic() + keepMs, user })
    try {
      const found = await user
      if (found === undefined) known.set(id, { until: monotonic() + keepRefusedMs, user })
      return found
    } catch (error) {
      known.delete(id)
      throw error
    }
  }

  return {
    identify: async (authorization) => {
      const token = bearerOf(authorization)
      const user = await lookUp(token)
      if (user === undefined)
        throw new Refusal(
          'MNEMOS_UNAUTHENTICATED',
          'The cluster does not know this token; get a fresh one, e.g. with kubectl create token NAME.',
        )
      return { user, client: client.withImpersonation(user) }
    },
  }
}

/** The token of an Authorization header. @throws Refusal MNEMOS_UNAUTHENTICATED */
export function bearerOf(authorization: string | undefined): string {
  const token = /^Bearer ([\w.~+/=-]+)$/i.exec(authorization ?? '')?.[1]
  if (token === undefined) throw new Refusal('MNEMOS_UNAUTHENTICATED', 'Send a token: Authorization: Bearer <token>.')
  return token
}
