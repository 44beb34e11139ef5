/** JSON Pointers (RFC 6901). */

/** The pointer that goes one step further. */
export function below(pointer: string, key: string | number): string {
  return `${pointer}/${typeof key === 'number' ? key : key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/** The keys of a pointer; undefined when it is none. */
export function keysOf(pointer: string): readonly string[] | undefined {
  if (pointer === '') return []
  if (!pointer.startsWith('/')) return undefined
  return pointer
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** What a pointer names; undefined when there is nothing. */
export function valueAt(document: unknown, pointer: string): unknown {
  let value = document
  for (const key of keysOf(pointer) ?? ['']) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

/** The pointer to any name, or any index, within. */
export function anyBelow(pointer: string): string {
  return `${pointer}/*`
}
