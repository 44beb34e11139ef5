/**
 * Carries out a plan: the one place that writes for every controller.
 *
 * Flow: status (compare-and-swap) → children → changes (by UID) → removals (after a live read, by UID) → events → effects.
 * Guarantees: stopping after any step and starting over from a fresh observation ends the same, because children have
 * names that follow from their parent, applying twice is applying once, and a removal names the UID. A 409 is thrown, never
 * overcome: the caller decides anew from the changed object.
 */
import { type Client, replacing } from './client.ts'
import { type Condition, withConditions } from './conditions.ts'
import { isAlreadyExists, isNotFound, isRefusal, KubeError } from './errors.ts'
import type { EventRecorder } from './events.ts'
import { controllerOf } from './owners.ts'
import type { ObjectPatch, Plan, Removal } from './plan.ts'
import { apiVersionOf, type KubeObject, type Resource, type UntypedObject } from './types.ts'

export interface CarryOutContext<Effect> {
  readonly client: Client
  /** Field manager of applied children. */
  readonly fieldManager: string
  /** Every resource that plans may name in `apply`, `create` and `remove`. */
  readonly resources: readonly Resource[]
  readonly recorder?: EventRecorder
  readonly perform?: (effect: Effect, signal: AbortSignal) => Promise<void> | void
  /** Told of each child, and of each change that asks for it, that the API server does not take; the rest is done all the same. Absent: that ends the plan. */
  readonly refused?: (child: KubeObject, refusal: KubeError) => void
  readonly signal: AbortSignal
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/**
 * Carries the plan for `object` out and returns the object as the status write returned it, or undefined when none was needed.
 * @throws KubeError of the first write that was refused
 */
export async function carryOut<T extends KubeObject, Status, Effect>(
  context: CarryOutContext<Effect>,
  resource: Resource<T>,
  object: T,
  plan: Plan<Status, Effect>,
): Promise<T | undefined> {
  const { client, signal } = context
  let written: T | undefined
  const status = wholeStatus(object, plan, context.now())
  if (status !== undefined && statusDiffers(object, status)) written = await client.patchStatus(resource, object, status, { signal })
  for (const child of plan.apply) await applyOwn(context, child)
  await createAll(context, plan.create ?? [])
  for (const change of plan.patch ?? []) await changeExactly(context, change)
  for (const removal of plan.remove) await removeExactly(context, removal)
  for (const note of plan.events) await context.recorder?.record(object, note)
  for (const effect of plan.effects ?? []) await context.perform?.(effect, signal)
  return written
}

/** The status of a plan with its conditions and the generation that it judges. */
function wholeStatus<Status, Effect>(object: KubeObject, { status, conditions }: Plan<Status, Effect>, now: number): object | undefined {
  if (typeof status !== 'object' || status === null) return undefined
  if (conditions === undefined) return status
  const generation = object.metadata.generation ?? 0
  const before = statusOf(object)
  const previous =
    typeof before === 'object' && before !== null && 'conditions' in before ? (before.conditions as readonly Condition[]) : []
  return { ...status, conditions: withConditions(previous, conditions, { generation, now }), observedGeneration: generation }
}

function statusOf(object: KubeObject): unknown {
  return 'status' in object ? object.status : undefined
}

/** Whether writing this status would change the object. */
export function statusDiffers(object: KubeObject, status: unknown): boolean {
  if (typeof status !== 'object' || status === null) return false
  return !isNothing(replacing(statusOf(object), status), statusOf(object))
}

/** Whether a merge patch leaves `before` as it is. */
function isNothing(patch: unknown, before: unknown): boolean {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return isSame(patch ?? undefined, before)
  const old = typeof before === 'object' && before !== null ? (before as Record<string, unknown>) : undefined
  if (old === undefined) return false
  return Object.entries(patch).every(([key, value]) => isNothing(value, old[key]))
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, at) => isSame(item, b[at]))
  const left = Object.entries(a).filter(([, value]) => value !== undefined)
  const right = new Map(Object.entries(b).filter(([, value]) => value !== undefined))
  return left.length === right.size && left.every(([key, value]) => right.has(key) && isSame(value, right.get(key)))
}

