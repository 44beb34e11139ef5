/**
 * Whether a user may read a Secret, by the API server's own word: a SubjectAccessReview as that user.
 *
 * Guarantees: an answer within the given time, or an error; an answer is kept for a few seconds, an error never; many who ask the same at once are
 * one question. Reads no Secret.
 */
import type { NamedSecret, ReviewRequest } from '@mnemos/domain'
import { type Client, type Clock, type KubeObject, resource } from '@mnemos/kube'

interface SubjectAccessReview extends KubeObject {
  readonly status?: { readonly allowed?: boolean }
}

export const subjectAccessReviews = resource<SubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'subjectaccessreviews',
  kind: 'SubjectAccessReview',
  namespaced: false,
})

export interface SecretRights {
  /** Those of the Secrets that the user of the request may not get. @throws when the API server does not say */
  denied(request: ReviewRequest, secrets: readonly NamedSecret[]): Promise<readonly NamedSecret[]>
}

/** A right that is taken away counts that much longer at most. */
const keptMs = 5000
const maxKept = 1000

/** @param waitMs longest wait for an answer */
export function createSecretRights(client: Pick<Client, 'create'>, clock: Pick<Clock, 'monotonic'>, waitMs: number): SecretRights {
  const answers = new Map<string, { readonly until: number; readonly answer: Promise<boolean> }>()
  const ask = async (spec: object): Promise<boolean> => {
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: subjectAccessReviews.kind, metadata: { name: '' }, ...{ spec } }
    const { status } = await client.create(subjectAccessReviews, review, { signal: AbortSignal.timeout(waitMs) })
    return status?.allowed === true
  }
  const mayGet = (request: ReviewRequest, name: string): Promise<boolean> => {
    const spec = questionOf(request, name)
    const key = JSON.stringify(spec)
    const known = answers.get(key)
    if (known !== undefined && known.until > clock.monotonic()) return known.answer
    if (answers.size >= maxKept) answers.clear()
    const entry = { until: clock.monotonic() + keptMs, answer: ask(spec) }
    answers.set(key, entry)
    entry.answer.catch(() => {
      if (answers.get(key) === entry) answers.delete(key)
    })
    return entry.answer
  }
  return {
    denied: async (request, secrets) => {
      const may = await Promise.all(secrets.map(({ name }) => mayGet(request, name)))
      return secrets.filter((_, index) => may[index] !== true)
    },
  }
}

function questionOf({ userName, userUid, userExtra, groups = [], namespace = '' }: ReviewRequest, name: string): object {
  return {
    user: userName,
    groups,
    ...(userUid === undefined ? {} : { uid: userUid }),
    ...(userExtra === undefined ? {} : { extra: userExtra }),
    resourceAttributes: { namespace, verb: 'get', group: '', version: 'v1', resource: 'secrets', name },
  }
}
