/**
 * The recorder: keeps the logs of container Jobs beyond their pods. Follows pods, writes to the server, marks what is done; knows
 * neither Jobs nor stores.
 *
 * Any number may run: they store the same bytes under the same names and set the same mark.
 */
import { jobLabel, logsRecordedAnnotation, mainContainer, type Pod } from '@mnemos/domain'
import {
  type Change,
  type Client,
  type Credentials,
  createClient,
  createInformer,
  hasStatus,
  isConflict,
  isNotFound,
  kubeMetrics,
  openStream,
  pathOf,
  resource,
  serveHealth,
  systemClock,
} from '@mnemos/kube'
import type { Logger } from 'pino'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { RecorderConfig } from './config.ts'
import { followPod } from './follow-pod.ts'
import { type LogStore, openLogStore } from './log-store.ts'
import { isRecorded, logNameOf } from './pod-facts.ts'

const pods = resource<Pod>({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true })

export interface RecorderPorts {
  readonly credentials: Credentials
  readonly signal: AbortSignal
  readonly logger: Logger
  /** Told which port was bound, once the pods are known. */
  readonly onReady?: (port: number) => void
}

/** Runs until the signal. @throws when the port cannot be bound */
export async function runRecorder(config: RecorderConfig, { credentials, signal, logger, onReady }: RecorderPorts): Promise<void> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const client = createClient({ credentials, userAgent: 'mnemos-recorder', metrics: kubeMetrics(registry), connections: 8 })
  const store = openLogStore({ ...config, token: async () => credentials.token?.() })
  const informer = createInformer({ client, resource: pods, logger, labelSelector: jobLabel, transform: withoutSpec })
  const followed = new Followed({ config, client, store, logger }, signal)
  new Gauge({
    name: 'mnemos_recorder_pods_followed',
    help: 'Pods whose log is not stored to its end.',
    registers: [registry],
    collect() {
      this.set(followed.size)
    },
  })
  const health = await serveHealth({
    host: config.host,
    port: config.healthPort,
    registry,
    setting: 'MNEMOS_RECORDER_HEALTH_PORT',
    hostSetting: 'MNEMOS_RECORDER_HOST',
    notReady: () => (informer.hasSynced() ? undefined : 'the pods are not known yet'),
  })
  informer.onChange((change) => followed.changed(change))
  const watching = informer.run(signal)
  await informer.synced(signal).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
  logger.info({ port: health.port }, 'recorder follows pods')
  onReady?.(health.port)
  await watching
  await followed.ended()
  await Promise.all([health.close(), store.close(), client.close()])
}

function withoutSpec({ apiVersion, kind, metadata, status }: Pod): Pod {
  const { managedFields: _managedFields, ...kept } = { managedFields: undefined, ...metadata }
  return { apiVersion, kind, metadata: kept, ...(status === undefined ? {} : { status }) }
}

interface FollowContext {
  readonly config: RecorderConfig
  readonly client: Client
  readonly store: LogStore
  readonly logger: Logger
}

interface Entry {
  pod: Pod | undefined
  readonly waiting: Set<() => void>
}

/** The pods that are being followed, by UID. */
class Followed {
  readonly #entries = new Map<string, Entry>()
  readonly #running = new Set<Promise<void>>()
  readonly #context: FollowContext
  readonly #signal: AbortSignal

  constructor(context: FollowContext, signal: AbortSignal) {
    this.#context = context
    this.#signal = signal
  }

  get size(): number {
    return this.#entries.size
  }

  changed({ type, object }: Change<Pod>): void {
    const uid = object.metadata.uid ?? ''
    const entry = this.#entries.get(uid)
    if (entry !== undefined) {
      entry.pod = type === 'deleted' ? undefined : object
      for (const wake of [...entry.waiting]) wake()
      return
    }
    if (type !== 'deleted' && !isRecorded(object)) this.#follow(uid, object)
  }

  async ended(): Promise<void> {
    await Promise.all(this.#running)
  }

  #follow(uid: string, pod: Pod): void {
    const name = logNameOf(pod)
    if (name === undefined) return
    const { config, client, store, logger } = this.#context
    const signal = this.#signal
    const entry: Entry = { pod, waiting: new Set() }
    this.#entries.set(uid, entry)
    const run = followPod(
      {
        ...{ config, name, store, logger, clock: systemClock },
        pod: () => entry.pod,
        changed: (withinMs) => changeOf(entry, withinMs, signal),
        open: (during) => openLog(client, pod, during),
        mark: () => markRecorded(client, pod),
      },
      signal,
    )
      .catch((error: unknown) => {
        if (!signal.aborted) logger.error({ ...name, error: String(error) }, 'a log could not be recorded')
      })
      .finally(() => {
        this.#entries.delete(uid)
        this.#running.delete(run)
      })
    this.#running.add(run)
  }
}

/** Resolves at the next change of the pod, after the time, or when the recorder stops. */
function changeOf({ waiting }: Entry, withinMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel()
      waiting.delete(done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = systemClock.setTimeout(done, withinMs)
    waiting.add(done)
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
  })
}

function openLog(client: Client, { metadata: { namespace = '', name } }: Pod, signal: AbortSignal) {
  const query = { container: mainContainer, follow: 'true', timestamps: 'true' }
  return openStream(client, pathOf(pods, { namespace, name }, 'log'), { query, signal })
}

/** A pod that is gone or another by now needs no mark. */
async function markRecorded(client: Client, { metadata: { namespace = '', name, uid } }: Pod): Promise<void> {
  const patch = { metadata: { uid, annotations: { [logsRecordedAnnotation]: 'true' } } }
  for (let tries = 1; ; tries += 1) {
    try {
      await client.patch(pods, { namespace, name }, patch)
      return
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return
      if (tries >= 5 || hasStatus(error, 403)) throw error
      await systemClock.sleep(1000 * tries)
    }
  }
}
