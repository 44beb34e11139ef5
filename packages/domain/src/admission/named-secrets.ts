/**
 * Secrets that an object makes MNEMOS use: whoever names one must be allowed to read it, or MNEMOS would use it for somebody who may not.
 *
 * A Model whose source changes is asked about anew, even if it names the same Secret: its credentials would go somewhere else.
 */
import { about, type Path } from '@mnemos/api'
import { fieldOf, isSameJson, itemsOf, textOf } from '../reading.ts'
import { refusalOf, unavailable } from './refusal.ts'
import type { ReviewContext, ReviewRequest, Verdict } from './verdict.ts'

/** A Secret in the namespace of the object that names it. */
export interface NamedSecret {
  readonly name: string
  /** Where the object names it. */
  readonly path: Path
}

/** Secrets that the request makes use of anew; none for our own processes, whose objects follow from ones that were asked about. */
export function newlyNamedSecrets(request: ReviewRequest, { trustedUsers }: Pick<ReviewContext, 'trustedUsers'>): readonly NamedSecret[] {
  const { stage, operation, kind, object, userName } = request
  if (stage !== 'validate' || (operation !== 'CREATE' && operation !== 'UPDATE') || trustedUsers.has(userName)) return []
  if (operation === 'UPDATE' && object?.metadata.deletionTimestamp !== undefined) return []
  if (kind === 'Model') return ofSource(request)
  return kind === 'WorkerPool' ? ofPods(request) : []
}

/** The refusal, for the Secrets that may not be read. */
export function withoutRight(request: ReviewRequest, verdict: Verdict, denied: readonly NamedSecret[]): Verdict {
  const findings = denied.map(({ name, path }) =>
    about(
      path,
      'forbidden',
      `you may not get Secret "${name}" of namespace ${request.namespace ?? ''}, so nothing may use it for you`,
      'have somebody who may get it make this change, or ask for the right to get it',
    ),
  )
  const status = refusalOf(request, findings, 'names Secrets that you may not read')
  return { ...verdict, allowed: false, status, warnings: [], findings, rateLimits: [] }
}

/** The answer while nobody says what the user may do. */
export function rightUnknown(request: ReviewRequest, verdict: Verdict): Verdict {
  const status = unavailable(
    request,
    'cannot be judged now: the API server did not say whether you may get the Secrets that it names; try again',
  )
  return { ...verdict, allowed: false, status, warnings: [], rateLimits: [] }
}

function ofSource({ object, oldObject }: ReviewRequest): readonly NamedSecret[] {
  const source = fieldOf(object?.spec, 'source')
  const name = textOf(fieldOf(fieldOf(source, 'secretRef'), 'name'))
  if (name === undefined || isSameJson(source, fieldOf(oldObject?.spec, 'source'))) return []
  return [{ name, path: ['spec', 'source', 'secretRef', 'name'] }]
}

function ofPods({ object, oldObject }: ReviewRequest): readonly NamedSecret[] {
  const secretsOf = (spec: unknown): readonly unknown[] => itemsOf(fieldOf(fieldOf(spec, 'podTemplate'), 'imagePullSecrets'))
  const before = new Set(secretsOf(oldObject?.spec).map((each) => textOf(fieldOf(each, 'name'))))
  return secretsOf(object?.spec).flatMap((each, index) => {
    const name = textOf(fieldOf(each, 'name'))
    return name === undefined || before.has(name) ? [] : [{ name, path: ['spec', 'podTemplate', 'imagePullSecrets', index, 'name'] }]
  })
}
