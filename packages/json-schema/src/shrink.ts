/** Smaller documents that still show the same thing. */
import { isJsonObject } from './json.ts'

/**
 * Leaves out members and items one after the other, as long as the document still shows it.
 * @param shows asked at most `most` times; answers for the document as it is given already hold
 */
export function shrunk(document: unknown, shows: (smaller: unknown) => boolean, most: number): unknown {
  let left = most
  const holds = (smaller: unknown): boolean => {
    left -= 1
    return left >= 0 && shows(smaller)
  }
  const visit = (value: unknown, put: (inner: unknown) => unknown): unknown => {
    if (Array.isArray(value)) return visitItems(value, put)
    return isJsonObject(value) ? visitMembers(value, put) : value
  }
  const visitMembers = (value: Readonly<Record<string, unknown>>, put: (inner: unknown) => unknown): unknown => {
    let entries = Object.entries(value)
    for (const name of Object.keys(value).toReversed()) {
      const fewer = entries.filter(([each]) => each !== name)
      if (holds(put(Object.fromEntries(fewer)))) entries = fewer
    }
    for (const [name, inner] of entries) {
      const within = (smaller: unknown): [string, unknown][] => entries.map(([each, old]) => [each, each === name ? smaller : old])
      const smaller = visit(inner, (each) => put(Object.fromEntries(within(each))))
      entries = within(smaller)
    }
    return Object.fromEntries(entries)
  }
  const visitItems = (value: readonly unknown[], put: (inner: unknown) => unknown): unknown => {
    let items = value
    for (let at = value.length - 1; at >= 0; at -= 1) {
      const fewer = items.filter((_, index) => index !== at)
      if (holds(put(fewer))) items = fewer
    }
    for (let at = 0; at < items.length; at += 1) {
      const within = (smaller: unknown): unknown[] => items.map((old, index) => (index === at ? smaller : old))
      const smaller = visit(items[at], (each) => put(within(each)))
      items = within(smaller)
    }
    return items
  }
  return visit(document, (inner) => inner)
}
