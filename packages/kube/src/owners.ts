/** Owner references and finalizers. */
import type { KubeObject, OwnerReference } from './types.ts'

/** A reference that makes the owner the controller of the object that carries it; the object goes when the owner goes. */
export function controllerReference(owner: KubeObject): OwnerReference {
  const { name, uid } = owner.metadata
  if (uid === undefined) throw new TypeError(`${owner.kind} ${name} has no UID; only a stored object can own others`)
  return { apiVersion: owner.apiVersion, kind: owner.kind, name, uid, controller: true, blockOwnerDeletion: false }
}

/** The one owner that controls an object. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true)
}

/** Whether `owner` (this very object, not one of the same name) controls `object`. */
export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  return owner.metadata.uid !== undefined && controllerOf(object)?.uid === owner.metadata.uid
}

/** The finalizers with one more, or undefined when it is there already. */
export function withFinalizer(object: KubeObject, finalizer: string): readonly string[] | undefined {
  const have = object.metadata.finalizers ?? []
  return have.includes(finalizer) ? undefined : [...have, finalizer]
}

/** The finalizers with one less, or undefined when it is not there. */
export function withoutFinalizer(object: KubeObject, finalizer: string): readonly string[] | undefined {
  const have = object.metadata.finalizers ?? []
  return have.includes(finalizer) ? have.filter((each) => each !== finalizer) : undefined
}
