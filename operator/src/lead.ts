/**
 * One term of leadership: caches, controllers, placement and dispatch, all made anew, so that nothing of an earlier term
 * is believed. Ends when the term's signal aborts.
 */
import type { Job } from '@mnemos/api'
import { apiVersion } from '@mnemos/api'
import type { Hello } from '@mnemos/contract'
import type { JobEffect } from '@mnemos/domain'
import { isActive } from '@mnemos/domain'
import { assignmentSigner, ensureAssignmentKey } from '@mnemos/identity'
import {
  type Change,
  type Client,
  controllerReference,
  createEventRecorder,
  createInformer,
  createRuntime,
  type Informer,
  type KubeMetrics,
  type KubeObject,
  keyOf,
  type Leadership,
  type Logger,
  nameOfKey,
  type Runtime,
  sleptThrough,
  systemClock,
} from '@mnemos/kube'
import type { OperatorConfig } from './config.ts'
import { jobController } from './controllers/job.ts'
import { modelController } from './controllers/model.ts'
import { workerController } from './controllers/worker.ts'
import { workerPoolController } from './controllers/worker-pool.ts'
import { refusalOf } from './dispatch/admittance.ts'
import { Dispatcher } from './dispatch/dispatcher.ts'
import type { Leading } from './dispatch/grpc-server.ts'
import type { Session, SessionLink } from './dispatch/sessions.ts'
import { PlacementLoop } from './placement-loop.ts'
import {
  cachedJob,
  jobIndexes,
  jobs,
  models,
  namespaces,
  pools,
  queues,
  withoutManagedFields,
  workerIndexes,
  workers,
} from './resources.ts'

const fieldManager = 'mnemos-operator'

export interface TermOptions {
  readonly client: Client
  readonly config: OperatorConfig
  readonly leadership: Leadership
  readonly logger: Logger
  readonly metrics: KubeMetrics
  /** Called with what serves streams once caches are filled. */
  readonly onReady: (leading: Leading, runtime: Runtime) => void
}

/** Leads until the term's signal. */
export async function lead({ client: unfenced, config, leadership, logger, metrics, onReady }: TermOptions): Promise<void> {
  const client = unfenced.withFence(leadership.fence)
  const signer = assignmentSigner(await ensureAssignmentKey(client, config.systemNamespace))
  const watched = informersOf(client, logger, metrics)
  const wakeJob = (name: { namespace?: string; name: string }): void => runtime.wake(jobs, name)
  const placement = new PlacementLoop(wakeJob)
  const dispatcher = new Dispatcher({
    client,
    signer,
    serverUrl: config.serverUrl,
    epoch: BigInt(leadership.epoch),
    heartbeatMs: config.heartbeatMs,
    suspectMs: config.suspectMs,
    offlineMs: config.offlineMs,
    logger,
    now: () => Date.now(),
    monotonic: () => performance.now(),
    wakeJob,
    onWorker: (session) => workerChanged(session),
    jobName: (uid) => watched.jobs.cache.byUid(uid)?.metadata,
  })
  const workerChanged = (session: Session): void => {
    placement.workerChanged(session, dispatcher.sessions.linkOf(session), runtime.reader)
    runtime.wake(workers, nameOfKey(session.worker))
    for (const uid of placement.holders(session.worker)) wakeHolder(watched.jobs, uid, wakeJob)
  }
  const perform = async (effect: JobEffect): Promise<void> => {
    if (effect.type === 'queue') placement.enqueue(effect.job, effect.model)
    else if (effect.type === 'leaveQueue') placement.withdraw(effect.uid)
    else await dispatcher.perform(effect)
  }
  watched.jobs.onChange((change) => {
    placement.jobChanged(change)
    if (change.type === 'deleted') dispatcher.jobGone(change.object.metadata.uid ?? '')
  })
  const reconsider = (keyOfWorker: string): void => {
    const session = dispatcher.sessions.of(keyOfWorker)
    if (session !== undefined) placement.workerChanged(session, dispatcher.sessions.linkOf(session), runtime.reader)
  }
  watched.workers.onChange(({ object }) => reconsider(keyOf(object.metadata)))
  const runtime = createRuntime({
    client,
    fieldManager,
    logger,
    metrics,
    recorder: createEventRecorder({ client, controller: 'mnemos.dev/operator', instance: config.identity, logger }),
    informers: watched.all,
    controllers: [
      jobController({ sessions: dispatcher.sessions, reports: dispatcher.reports, placement, perform }),
      modelController(),
      workerController(dispatcher.sessions, placement),
      workerPoolController(),
    ],
  })
  watched.pools.onChange(({ object }) => {
    for (const session of dispatcher.sessions.all()) if (session.poolKey === keyOf(object.metadata)) reconsider(session.worker)
  })
  const running = runtime.run(leadership.signal)
  await Promise.all(watched.all.map((each) => each.synced(leadership.signal)))
  onReady({ dispatcher, signal: leadership.signal, admit: (hello) => admit(client, hello) }, runtime)
  await Promise.all([running, watchSilence(dispatcher, config, leadership.signal, workerChanged, () => wakeActive(watched.jobs, wakeJob))])
}

