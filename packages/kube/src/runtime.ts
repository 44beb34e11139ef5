/**
 * Runs controllers over shared informers.
 *
 * Flow: informers start → all have synced → every key is worked on, one pass at a time each, for ever.
 * Guarantees: a pass that throws backs its own key off and stops nobody; a conflict is tried again at once from the newer
 * object; a closed fence ends nothing (the leadership's signal does). Caches are filled after leadership was won when
 * `run` is called then, so that a new leader never acts on what an old one saw.
 */
import type { Client } from './client.ts'
import { type Clock, systemClock } from './clock.ts'
import { type Controller, ownerKey, type Pass, type Reader } from './controller.ts'
import { isConflict, isFenceClosed, KubeError } from './errors.ts'
import type { EventRecorder } from './events.ts'
import type { Informer } from './informer.ts'
import { errorFields, type Logger, silentLogger } from './logger.ts'
import type { KubeMetrics } from './metrics.ts'
import type { Next } from './plan.ts'
import { createQueue, type WorkQueue } from './queue.ts'
import { type KubeObject, keyOf, type ObjectName, type Resource } from './types.ts'

export interface RuntimeOptions {
  readonly client: Client
  readonly informers: readonly Informer<KubeObject>[]
  readonly controllers: readonly Controller[]
  /** Field manager of applied and created children. */
  readonly fieldManager: string
  /** Resources that plans write and nobody watches. */
  readonly alsoWrites?: readonly Resource[]
  readonly recorder?: EventRecorder
  readonly clock?: Clock
  readonly logger?: Logger
  readonly metrics?: KubeMetrics
}

export interface Runtime {
  readonly reader: Reader
  /** Wakes one object's key in the controller of that resource: something outside the API server happened to it. */
  wake(resource: Resource, name: ObjectName, options?: { priority?: number; afterMs?: number }): void
  /** Keys that wait, by controller. */
  depths(): Readonly<Record<string, number>>
  hasSynced(): boolean
  /** Runs until the signal; resolves when every pass has ended. */
  run(signal: AbortSignal): Promise<void>
}

export function createRuntime(options: RuntimeOptions): Runtime {
  const { informers, controllers, clock = systemClock, logger = silentLogger, metrics } = options
  const reader = readerOver(informers)
  const queues = new Map<Controller, WorkQueue>(
    controllers.map((each) => [each, createQueue({ name: each.name, clock, ...(metrics === undefined ? {} : { metrics }) })]),
  )
  const resources = [...informers.map(({ resource }) => resource), ...(options.alsoWrites ?? [])]
  for (const [each, queue] of queues) subscribe(each, queue, informers, reader)
  return {
    reader,
    wake: (resource, name, when) => {
      for (const [each, queue] of queues) if (isSameResource(each.resource, resource)) queue.add(keyOf(name), when)
    },
    depths: () => Object.fromEntries([...queues].map(([each, queue]) => [each.name, queue.length])),
    hasSynced: () => informers.every((each) => each.hasSynced()),
    run: async (signal) => {
      const watching = informers.map((each) => each.run(signal))
      const pass: Pass = {
        client: options.client,
        fieldManager: options.fieldManager,
        resources,
        reader,
        signal,
        now: () => clock.now(),
        ...(options.recorder === undefined ? {} : { recorder: options.recorder }),
      }
      try {
        await Promise.all(informers.map((each) => each.synced(signal)))
      } catch (error) {
        if (!signal.aborted) throw error
      }
      const loops = [...queues].flatMap(([each, queue]) =>
        Array.from({ length: each.concurrency }, () =>
          loop(each, queue, pass, { clock, logger, ...(metrics === undefined ? {} : { metrics }) }),
        ),
      )
      try {
        await Promise.all([...loops, ...watching])
      } finally {
        for (const queue of queues.values()) queue.close()
      }
    },
  }
}

interface LoopContext {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics?: KubeMetrics
}

async function loop(each: Controller, queue: WorkQueue, pass: Pass, context: LoopContext): Promise<void> {
  while (!pass.signal.aborted) {
    let key: string
    try {
      key = await queue.take(pass.signal)
    } catch {
      return
    }
    await onePass(each, queue, key, pass, context)
    queue.done(key)
  }
}

async function onePass(
  each: Controller,
  queue: WorkQueue,
  key: string,
  pass: Pass,
  { clock, logger, metrics }: LoopContext,
): Promise<void> {
  const started = clock.monotonic()
  const report = (result: 'success' | 'error' | 'requeue' | 'requeue_after'): void =>
    metrics?.reconciled(each.name, result, clock.monotonic() - started)
  try {
    const next: Next = (await each.reconcile(key, pass)) ?? { kind: 'change' }
    queue.forget(key)
    if (next.kind === 'after') queue.add(key, { afterMs: Math.max(1, next.seconds * 1000) })
    report(next.kind === 'after' ? 'requeue_after' : 'success')
  } catch (error) {
    if (pass.signal.aborted || isFenceClosed(error)) {
      // Nobody else's turn is lost: the next leader starts from every object.
      queue.addRateLimited(key)
      return
    }
    if (isConflict(error) || (error instanceof KubeError && error.status === 404)) {
      logger.debug({ controller: each.name, key }, 'the object changed meanwhile; deciding anew')
      queue.addRateLimited(key)
      report('requeue')
      return
    }
    if (!(error instanceof KubeError)) metrics?.panicked(each.name)
    report('error')
    logger.error(
      {
        controller: each.name,
        key,
        failures: queue.failures(key) + 1,
        ...errorFields(error),
        ...(error instanceof KubeError ? {} : { stack: error instanceof Error ? error.stack : undefined }),
      },
      'reconciliation failed',
    )
    queue.addRateLimited(key)
  }
}

function subscribe(each: Controller, queue: WorkQueue, informers: readonly Informer<KubeObject>[], reader: Reader): void {
  const informerOf = (resource: Resource): Informer<KubeObject> => {
    const found = informers.find((candidate) => isSameResource(candidate.resource, resource))
    if (found === undefined) throw new TypeError(`controller ${each.name} needs an informer of ${resource.plural}`)
    return found
  }
  informerOf(each.resource).onChange((change) => {
    queue.add(keyOf(change.object.metadata), { priority: each.priorityOf(change.object) - (change.initial ? 100 : 0) })
  })
  for (const owned of each.owns) {
    informerOf(owned).onChange((change) => {
      const key = ownerKey(change, each.resource)
      if (key !== undefined) queue.add(key, { afterMs: each.settleMs(key) })
    })
  }
  for (const { resource, keys } of each.wakes) {
    informerOf(resource).onChange((change) => {
      for (const key of keys(change, reader)) queue.add(key)
    })
  }
}

function readerOver(informers: readonly Informer<KubeObject>[]): Reader {
  const byPlural = new Map(informers.map((each) => [`${each.resource.group}/${each.resource.plural}`, each]))
  const informerOf = <T extends KubeObject>({ group, plural }: Resource<T>): Informer<T> => {
    const found = byPlural.get(`${group}/${plural}`)
    if (found === undefined) throw new TypeError(`nobody watches ${plural}`)
    // The map holds each informer under the resource whose type it has.
    return found as unknown as Informer<T>
  }
  return {
    get: (resource, name) => informerOf(resource).cache.get(name),
    list: (resource) => informerOf(resource).cache.list(),
    byIndex: (resource, index, value) => informerOf(resource).cache.byIndex(index, value),
  }
}

function isSameResource(a: Resource, b: Resource): boolean {
  return a.group === b.group && a.plural === b.plural
}
