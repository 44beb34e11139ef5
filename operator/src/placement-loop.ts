/**
 * Keeps the placement index in step with Jobs and sessions, and wakes the Jobs that got a slot. One pass serves everything
 * that asked since the last one.
 */
import { type Job, type Model, parseTime, runtimeOf } from '@mnemos/api'
import {
  anyEngine,
  type Demand,
  hasOwnPods,
  isActive,
  isTerminal,
  mayUse,
  type PlacedOn,
  Placement,
  StartRate,
  servingPoolOf,
  type Waiting,
} from '@mnemos/domain'
import type { Change, ObjectName, Reader } from '@mnemos/kube'
import { isControlledBy, keyOf, nameOfKey } from '@mnemos/kube'
import type { Session, SessionLink } from './dispatch/sessions.ts'
import { namespaces, pools, workers } from './resources.ts'

export class PlacementLoop {
  readonly #placement = new Placement()
  readonly #starts = new StartRate()
  readonly #wakeJob: (name: ObjectName) => void
  readonly #monotonic: () => number
  #isDue = false

  constructor(wakeJob: (name: ObjectName) => void, monotonic: () => number) {
    this.#wakeJob = wakeJob
    this.#monotonic = monotonic
  }

  reservationOf(uid: string): PlacedOn | undefined {
    return this.#placement.reservationOf(uid)?.worker
  }

  enqueue(job: Job, model: Model | undefined): void {
    this.#placement.enqueue(demandOf(job, model))
    this.#schedule()
  }

  withdraw(uid: string): void {
    this.#placement.withdraw(uid)
    this.#schedule()
  }

  /** Where a Job stands. @param exact false skips the count for a Job that only just came */
  standing(job: Job, model: Model | undefined, exact: boolean): Waiting {
    const demand = demandOf(job, model)
    const standing = exact ? this.#placement.standing(demand) : { position: 1, capable: 1, connected: 1 }
    return { ...standing, engine: demand.engine, startsPerSecond: this.#starts.perSecond(this.#monotonic()) }
  }

  /** The truth about slots: who has an attempt out holds one. */
  jobChanged({ type, object }: Change<Job>): void {
    // Its pod is its worker.
    if (hasOwnPods(object)) return
    const uid = object.metadata.uid ?? ''
    if (type !== 'deleted' && isActive(object)) {
      if (object.status?.worker !== undefined) this.#placement.occupy(uid, object.status.worker.name)
      return
    }
    this.#placement.vacate(uid)
    if (type === 'deleted' || isTerminal(object)) this.#placement.withdraw(uid)
    this.#schedule()
  }

  /** A session opened, closed, or changed; also to be called when its Worker or pool changes. */
  workerChanged(session: Session, link: SessionLink, reader: Reader): void {
    const worker = reader.get(workers, nameOfKey(session.worker))
    const pool = reader.get(pools, nameOfKey(session.poolKey))
    const home = nameOfKey(session.poolKey).namespace ?? ''
    const { engines, slots, models } = session.capabilities
    this.#placement.setWorker({
      name: session.worker,
      instance: session.instance,
      pool: session.poolKey,
      engines,
      slots,
      accepting:
        session.send !== undefined &&
        !session.declines &&
        !session.isDraining &&
        link === 'fresh' &&
        worker?.spec.drain !== true &&
        pool !== undefined,
      models: new Map(models.map(({ digest, loaded }) => [digest, loaded ? 'Loaded' : 'Cached'])),
      mayServe: (namespace) =>
        pool !== undefined &&
        mayUse(pool.spec.allowedNamespaces, home, {
          name: namespace,
          labels: reader.get(namespaces, { name: namespace })?.metadata.labels ?? {},
        }),
    })
    this.#schedule()
  }

  /** Jobs that hold a slot of a Worker. */
  holders(worker: string): ReadonlySet<string> {
    return this.#placement.holders(worker)
  }

  #schedule(): void {
    if (this.#isDue) return
    this.#isDue = true
    queueMicrotask(() => {
      this.#isDue = false
      for (const { namespace, name } of this.#placement.place()) {
        this.#starts.started(this.#monotonic())
        this.#wakeJob({ namespace, name })
      }
    })
  }
}

/** Whoever asks a Model that is served goes to its pool; the Job that warms the Model up proves nothing elsewhere. */
function poolOf(job: Job, model: Model | undefined): Pick<Demand, 'preferredPool' | 'requiredPool'> {
  const serving = model === undefined ? undefined : servingPoolOf(model)
  if (model === undefined || serving === undefined) return {}
  return isControlledBy(job, model) ? { requiredPool: keyOf(serving) } : { preferredPool: keyOf(serving) }
}

/** Maintenance runs on any Worker; an inference needs one with the Model's engine. */
function demandOf(job: Job, model: Model | undefined): Demand {
  const { uid = '', namespace = '', name, creationTimestamp } = job.metadata
  return {
    uid,
    namespace,
    name,
    priority: job.spec.priority,
    createdAt: parseTime(creationTimestamp) ?? 0,
    engine: job.spec.inference === undefined ? anyEngine : model === undefined ? 'llama-cpp' : runtimeOf(model).engine,
    digest: job.spec.inference === undefined ? undefined : model?.status?.digest,
    ...poolOf(job, model),
  }
}
