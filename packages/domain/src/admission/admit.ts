/**
 * A request through both stages of admission: stamped and rewritten, then judged as it would be stored.
 *
 * The same two reviews that the webhook answers, one after the other, for those who ask about an object without storing it: the
 * command line and the HTTP API. Guarantees: pure and total for objects read by `readReviewed`; nothing is counted under rate
 * limits. Knows no other webhook and no default of the CRD that the policies do not read.
 */
import { fieldOf, textOf } from '../reading.ts'
import { applyPatch } from './apply-patch.ts'
import { review } from './review.ts'
import type { PatchOperation, ReviewContext, ReviewedObject, ReviewRequest, Verdict } from './verdict.ts'

/** The verdict of both stages together. */
export interface Admission extends Omit<Verdict, 'patch'> {
  /** What the first stage would change; empty when nothing, or when the object is refused. */
  readonly patch: readonly PatchOperation[]
  /** The object as it would be stored; of a refused one, as it came. */
  readonly object: ReviewedObject | undefined
}

/** Judges a request as if it were sent to the API server now. */
export function admit(request: Omit<ReviewRequest, 'stage'>, context: ReviewContext): Admission {
  const first = review({ ...request, stage: 'mutate' }, context)
  const { patch = [] } = first
  if (!first.allowed || request.object === undefined) return { ...first, patch: [], object: request.object }
  const object = applyPatch(request.object, patch)
  const second = review({ ...request, stage: 'validate', object }, context)
  const told = { warnings: [...first.warnings, ...second.warnings], violations: [...first.violations, ...second.violations] }
  return second.allowed ? { ...second, ...told, patch, object } : { ...second, ...told, patch: [], object: request.object }
}

/**
 * Reads an object that somebody wrote, with the parts of its metadata that a review looks at; undefined when it is none. Labels and
 * annotations that are no maps of texts are left out, as API servers refuse them before any webhook is asked.
 */
export function readReviewed(value: unknown): ReviewedObject | undefined {
  const [apiVersion, kind, metadata] = ['apiVersion', 'kind', 'metadata'].map((name) => fieldOf(value, name))
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return undefined
  const text = (name: string): string | undefined => textOf(fieldOf(metadata, name))
  const generation = fieldOf(metadata, 'generation')
  return {
    apiVersion,
    kind,
    metadata: {
      name: text('name'),
      generateName: text('generateName'),
      namespace: text('namespace'),
      deletionTimestamp: text('deletionTimestamp'),
      uid: text('uid'),
      labels: textMap(fieldOf(metadata, 'labels')),
      annotations: textMap(fieldOf(metadata, 'annotations')),
      generation: typeof generation === 'number' ? generation : undefined,
    },
    spec: fieldOf(value, 'spec'),
    status: fieldOf(value, 'status'),
  }
}

function textMap(value: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.fromEntries(Object.entries(value).filter(([, each]) => typeof each === 'string'))
}
