/**
 * Who calls: a person by a Bearer token that the API server is asked about (TokenReview). What is then done for the caller is
 * asked for with that very token, so that the cluster's RBAC decides and the server needs no right to act as anybody.
 *
 * Answers are kept for half a minute under a hash of the token; the token itself is kept nowhere.
 */
import { createHash } from 'node:crypto'
import { type Client, type KubeObject, resource } from '@mnemos/kube'
import { Refusal, refusalOfOwnRequest } from './refusal.ts'

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
const keepMs = 30_000
const keepRefusedMs = 5000
const maxKept = 4096

export interface Caller {
  readonly userName: string
  /** The API server as this caller. */
  readonly client: Client
}

export interface Callers {
  /** @throws Refusal MNEMOS_UNAUTHENTICATED, or MNEMOS_UNAVAILABLE when nobody could be asked */
  identify(authorization: string | undefined): Promise<Caller>
}

/**
 * @param own asks who a token belongs to
 * @param open whose connections carry the tokens of callers: no certificate of ours
 * @param monotonic milliseconds
 */
export function createCallers(own: Client, open: Client, monotonic: () => number = () => performance.now()): Callers {
  const known = new Map<string, { readonly until: number; readonly user: Promise<string | undefined> }>()

  const review = async (token: string): Promise<string | undefined> => {
    const answer = await own.create<TokenReview>(tokenReviews, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      metadata: { name: '' },
      ...{ spec: { token } },
    })
    return answer.status?.authenticated === true ? answer.status.user?.username : undefined
  }

  const lookUp = async (token: string): Promise<string | undefined> => {
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
      const userName = await lookUp(token)
      if (userName === undefined)
        throw new Refusal(
          'MNEMOS_UNAUTHENTICATED',
          'The cluster does not know this token; get a fresh one, e.g. with kubectl create token NAME.',
        )
      return { userName, client: open.withToken(token) }
    },
  }
}

/** The token of an Authorization header. @throws Refusal MNEMOS_UNAUTHENTICATED */
export function bearerOf(authorization: string | undefined): string {
  const token = /^Bearer ([\w.~+/=-]+)$/i.exec(authorization ?? '')?.[1]
  if (token === undefined) throw new Refusal('MNEMOS_UNAUTHENTICATED', 'Send a token: Authorization: Bearer <token>.')
  return token
}