/** Lets a worker in and makes the object that stands for it. */
async function admit(client: Client, hello: Hello): Promise<string | undefined> {
  const refusal = await refusalOf(client, hello)
  if (refusal !== undefined) return refusal
  const { poolNamespace: namespace, pool, worker } = hello
  const owner = await client.get(pools, { namespace, name: pool })
  if (owner === undefined) return `WorkerPool ${namespace}/${pool} is gone`
  const labels = { 'app.kubernetes.io/managed-by': 'mnemos', 'mnemos.dev/pool': pool.slice(0, 63) }
  const object = {
    apiVersion,
    kind: 'Worker',
    metadata: { namespace, name: worker, labels, ownerReferences: [controllerReference(owner)] },
    spec: { poolRef: { name: pool } },
  }
  await client.apply(workers, object, { fieldManager, force: true })
  return undefined
}

/** Notices by the clock when a worker falls silent; once, also the Jobs of workers that this leader never heard. */
async function watchSilence(
  dispatcher: Dispatcher,
  config: OperatorConfig,
  signal: AbortSignal,
  onChange: (session: Session) => void,
  wakeAll: () => void,
): Promise<void> {
  const links = new Map<string, SessionLink>()
  let firstSeenAt: number | undefined
  let lookedForLost = false
  while (await sleptThrough(systemClock, config.heartbeatMs / 2, signal)) {
    for (const session of dispatcher.sessions.all()) {
      firstSeenAt ??= performance.now()
      const link = dispatcher.sessions.linkOf(session)
      const before = links.get(session.worker) ?? 'fresh'
      links.set(session.worker, link)
      if (link !== before) onChange(session)
    }
    if (!lookedForLost && firstSeenAt !== undefined && performance.now() - firstSeenAt > config.offlineMs) {
      lookedForLost = true
      wakeAll()
    }
  }
}

function wakeHolder(informer: Informer<Job>, uid: string, wake: (name: { namespace?: string; name: string }) => void): void {
  const job = informer.cache.byUid(uid)
  if (job !== undefined) wake(job.metadata)
}

function wakeActive(informer: Informer<Job>, wake: (name: { namespace?: string; name: string }) => void): void {
  for (const job of informer.cache.list()) if (isActive(job)) wake(job.metadata)
}

interface Watched {
  readonly jobs: Informer<Job> & { onChange(handler: (change: Change<Job>) => void): () => void }
  readonly workers: Informer<KubeObject>
  readonly pools: Informer<KubeObject>
  readonly all: readonly Informer<KubeObject>[]
}

function informersOf(client: Client, logger: Logger, metrics: KubeMetrics): Watched {
  const shared = { client, logger, metrics }
  const jobInformer = createInformer({ ...shared, resource: jobs, transform: cachedJob, indexes: jobIndexes })
  const workerInformer = createInformer({ ...shared, resource: workers, transform: withoutManagedFields, indexes: workerIndexes })
  const poolInformer = createInformer({ ...shared, resource: pools, transform: withoutManagedFields })
  const others = [
    createInformer({
      ...shared,
      resource: models,
      transform: withoutManagedFields,
      indexes: { digest: ({ status }) => (status?.digest === undefined ? [] : [status.digest]) },
    }),
    createInformer({ ...shared, resource: queues, transform: withoutManagedFields }),
    createInformer({ ...shared, resource: namespaces, transform: withoutManagedFields }),
  ]
  // A runtime holds informers of many types; each is read back under the resource whose type it has.
  const all = [jobInformer, workerInformer, poolInformer, ...others] as unknown as readonly Informer<KubeObject>[]
  return {
    jobs: jobInformer,
    workers: workerInformer,
    pools: poolInformer,
    all,
  }
}
