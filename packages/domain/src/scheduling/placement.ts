/**
 * Which waiting Job goes to which Worker: an index in memory over what waits and what is free.
 *
 * Jobs that any Worker would treat alike (same namespace, engine, model) form a class with a heap of its own; an admission
 * looks at the head of each class only, so its cost does not grow with the queue. Priority goes first, then age. Among
 * Workers the one that has the model loaded wins, then cached, then the one with the most free slots.
 *
 * Holds no truth: everything in here follows from the Jobs and the Workers that are connected, and is rebuilt from them.
 */
import type { Priority } from '@mnemos/api'
import { ClassLine, type Line } from './placement-line.ts'

export interface Demand {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly priority: Priority
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly engine: string
  /** Digest of the model; undefined for work that needs none. */
  readonly digest: string | undefined
  /** The pool that keeps its model, `<namespace>/<name>`: gone to first, and left out if another has room sooner. */
  readonly preferredPool?: string | undefined
  /** Only this pool will do. */
  readonly requiredPool?: string | undefined
}

export interface WorkerSlots {
  readonly name: string
  readonly instance: string
  /** `<namespace>/<name>` of its WorkerPool. */
  readonly pool?: string
  readonly engines: readonly string[]
  readonly slots: number
  /** Takes new work: connected, fresh, not draining. */
  readonly accepting: boolean
  readonly models: ReadonlyMap<string, 'Cached' | 'Loaded'>
  readonly mayServe: (namespace: string) => boolean
}

export interface Reservation {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly worker: { readonly name: string; readonly instance: string }
}

interface WorkerState {
  slots: WorkerSlots
  /** UIDs of Jobs that hold a slot: reserved for, scheduled to or running on this Worker. */
  readonly holders: Set<string>
}

interface Reserved extends Reservation {
  readonly demand: Demand
}

/** Places are told to the first hundred in line only: whoever is further back is not next, whatever the number. */
export const placesTold = 100

export class Placement {
  readonly #workers = new Map<string, WorkerState>()
  readonly #lines = new Map<string, ClassLine>()
  readonly #waiting = new Map<string, Demand>()
  readonly #reserved = new Map<string, Reserved>()
  /** Worker name by UID of a Job that has an attempt out. */
  readonly #occupied = new Map<string, string>()

