/** RFC 6902 as far as our patches go (object members only), so that tests see what an API server would store. */
import type { PatchOperation, ReviewedObject } from './verdict.ts'

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
      const next: unknown = Reflect.get(parent, key)
      if (typeof next !== 'object' || next === null) throw new Error(`no ${key} on the way to ${operation.path}`)
      parent = next
    }
    if (operation.op !== 'add' && !Object.hasOwn(parent, last)) throw new Error(`${operation.op} of absent ${operation.path}`)
    if (operation.op === 'remove') Reflect.deleteProperty(parent, last)
    else Reflect.set(parent, last, operation.value)
  }
  return result
}
