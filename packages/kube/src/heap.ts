/** A binary heap: the least item first, O(log n) to add and to take. */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #less: (a: T, b: T) => boolean

  constructor(less: (a: T, b: T) => boolean) {
    this.#less = less
  }

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let at = items.length
    items.push(item)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = items[parent]
      if (above === undefined || !this.#less(item, above)) break
      items[at] = above
      at = parent
    }
    items[at] = item
  }

  pop(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (last === undefined || items.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      const left = items[child]
      if (left === undefined) break
      const right = items[child + 1]
      let least = left
      if (right !== undefined && this.#less(right, left)) {
        child += 1
        least = right
      }
      if (!this.#less(least, last)) break
      items[at] = least
      at = child
    }
    items[at] = last
    return first
  }
}
