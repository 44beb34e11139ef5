/** Jobs as they change, for those who follow one: a cache without inputs, and a wait for the next change of a UID. */
import { type Job, jobResource } from '@mnemos/api'
import { type Client, createInformer, type Logger, resource } from '@mnemos/kube'

export const jobs = resource<Job>(jobResource)

export interface JobFollower {
  /** The Job as it was last seen; undefined when it is gone (or not seen yet). */
  get(uid: string): Job | undefined
  /** Resolves at the next change of this Job, or when the signal aborts. */
  changed(uid: string, signal: AbortSignal): Promise<void>
  /** The Job of that name, as it was last seen. */
  named(namespace: string, name: string): Job | undefined
  /** All Jobs of a namespace, as they were last seen. */
  inNamespace(namespace: string): readonly Job[]
  hasSynced(): boolean
  run(signal: AbortSignal): Promise<void>
}

export function createJobFollower(client: Client, logger: Logger): JobFollower {
  const informer = createInformer({
    client,
    resource: jobs,
    logger,
    transform: withoutInput,
    indexes: { namespace: ({ metadata }) => [metadata.namespace ?? ''] },
  })
  const waiting = new Map<string, Set<() => void>>()
  informer.onChange(({ object }) => {
    const uid = object.metadata.uid ?? ''
    const waiters = waiting.get(uid)
    waiting.delete(uid)
    for (const wake of waiters ?? []) wake()
  })
  return {
    get: (uid) => informer.cache.byUid(uid),
    named: (namespace, name) => informer.cache.get({ namespace, name }),
    inNamespace: (namespace) => informer.cache.byIndex('namespace', namespace),
    hasSynced: () => informer.hasSynced(),
    run: (signal) => informer.run(signal),
    changed: (uid, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) {
          resolve()
          return
        }
        const waiters = waiting.get(uid) ?? new Set()
        const done = (): void => {
          signal.removeEventListener('abort', done)
          waiters.delete(done)
          if (waiters.size === 0 && waiting.get(uid) === waiters) waiting.delete(uid)
          resolve()
        }
        waiters.add(done)
        waiting.set(uid, waiters)
        signal.addEventListener('abort', done, { once: true })
      }),
  }
}

function withoutInput(job: Job): Job {
  const { managedFields: _managedFields, ...metadata } = { managedFields: undefined, ...job.metadata }
  if (job.spec.inference === undefined) return { ...job, metadata }
  const { prompt: _prompt, messages: _messages, ...inference } = job.spec.inference
  return { ...job, metadata, spec: { ...job.spec, inference } }
}
