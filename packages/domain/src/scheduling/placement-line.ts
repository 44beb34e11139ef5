/**
 * The line of one class of Jobs: a heap with lazy removal, which forgets itself when it is empty.
 *
 * Adding and removing cost O(log n); the head is found in O(log n) over all calls.
 */
import type { Demand } from './placement.ts'

export interface Line {
  add(demand: Demand): void
  remove(uid: string): void
}

/** Counting who goes first stops here; further back only "far" is known. */
const maxCounted = 128
/** Entries of Jobs that left may stay in the heap up to this many more than there are members twice. */
const maxStale = 64

export class ClassLine implements Line {
  readonly #heap: Demand[] = []
  readonly #members = new Map<string, Demand>()
  readonly #before: (a: Demand, b: Demand) => boolean
  readonly #onEmpty: () => void

  constructor(before: (a: Demand, b: Demand) => boolean, onEmpty: () => void) {
    this.#before = before
    this.#onEmpty = onEmpty
  }

  add(demand: Demand): void {
    this.#members.set(demand.uid, demand)
    if (this.#heap.length > 2 * this.#members.size + maxStale) this.#rebuild()
    else this.#push(demand)
  }

  remove(uid: string): void {
    this.#members.delete(uid)
    if (this.#members.size === 0) this.#onEmpty()
  }

  head(): Demand | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (this.#members.get(first.uid) === first) return first
      this.#pop()
    }
    return undefined
  }

  /** How many of this line go before the Job: exact among the first 128 that came, everybody beyond. */
  ahead(demand: Demand): number {
    let count = 0
    let seen = 0
    for (const member of this.#members.values()) {
      if (seen === maxCounted) return count === seen ? this.#members.size : count
      seen += 1
      if (this.#before(member, demand)) count += 1
    }
    return count
  }

  #rebuild(): void {
    this.#heap.length = 0
    for (const member of this.#members.values()) this.#push(member)
  }

  #push(item: Demand): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(item)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent]
      if (above === undefined || !this.#before(item, above)) break
      heap[at] = above
      at = parent
    }
    heap[at] = item
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      const left = heap[child]
      if (left === undefined) break
      const right = heap[child + 1]
      let least = left
      if (right !== undefined && this.#before(right, left)) {
        child += 1
        least = right
      }
      if (!this.#before(least, last)) break
      heap[at] = least
      at = child
    }
    heap[at] = last
  }
}