/** An object of this name that somebody else controls is not taken over. */
async function applyOwn<Effect>(context: CarryOutContext<Effect>, child: KubeObject): Promise<void> {
  const { client, fieldManager, signal } = context
  const resource = resourceOf(context, child)
  const owner = controllerOf(child)?.uid
  const existing = owner === undefined ? undefined : await client.get(resource, child.metadata, { signal })
  if (existing !== undefined && controllerOf(existing)?.uid !== owner) throw notOurs(child)
  await client.apply(resource, child, { fieldManager, force: true, signal })
}

/** More requests in flight make a small API server slower, not faster. */
const createsInFlight = 16

/** Creates children side by side, so that a thousand take as long as the API server needs for them. @throws the first trouble, after the others ended */
async function createAll<Effect>(context: CarryOutContext<Effect>, children: readonly KubeObject[]): Promise<void> {
  const troubles: unknown[] = []
  let next = 0
  const lane = async (): Promise<void> => {
    for (let child = children[next++]; child !== undefined && troubles.length === 0; child = children[next++]) {
      try {
        await createOnce(context, child)
      } catch (error) {
        if (isRefusal(error) && context.refused !== undefined) context.refused(child, error)
        else troubles.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(createsInFlight, children.length) }, lane))
  if (troubles.length > 0) throw troubles[0]
}

/** Changes the object only if it still is the one that was meant. @throws KubeError 409 when it is another, or in another version */
async function changeExactly<Effect>(context: CarryOutContext<Effect>, change: ObjectPatch): Promise<void> {
  const { client, signal, refused } = context
  const { uid, resourceVersion, patch, tellsRefusal = false, ...of } = change
  const metadata = { ...asMembers(patch['metadata']), uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) }
  try {
    await client.patch(resourceOf(context, of), of, { ...patch, metadata }, { signal })
  } catch (error) {
    if (isNotFound(error)) return
    if (!tellsRefusal || refused === undefined || !isRefusal(error)) throw error
    const { apiVersion, kind, ...name } = of
    refused({ apiVersion, kind, metadata: name }, error)
  }
}

function asMembers(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {}
}

async function createOnce<Effect>(context: CarryOutContext<Effect>, child: KubeObject): Promise<void> {
  const { client, signal } = context
  const resource = resourceOf(context, child)
  try {
    await client.create(resource, child, { signal, fieldManager: context.fieldManager })
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    const existing = await client.get(resource, child.metadata, { signal })
    if (existing === undefined || controllerOf(existing)?.uid === controllerOf(child)?.uid) return
    throw notOurs(child, error)
  }
}

function notOurs({ kind, metadata: { name } }: KubeObject, cause?: unknown): KubeError {
  const message = `${kind} ${name} exists already and belongs to somebody else; rename one of the two`
  return new KubeError(message, { status: 409, reason: 'NotOurs', ...(cause === undefined ? {} : { cause }) })
}

/** Deletes the object only if it still is the one that was meant. */
async function removeExactly<Effect>(context: CarryOutContext<Effect>, removal: Removal): Promise<void> {
  const resource = resourceOf(context, removal)
  const live = await context.client.get<UntypedObject>(resource as Resource<UntypedObject>, removal, { signal: context.signal })
  if (live?.metadata.uid !== removal.uid || live.metadata.deletionTimestamp !== undefined) return
  const grace = removal.graceSeconds === undefined ? {} : { graceSeconds: removal.graceSeconds }
  await context.client.delete(resource, removal, { uid: removal.uid, signal: context.signal, ...grace })
}

function resourceOf(
  { resources }: Pick<CarryOutContext<never>, 'resources'>,
  { apiVersion, kind }: { apiVersion: string; kind: string },
): Resource {
  const found = resources.find((each) => each.kind === kind && apiVersionOf(each) === apiVersion)
  if (found === undefined) throw new TypeError(`the plan names ${apiVersion} ${kind}, which this controller did not declare`)
  return found
}
