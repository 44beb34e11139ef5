/**
 * Whether a user may do what an object would have us do for them, by the API server's own word: a SubjectAccessReview as that user.
 *
 * Guarantees: an answer within the given time, or an error; an answer is kept for a few seconds, an error never; many who ask the same at once are
 * one question. Does nothing of it, and reads no Secret.
 */
import type { NeededRight, ReviewRequest } from '@mnemos/domain'
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

export interface UserRights {
  /** Those of the rights that the user of the request has not. @throws when the API server does not say */
  denied(request: ReviewRequest, needed: readonly NeededRight[]): Promise<readonly NeededRight[]>
}

/** A right that is taken away counts that much longer at most. */
const keptMs = 5000
const maxKept = 1000

/** @param waitMs longest wait for an answer */
export function createUserRights(client: Pick<Client, 'create'>, clock: Pick<Clock, 'monotonic'>, waitMs: number): UserRights {
  const answers = new Map<string, { readonly until: number; readonly answer: Promise<boolean> }>()
  const ask = async (spec: object): Promise<boolean> => {
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: subjectAccessReviews.kind, metadata: { name: '' }, ...{ spec } }
    const { status } = await client.create(subjectAccessReviews, review, { signal: AbortSignal.timeout(waitMs) })
    return status?.allowed === true
  }
  const has = (request: ReviewRequest, right: NeededRight): Promise<boolean> => {
    const spec = questionOf(request, right)
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
    denied: async (request, needed) => {
      const may = await Promise.all(needed.map((right) => has(request, right)))
      return needed.filter((_, index) => may[index] !== true)
    },
  }
}

function questionOf(
  { userName, userUid, userExtra, groups = [], namespace = '' }: ReviewRequest,
  { verb, group, resource: of, name }: NeededRight,
): object {
  return {
    user: userName,
    groups,
    ...(userUid === undefined ? {} : { uid: userUid }),
    ...(userExtra === undefined ? {} : { extra: userExtra }),
    resourceAttributes: { namespace, verb, group, resource: of, ...(name === undefined ? {} : { name }) },
  }
}
