/**
 * What an object makes MNEMOS do for its author: use a Secret, make Jobs, move a Model. Whoever writes it must be allowed to do that, or
 * MNEMOS would do it for somebody who may not.
 *
 * A Model whose source changes is asked about anew, even if it names the same Secret: its credentials would go somewhere else. So is a
 * Pipeline whose spec changes, and a run that puts another image or Model in the place of the one that the Pipeline's author chose.
 */
import { about, group, jobKind, modelKind, type Path, pipelineRunKind } from '@mnemos/api'
import { jobTypes, type StepType, typeOf } from '../pipelines/step.ts'
import { fieldOf, isSameJson, itemsOf, textOf } from '../reading.ts'
import { refusalOf, unavailable } from './refusal.ts'
import type { ReviewContext, ReviewRequest, Verdict } from './verdict.ts'

/** A right in the namespace of the object that needs it. */
export interface NeededRight {
  readonly verb: 'get' | 'create' | 'patch'
  readonly group: string
  /** Plural, e.g. `secrets`. */
  readonly resource: string
  /** The one object that it is about; any when absent. */
  readonly name?: string
  /** What in the object needs it. */
  readonly path: Path
}

/** Rights that the request needs anew; none for our own processes, whose objects follow from ones that were asked about. */
export function newlyNeededRights(request: ReviewRequest, { trustedUsers }: Pick<ReviewContext, 'trustedUsers'>): readonly NeededRight[] {
  const { stage, operation, kind, object, userName } = request
  if (stage !== 'validate' || (operation !== 'CREATE' && operation !== 'UPDATE') || trustedUsers.has(userName)) return []
  if (operation === 'UPDATE' && object?.metadata.deletionTimestamp !== undefined) return []
  return rightsByKind[kind]?.(request) ?? []
}

const rightsByKind: Readonly<Partial<Record<string, (request: ReviewRequest) => readonly NeededRight[]>>> = {
  Model: ofSource,
  WorkerPool: ofPods,
  Pipeline: ofSteps,
  PipelineRun: ofOverrides,
}

/** The refusal, for the rights that the user has not. */
export function withoutRight(request: ReviewRequest, verdict: Verdict, denied: readonly NeededRight[]): Verdict {
  const { namespace = '' } = request
  const findings = denied.map(({ verb, resource, name, path }) =>
    name === undefined
      ? about(
          path,
          'forbidden',
          `you may not ${verb} ${resource} in namespace ${namespace}, so nothing may do it for you`,
          'have somebody who may make this change, or ask for that right',
        )
      : about(
          path,
          'forbidden',
          `you may not get Secret "${name}" of namespace ${namespace}, so nothing may use it for you`,
          'have somebody who may get it make this change, or ask for the right to get it',
        ),
  )
  const isOfSecrets = denied.every(({ name }) => name !== undefined)
  const status = refusalOf(request, findings, isOfSecrets ? 'names Secrets that you may not read' : 'does what you may not do yourself')
  return { ...verdict, allowed: false, status, warnings: [], findings, rateLimits: [] }
}

/** The answer while nobody says what the user may do. */
export function rightUnknown(request: ReviewRequest, verdict: Verdict): Verdict {
  const status = unavailable(request, 'cannot be judged now: the API server did not say whether you may do what it does for you; try again')
  return { ...verdict, allowed: false, status, warnings: [], rateLimits: [] }
}

function ofSource({ object, oldObject }: ReviewRequest): readonly NeededRight[] {
  const source = fieldOf(object?.spec, 'source')
  const name = textOf(fieldOf(fieldOf(source, 'secretRef'), 'name'))
  if (name === undefined || isSameJson(source, fieldOf(oldObject?.spec, 'source'))) return []
  return [secret(name, ['spec', 'source', 'secretRef', 'name'])]
}

function ofPods({ object, oldObject }: ReviewRequest): readonly NeededRight[] {
  const secretsOf = (spec: unknown): readonly unknown[] => itemsOf(fieldOf(fieldOf(spec, 'podTemplate'), 'imagePullSecrets'))
  const before = new Set(secretsOf(oldObject?.spec).map((each) => textOf(fieldOf(each, 'name'))))
  return secretsOf(object?.spec).flatMap((each, index) => {
    const name = textOf(fieldOf(each, 'name'))
    return name === undefined || before.has(name) ? [] : [secret(name, ['spec', 'podTemplate', 'imagePullSecrets', index, 'name'])]
  })
}

const secret = (name: string, path: Path): NeededRight => ({ verb: 'get', group: '', resource: 'secrets', name, path })
const right = (verb: NeededRight['verb'], resource: string, path: Path): NeededRight => ({ verb, group, resource, path })

/** One question for each right, about the first step that needs it. */
function ofSteps({ object, oldObject }: ReviewRequest): readonly NeededRight[] {
  if (isSameJson(object?.spec, oldObject?.spec)) return []
  const steps = (['steps', 'finally'] as const).flatMap((list) =>
    itemsOf(fieldOf(object?.spec, list)).map((step, index) => ({ step, path: ['spec', list, index] })),
  )
  const first = (...types: readonly StepType[]): Path | undefined =>
    steps.flatMap(({ step, path }) => {
      const type = typeOf(step)
      return type !== undefined && types.includes(type) ? [[...path, type]] : []
    })[0]
  const [work, call, publish] = [first(...jobTypes), first('pipeline'), first('publish')]
  return [
    ...(work === undefined ? [] : [right('create', jobKind.plural, work)]),
    ...(call === undefined ? [] : [right('create', pipelineRunKind.plural, call)]),
    ...(publish === undefined ? [] : [right('create', modelKind.plural, publish), right('patch', modelKind.plural, publish)]),
  ]
}

function ofOverrides({ object, oldObject }: ReviewRequest): readonly NeededRight[] {
  const overrides = fieldOf(object?.spec, 'overrides')
  if (itemsOf(overrides).length === 0 || isSameJson(overrides, fieldOf(oldObject?.spec, 'overrides'))) return []
  return [right('create', jobKind.plural, ['spec', 'overrides'])]
}
