/**
 * A controller: which objects it looks after, what wakes it, and its three moves observe → decide → carryOut.
 *
 * Guarantees of one reconciliation: it works on the newest object in the cache; it does not act before the cache holds
 * what it wrote itself last (read-your-writes), because the change that brings it in wakes the key again; a conflict
 * means deciding anew, never writing again what was decided before.
 */
import { type CarryOutContext, carryOut } from './carry-out.ts'
import { isRefusal, type KubeError } from './errors.ts'
import type { Next, Plan } from './plan.ts'
import type { Change } from './reflector.ts'
import { compareResourceVersions, type KubeObject, keyOf, nameOfKey, type ObjectName, type Resource } from './types.ts'

/** Reads of the shared caches. */
export interface Reader {
  get<T extends KubeObject>(resource: Resource<T>, name: ObjectName): Readonly<T> | undefined
  list<T extends KubeObject>(resource: Resource<T>): readonly Readonly<T>[]
  byIndex<T extends KubeObject>(resource: Resource<T>, index: string, value: string): readonly Readonly<T>[]
}

/** Which keys of a controller a change of another resource wakes. */
export interface Wake {
  readonly resource: Resource
  readonly keys: (change: Change<KubeObject>, reader: Reader) => readonly string[]
}

/** Wakes the keys that `keys` names at each change of `resource`. */
export function onChange<T extends KubeObject>(
  resource: Resource<T>,
  keys: (change: Change<T>, reader: Reader) => readonly string[],
): Wake {
  // The informer of this resource delivers only its own type.
  return { resource, keys: (change, reader) => keys(change as Change<T>, reader) }
}

export interface ControllerSpec<T extends KubeObject, World, Status, Effect> {
  /** Default: the resource's plural. */
  readonly name?: string
  /** Children: a change of one wakes its controlling owner. */
  readonly owns?: readonly Resource[]
  readonly wakes?: readonly Wake[]
  /** Reads only. */
  readonly observe: (reader: Reader, object: Readonly<T>) => World | Promise<World>
  /** Pure and total. @param now milliseconds since 1970 */
  readonly decide: (world: World, now: number) => Plan<Status, Effect>
  /** Does what a plan's effects say, after all its writes. */
  readonly perform?: (effect: Effect, signal: AbortSignal) => Promise<void> | void
  /**
   * Called after each plan: with what the API server refused, when trying again as it is would be refused again; else without.
   * So that the next observation may know why nothing comes about.
   */
  readonly carriedOut?: (object: Readonly<T>, refusal: KubeError | undefined) => void
  /**
   * Called for each child that the API server does not take as it is, and the key is looked at again: the next observation should know.
   * Absent: a refusal ends the pass, see `carriedOut`.
   */
  readonly refused?: (object: Readonly<T>, child: KubeObject, refusal: KubeError) => void
  /** Called when the object of a key is gone. */
  readonly absent?: (name: ObjectName) => void
  /** How long changes of children are gathered before their owner's key is worked on, in milliseconds; default 0. */
  readonly settleMs?: (key: string) => number
  /** Keys worked on at once; default 1. */
  readonly concurrency?: number
  /** Higher goes first; default 0. */
  readonly priority?: (object: Readonly<T>) => number
}

/** A controller whose types are hidden, so that a runtime can hold many. */
export interface Controller {
  readonly name: string
  readonly resource: Resource
  readonly owns: readonly Resource[]
  readonly wakes: readonly Wake[]
  readonly concurrency: number
  priorityOf(object: KubeObject): number
  settleMs(key: string): number
  /** One pass over a key. Undefined: the key waits for its next change. */
  reconcile(key: string, pass: Pass): Promise<Next | undefined>
}

/** What one pass may use. */
export interface Pass extends Omit<CarryOutContext<never>, 'perform' | 'refused'> {
  readonly reader: Reader
}

const atOnce: Next = { kind: 'after', seconds: 0 }

export function controller<T extends KubeObject, World, Status, Effect = never>(
  resource: Resource<T>,
  spec: ControllerSpec<T, World, Status, Effect>,
): Controller {
  /** Versions of our own last writes that the cache has yet to reach. */
  const floors = new Map<string, { readonly uid: string | undefined; readonly version: string }>()
  const isBehind = (key: string, { metadata: { uid, resourceVersion = '' } }: Readonly<T>): boolean => {
    const floor = floors.get(key)
    if (floor === undefined) return false
    if (floor.uid === uid && compareResourceVersions(resourceVersion, floor.version) < 0) return true
    floors.delete(key)
    return false
  }
  return {
    name: spec.name ?? resource.plural,
    resource,
    owns: spec.owns ?? [],
    wakes: spec.wakes ?? [],
    concurrency: spec.concurrency ?? 1,
    priorityOf: (object) => spec.priority?.(object as T) ?? 0,
    settleMs: (key) => spec.settleMs?.(key) ?? 0,
    reconcile: async (key, pass) => {
      const object = pass.reader.get(resource, nameOfKey(key))
      if (object === undefined) {
        floors.delete(key)
        spec.absent?.(nameOfKey(key))
        return undefined
      }
      if (isBehind(key, object)) return undefined
      const world = await spec.observe(pass.reader, object)
      const plan = spec.decide(world, pass.now())
      const refusals: KubeError[] = []
      const refused = (child: KubeObject, refusal: KubeError): void => {
        refusals.push(refusal)
        spec.refused?.(object, child, refusal)
      }
      const context: CarryOutContext<Effect> = {
        ...pass,
        ...(spec.perform === undefined ? {} : { perform: spec.perform }),
        ...(spec.refused === undefined ? {} : { refused }),
      }
      const written = await carryOut(context, resource, object, plan).catch((error: unknown) => {
        if (isRefusal(error)) spec.carriedOut?.(object, error)
        throw error
      })
      spec.carriedOut?.(object, undefined)
      if (written !== undefined) floors.set(key, { uid: written.metadata.uid, version: written.metadata.resourceVersion ?? '' })
      return refusals.length > 0 ? atOnce : plan.next
    },
  }
}

/** The key of the owner that controls the object of a change, if it is of this resource. */
export function ownerKey(change: Change<KubeObject>, owner: Pick<Resource, 'kind' | 'group' | 'namespaced'>): string | undefined {
  const { metadata } = change.object
  const found = metadata.ownerReferences?.find(
    (each) =>
      each.controller === true && each.kind === owner.kind && each.apiVersion.split('/')[0] === (owner.group === '' ? 'v1' : owner.group),
  )
  if (found === undefined) return undefined
  return keyOf({ name: found.name, ...(owner.namespaced && metadata.namespace !== undefined ? { namespace: metadata.namespace } : {}) })
}
