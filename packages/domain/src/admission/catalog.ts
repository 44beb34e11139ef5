/**
 * What admission may know of other objects: the names that exist, as far as a cache has seen them.
 *
 * A cache can be empty or late, so a missing name is only ever a warning, never a refusal (design §2: GitOps applies in
 * any order). A name that the namespace may not use is treated exactly like one that does not exist: the answer must
 * not tell a tenant what another one has.
 */
import type { Priority } from '@mnemos/api'
import type { AppliedSchema } from '../schemas/applied.ts'
import type { KnownPipeline } from './known-pipeline.ts'
import { nearest } from './nearest.ts'

/** Snapshots of names; all members may be asked at any time and never wait. */
export interface Catalog {
  /** Models of `namespace` that Jobs of `from` may use; undefined while unknown. */
  models(namespace: string, from: string): readonly string[] | undefined
  /** WorkerPools of `namespace` that `from` may use; undefined while unknown. */
  pools(namespace: string, from: string): readonly string[] | undefined
  /** Queues that take Jobs of `from`; undefined while unknown. */
  queues(from: string): readonly string[] | undefined
  /** The highest priority that a Queue takes, if it takes Jobs of `from`; undefined while unknown. */
  maxPriority(queue: string, from: string): Priority | undefined
  /** Pipelines of `namespace`; undefined while unknown. */
  pipelines(namespace: string): readonly string[] | undefined
  /** What is known of a Pipeline; undefined when none is known by that name. */
  pipeline(namespace: string, name: string): KnownPipeline | undefined
  /** Schemas that apply to objects of a kind; undefined while unknown: nothing of the kind is admitted then. */
  schemas(kind: string): readonly AppliedSchema[] | undefined
}

/** A catalog that knows nothing, and therefore warns of nothing. */
export const emptyCatalog: Catalog = {
  models: () => undefined,
  pools: () => undefined,
  queues: () => undefined,
  maxPriority: () => undefined,
  pipelines: () => undefined,
  pipeline: () => undefined,
  schemas: () => [],
}

interface Reference {
  readonly name: string
  readonly namespace?: string | undefined
}

/** Warns when no Model of that name may be used from `from`. */
export function modelWarnings(reference: Reference, from: string, catalog: Catalog): readonly string[] {
  const namespace = reference.namespace ?? from
  return absent('Model', { ...reference, namespace }, from, catalog.models(namespace, from))
}

/** Warns when no WorkerPool of that name may be used from `from`. */
export function poolWarnings(reference: Reference, from: string, catalog: Catalog): readonly string[] {
  const namespace = reference.namespace ?? from
  return absent('WorkerPool', { ...reference, namespace }, from, catalog.pools(namespace, from))
}

/** Warns when the namespace has no Pipeline of that name. */
export function pipelineWarnings(name: string, from: string, catalog: Catalog): readonly string[] {
  return absent('Pipeline', { name, namespace: from }, from, catalog.pipelines(from))
}

function absent(kind: string, { name, namespace = '' }: Reference, from: string, names: readonly string[] | undefined): readonly string[] {
  if (names === undefined || names.includes(name)) return []
  const where = namespace === from ? '' : ` in namespace \`${namespace}\` that namespace \`${from}\` may use`
  return [`no ${kind} \`${name}\`${where}${didYouMean(name, names)}`]
}

/** Warns when no such Queue takes Jobs of `from`. `default` needs no object: it is unlimited until somebody configures it. */
export function queueWarnings(name: string, from: string, catalog: Catalog): readonly string[] {
  const names = catalog.queues(from)
  if (name === 'default' || names === undefined || names.includes(name)) return []
  return [`no Queue \`${name}\` that takes Jobs of namespace \`${from}\`${didYouMean(name, ['default', ...names])}`]
}

function didYouMean(name: string, candidates: readonly string[]): string {
  const closest = nearest(name, candidates)
  return closest === undefined ? '' : `; did you mean \`${closest}\`?`
}
