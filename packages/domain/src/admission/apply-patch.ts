/** RFC 6902 as far as our own patches go: members of objects, and items that are there. */
import type { PatchOperation, ReviewedObject } from './verdict.ts'

/** The object with the patch applied; the given one stays as it is. @throws Error for a patch that does not fit the object */
export function applyPatch(object: ReviewedObject, patch: readonly PatchOperation[]): ReviewedObject {
  const result = structuredClone(object)
  for (const operation of patch) {
    const keys = operation.path
      .split('/')
      .slice(1)
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    const last = keys.pop() ?? ''
    let parent: object = result
    for (const key of keys) {
      const next: unknown = Object.hasOwn(parent, key) ? Reflect.get(parent, key) : undefined
      if (typeof next !== 'object' || next === null) throw new Error(`no ${key} on the way to ${operation.path}`)
      parent = next
    }
    if (operation.op !== 'add' && !Object.hasOwn(parent, last)) throw new Error(`${operation.op} of absent ${operation.path}`)
    if (operation.op === 'remove') Reflect.deleteProperty(parent, last)
    else Reflect.set(parent, last, operation.value)
  }
  return result
}