  /** Puts a Job in line. One that is in line already moves when its priority or its model changed; one that has a slot keeps it. */
  enqueue(demand: Demand): void {
    if (this.#reserved.has(demand.uid) || this.#occupied.has(demand.uid)) return
    const known = this.#waiting.get(demand.uid)
    if (known !== undefined) {
      if (known.priority === demand.priority && classOf(known) === classOf(demand)) return
      this.#lineOf(known).remove(known.uid)
    }
    this.#waiting.set(demand.uid, demand)
    this.#lineOf(demand).add(demand)
  }

  /** Takes a Job out of line and gives back what was reserved for it. */
  withdraw(uid: string): void {
    const demand = this.#waiting.get(uid)
    if (demand !== undefined) {
      this.#waiting.delete(uid)
      this.#lineOf(demand).remove(uid)
    }
    const reserved = this.#reserved.get(uid)
    if (reserved === undefined) return
    this.#reserved.delete(uid)
    this.#workers.get(reserved.worker.name)?.holders.delete(uid)
  }

  /** The Job has an attempt out on this Worker. */
  occupy(uid: string, worker: string): void {
    if (this.#occupied.get(uid) === worker) return
    this.withdraw(uid)
    this.vacate(uid)
    this.#occupied.set(uid, worker)
    this.#workers.get(worker)?.holders.add(uid)
  }

  /** The Job's attempt is over; a reservation for its next one stays. */
  vacate(uid: string): void {
    const worker = this.#occupied.get(uid)
    if (worker === undefined) return
    this.#occupied.delete(uid)
    this.#workers.get(worker)?.holders.delete(uid)
  }

  /** A Worker connected or changed. What was reserved on a process that takes no more work goes back in line. */
  setWorker(slots: WorkerSlots): void {
    const known = this.#workers.get(slots.name)
    if (known === undefined) {
      const holders = new Set([...this.#occupied].filter(([, worker]) => worker === slots.name).map(([uid]) => uid))
      this.#workers.set(slots.name, { slots, holders })
      return
    }
    if (known.slots.instance !== slots.instance || !slots.accepting) this.#releaseReservations(known)
    known.slots = slots
  }

  removeWorker(name: string): void {
    const known = this.#workers.get(name)
    if (known === undefined) return
    this.#releaseReservations(known)
    this.#workers.delete(name)
  }

  reservationOf(uid: string): Reservation | undefined {
    return this.#reserved.get(uid)
  }

  /** Reserves a slot for every Job that fits, best first. Returns the new reservations. */
  place(): Reservation[] {
    const made: Reservation[] = []
    for (let next = this.#best(); next !== undefined; next = this.#best()) {
      const { demand, state } = next
      this.#waiting.delete(demand.uid)
      this.#lineOf(demand).remove(demand.uid)
      const { name, instance } = state.slots
      const reservation = { uid: demand.uid, namespace: demand.namespace, name: demand.name, worker: { name, instance } }
      state.holders.add(demand.uid)
      this.#reserved.set(demand.uid, { ...reservation, demand })
      made.push(reservation)
    }
    return made
  }

  /** Where a Job stands, how many Workers that take work could take it, and how many there are. */
  standing(demand: Demand): { position: number | undefined; capable: number; connected: number } {
    let capable = 0
    let connected = 0
    for (const { slots } of this.#workers.values()) {
      if (!slots.accepting) continue
      connected += 1
      if (canRun(slots, demand)) capable += 1
    }
    return { position: this.#positionOf(demand), capable, connected }
  }

  /** Jobs in line. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Jobs that hold a slot of this Worker. */
  holders(worker: string): ReadonlySet<string> {
    return this.#workers.get(worker)?.holders ?? new Set()
  }

  #releaseReservations({ holders }: WorkerState): void {
    for (const uid of holders) {
      const reserved = this.#reserved.get(uid)
      if (reserved === undefined) continue
      holders.delete(uid)
      this.#reserved.delete(uid)
      this.enqueue(reserved.demand)
    }
  }

  #positionOf(demand: Demand): number | undefined {
    if (!this.#waiting.has(demand.uid)) return undefined
    let position = 1
    for (const line of this.#lines.values()) {
      position += line.ahead(demand)
      if (position > placesTold) return undefined
    }
    return position
  }

  #best(): { demand: Demand; state: WorkerState } | undefined {
    const free = [...this.#workers.values()].filter(({ slots, holders }) => slots.accepting && holders.size < slots.slots)
    if (free.length === 0) return undefined
    let best: { demand: Demand; state: WorkerState } | undefined
    for (const line of this.#lines.values()) {
      const demand = line.head()
      if (demand === undefined || (best !== undefined && !goesBefore(demand, best.demand))) continue
      const state = bestWorker(free, demand)
      if (state !== undefined) best = { demand, state }
    }
    return best
  }

  #lineOf(demand: Demand): Line {
    const id = classOf(demand)
    const known = this.#lines.get(id)
    if (known !== undefined) return known
    const made = new ClassLine(goesBefore, () => this.#lines.delete(id))
    this.#lines.set(id, made)
    return made
  }
}

/** The engine of work that needs none. */
export const anyEngine = 'any'

const rank: Readonly<Record<Priority, number>> = { critical: 0, high: 1, normal: 2, low: 3 }

/** Jobs of one class are the same to every Worker. */
function classOf({ namespace, engine, digest, preferredPool, requiredPool }: Demand): string {
  return [namespace, engine, digest, preferredPool, requiredPool].join(' ')
}

/** Priority, then age, then UID, so that the order is total. */
export function goesBefore(a: Demand, b: Demand): boolean {
  if (rank[a.priority] !== rank[b.priority]) return rank[a.priority] < rank[b.priority]
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt
  return a.uid < b.uid
}

function canRun(slots: WorkerSlots, demand: Demand): boolean {
  if (demand.requiredPool !== undefined && slots.pool !== demand.requiredPool) return false
  return (demand.engine === anyEngine || slots.engines.includes(demand.engine)) && slots.mayServe(demand.namespace)
}

function bestWorker(free: readonly WorkerState[], demand: Demand): WorkerState | undefined {
  let best: WorkerState | undefined
  let bestScore = -1
  for (const state of free) {
    if (!canRun(state.slots, demand)) continue
    const score = affinity(state.slots, demand) + (state.slots.slots - state.holders.size) / state.slots.slots
    if (score > bestScore) {
      best = state
      bestScore = score
    }
  }
  return best
}

function affinity({ models, pool }: WorkerSlots, { digest, preferredPool }: Demand): number {
  const home = preferredPool !== undefined && pool === preferredPool ? 8 : 0
  const state = digest === undefined ? undefined : models.get(digest)
  return home + (state === 'Loaded' ? 4 : state === 'Cached' ? 2 : 0)
}
