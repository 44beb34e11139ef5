/**
 * The shapes of the Kubernetes API that every part of this package speaks: objects, their metadata, and the resources
 * (group, version, plural) that name a collection. Knows nothing of any particular kind.
 */

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly finalizers?: readonly string[]
  readonly ownerReferences?: readonly OwnerReference[]
  readonly managedFields?: readonly unknown[]
}

export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
}

/** An object whose kind nobody here knows. */
export interface UntypedObject extends KubeObject {
  readonly [field: string]: unknown
}

/** A collection of the API. The type parameter says what its objects look like; nothing of it exists at run time. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  readonly objectType?: T
}

export interface ObjectName {
  readonly namespace?: string
  readonly name: string
}

/** Gives a resource the type of its objects. */
export function resource<T extends KubeObject>(of: Omit<Resource<T>, 'objectType'>): Resource<T> {
  return of
}

/** `group/version`, or `v1` for the core group. */
export function apiVersionOf({ group, version }: Pick<Resource, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`
}

/** `namespace/name`, or `name` for objects of the cluster. */
export function keyOf({ namespace, name }: ObjectName): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}

/** The inverse of `keyOf`. */
export function nameOfKey(key: string): ObjectName {
  const slash = key.indexOf('/')
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/** Compares resource versions as the API server allows since 1.35 (KEP-5504): as whole numbers. */
export function compareResourceVersions(a: string, b: string): number {
  return a.length === b.length ? (a < b ? -1 : a > b ? 1 : 0) : a.length - b.length
}
