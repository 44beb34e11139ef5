/**
 * One term of leadership: caches, controllers, placement and dispatch, all made anew, so that nothing of an earlier term
 * is believed. Ends when the term's signal aborts.
 *
 * Flow: signing key → caches, filled after leadership was won, and certificates → controllers and streams → until the signal.
 */
import { isActive, isOver, isTerminal, type JobEffect, labelOf, type Pod, poolLabel } from '@mnemos/domain'
import { assignmentSigner, ensureAssignmentKey } from '@mnemos/identity'
import {
  type Client,
  type Clock,
  type Controller,
  createEventRecorder,
  createRuntime,
  type KubeMetrics,
  keyOf,
  type Leadership,
  type Logger,
  nameOfKey,
  type ObjectName,
  type Runtime,
} from '@mnemos/kube'
import { advertise } from './advertise.ts'
import { makeBuiltInSchemas } from './built-in-schemas.ts'
import { type Caches, cachesOf } from './caches.ts'
import type { OperatorConfig } from './config.ts'
import { partsOf } from './controllers/inference-parts.ts'
import { jobController } from './controllers/job.ts'
import { modelController } from './controllers/model.ts'
import { OwnPodsMemory } from './controllers/own-pods.ts'
import { pipelineController } from './controllers/pipeline.ts'
import { pipelineRunController } from './controllers/pipeline-run.ts'
import { clusterPolicyController, policyController } from './controllers/policy.ts'
import { RunMemory } from './controllers/run-memory.ts'
import { schemaController } from './controllers/schema.ts'
import { workerController } from './controllers/worker.ts'
import { workerPoolController } from './controllers/worker-pool.ts'
import { makeDemo } from './demo.ts'
import { admit } from './dispatch/admittance.ts'
import { Dispatcher } from './dispatch/dispatcher.ts'
import type { Leading } from './dispatch/grpc-server.ts'
import { tellPreload } from './dispatch/preload.ts'
import type { Session } from './dispatch/sessions.ts'
import { watchSilence } from './dispatch/silence.ts'
import { Inputs } from './inputs.ts'
import { Pace } from './pace.ts'
import { PlacementLoop } from './placement-loop.ts'
import { fieldManager, jobs, workers } from './resources.ts'
import { keepInternalTls } from './tls/keeper.ts'

/** Jobs that hold a slot, or just got one, are looked at before those that only came: they make room. */
const underWay = 10
const maxKeptInputBytes = 8 * 1024 * 1024

export interface TermOptions {
  readonly client: Client
  readonly config: OperatorConfig
  /** Port that dispatch listens on. */
  readonly dispatchPort: number
  readonly leadership: Leadership
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: KubeMetrics
  /** Called with what serves streams once caches are filled. */
  readonly onReady: (leading: Leading) => void
}

interface Term {
  /** Tells a worker which models to hold ready. */
  readonly preload: (session: Session) => void
  readonly caches: Caches
  readonly inputs: Inputs
  readonly placement: PlacementLoop
  readonly ownPods: OwnPodsMemory
  readonly runMemory: RunMemory
  readonly dispatcher: Dispatcher
  readonly runtime: Runtime
}

/** Leads until the term's signal. */
export async function lead(options: TermOptions): Promise<void> {
  const { config, leadership, clock, logger, onReady } = options
  const { signal } = leadership
  const client = options.client.withFence(leadership.fence)
  const term = await beginTerm(options, client)
  const { caches, dispatcher, runtime } = term
  followChanges(term)
  const running = runtime.run(signal)
  const line = secureLine(options, client)
  await Promise.all([...caches.all.map((each) => each.synced(signal)), line.isSecure])
  onReady({ dispatcher, signal, admit: (hello) => admit(client, hello, config.systemNamespace) })
  const silence = {
    sessions: dispatcher.sessions,
    everyMs: config.heartbeatMs / 2,
    clock,
    onChange: (session: Session) => workerChanged(term, session),
    onGone: () => strangersAreGone(term),
  }
  const { demo, systemNamespace } = config
  const making = demo === undefined ? undefined : makeDemo({ client, settings: demo, systemNamespace, clock, logger }, signal)
  const schemas = makeBuiltInSchemas({ client, clock, logger }, signal)
  await Promise.all([running, line.keeping, pointWorkersHere(options, client), watchSilence(silence, signal), making, schemas])
}

/** Lets workers find this leader, from when it serves them. */
async function pointWorkersHere(
  { config, dispatchPort: port, leadership: { signal }, clock, logger }: TermOptions,
  client: Client,
): Promise<void> {
  const { pod, systemNamespace: namespace, lease } = config
  if (pod === undefined) return
  const where = { ip: pod.ip, podName: pod.name, port, namespace }
  await advertise({ client, clock, logger, where, lookEveryMs: 5 * lease.retryMs }, signal)
}

/** The certificates of the line: kept for the term, and whether they are there for a first time. */
function secureLine(
  { config, leadership: { signal }, clock, logger }: TermOptions,
  client: Client,
): { readonly keeping: Promise<void>; readonly isSecure: Promise<void> } {
  const first = Promise.withResolvers<undefined>()
  if (config.tls === undefined) return { keeping: Promise.resolve(), isSecure: Promise.resolve() }
  const onKept = (): void => first.resolve(undefined)
  const keeper = { client, clock, logger, config: config.tls, systemNamespace: config.systemNamespace, onKept }
  // A term that ends before has nothing to wait for.
  return { keeping: keepInternalTls(keeper, signal).finally(onKept), isSecure: first.promise }
}

async function beginTerm({ config, leadership, clock, logger, metrics }: TermOptions, client: Client): Promise<Term> {
  const signer = assignmentSigner(await ensureAssignmentKey(client, config.systemNamespace))
  const { heartbeatMs, suspectMs, offlineMs, probeMs, serverUrl, derivedStatusMs, identity } = config
  const inputs = new Inputs(maxKeptInputBytes)
  const caches = cachesOf(client, logger, metrics, (job) => inputs.see(job))
  const wakeJob = (name: ObjectName): void => term.runtime.wake(jobs, name, { priority: underWay })
  const placement = new PlacementLoop(wakeJob, () => clock.monotonic())
  const dispatcher = new Dispatcher({
    ...{ client, clock, signer, serverUrl, inputs, heartbeatMs, suspectMs, offlineMs, probeMs, logger, wakeJob },
    epoch: BigInt(leadership.epoch),
    partsOf: (job) => partsOf(term.runtime.reader, job, clock.now()),
    onWorker: (session) => workerChanged(term, session),
    jobName: (uid) => caches.jobs.cache.byUid(uid)?.metadata,
  })
  const { sessions, reports } = dispatcher
  const ownPods = new OwnPodsMemory(() => clock.now(), config)
  const runMemory = new RunMemory(clock)
  const pace = new Pace(derivedStatusMs, () => clock.monotonic())
  const perform = (effect: JobEffect): Promise<void> | void => {
    if (effect.type === 'queue') {
      placement.enqueue(effect.job, effect.model)
      return
    }
    if (effect.type === 'podMade') {
      ownPods.made(effect.uid, effect.attempt)
      return
    }
    if (effect.type === 'leaveQueue') {
      placement.withdraw(effect.uid)
      return
    }
    return dispatcher.perform(effect)
  }
  const controllers: readonly Controller[] = [
    jobController({ sessions, reports, placement, ownPods, now: () => clock.now() }, perform),
    modelController({ pace, serverUrl, now: () => clock.now() }),
    workerController({ sessions, placement, pace }),
    schemaController(),
    policyController(clock),
    clusterPolicyController(clock),
    pipelineController(pace),
    pipelineRunController({ memory: runMemory }),
    workerPoolController({ settings: config.pods, sessions, placement, pace }),
  ]
  const recorder = createEventRecorder({ client, controller: 'mnemos.dev/operator', instance: identity, clock, logger })
  const runtime = createRuntime({ client, fieldManager, clock, logger, metrics, recorder, informers: caches.all, controllers })
  const preloads = { reader: runtime.reader, signer, serverUrl, epoch: BigInt(leadership.epoch) }
  const preload = (session: Session): void =>
    void tellPreload(preloads, session).catch((error: unknown) =>
      logger.warn({ worker: session.worker, error: String(error) }, 'a worker was not told which models to hold ready'),
    )
  const term: Term = { preload, caches, inputs, placement, ownPods, runMemory, dispatcher, runtime }
  return term
}

/** What placement and dispatch must hear of at once, beside the keys that the runtime wakes. */
function followChanges(term: Term): void {
  const { caches, inputs, placement, ownPods, runMemory, dispatcher } = term
  caches.jobs.onChange((change) => {
    placement.jobChanged(change)
    if (change.type !== 'deleted') return
    const { uid = '' } = change.object.metadata
    inputs.take(uid)
    ownPods.forget(uid)
    dispatcher.jobGone(uid, { mayRun: !isTerminal(change.object) })
  })
  caches.pipelineRuns.onChange(({ type, object }) => {
    if (type === 'deleted' || isOver(object)) runMemory.forget(object.metadata.uid ?? '')
  })
  caches.revisions.onChange(({ type, object }) => {
    if (type === 'deleted') runMemory.revisionGone(object.metadata.uid ?? '')
  })
  caches.workers.onChange(({ type, object }) => {
    if (type === 'deleted') dispatcher.entrance.deleted(object.metadata.uid ?? '', `Worker ${keyOf(object.metadata)}`)
    const session = dispatcher.sessions.of(keyOf(object.metadata))
    if (session === undefined) return
    dispatcher.drain(session, object.spec.drain || isLeaving(term, session))
    offer(term, session)
  })
  caches.pods.onChange(({ type, object }) => {
    const session = dispatcher.sessions.of(keyOf(object.metadata))
    if (session === undefined || !isPodOf(term, session, object)) return
    if (type === 'deleted') dispatcher.sessions.lose(session)
    else if (object.metadata.deletionTimestamp === undefined) return
    workerChanged(term, session)
  })
  caches.pools.onChange(({ type, object }) => {
    if (type === 'deleted') dispatcher.entrance.deleted(object.metadata.uid ?? '', `WorkerPool ${keyOf(object.metadata)}`)
    for (const session of dispatcher.sessions.all()) {
      if (session.poolKey !== keyOf(object.metadata)) continue
      offer(term, session)
      term.preload(session)
    }
  })
  caches.models.onChange((change) => {
    const isSame = change.type === 'updated' && change.object.status?.digest === change.previous.status?.digest
    if (isSame && change.object.metadata.generation === change.previous.metadata.generation) return
    for (const session of dispatcher.sessions.all()) term.preload(session)
  })
}

/** A session opened, closed, fell silent, or said something new. */
function workerChanged(term: Term, session: Session): void {
  const { caches, placement, dispatcher, runtime } = term
  const worker = caches.workers.cache.get(nameOfKey(session.worker))
  if (worker !== undefined) dispatcher.drain(session, worker.spec.drain || isLeaving(term, session))
  offer(term, session)
  term.preload(session)
  runtime.wake(workers, nameOfKey(session.worker))
  for (const uid of placement.holders(session.worker)) {
    const job = caches.jobs.cache.byUid(uid)
    if (job !== undefined) runtime.wake(jobs, job.metadata)
  }
}

/** Whether the pod of a worker is on its way out: it finishes what it runs within its grace period. */
function isLeaving(term: Term, session: Session): boolean {
  const pod = term.caches.pods.cache.get(nameOfKey(session.worker))
  return pod?.metadata.deletionTimestamp !== undefined && isPodOf(term, session, pod)
}

/** A worker of a pool that makes pods has the name of its pod; others may be called as they like. */
function isPodOf({ caches }: Term, { poolKey }: Session, pod: Pod): boolean {
  const pool = caches.pools.cache.get(nameOfKey(poolKey))
  return pool?.spec.external === false && pod.metadata.labels?.[poolLabel] === labelOf(pool.metadata.name)
}

/** Tells placement what a worker can take on now. */
function offer({ placement, dispatcher, runtime }: Term, session: Session): void {
  placement.workerChanged(session, dispatcher.sessions.linkOf(session), runtime.reader)
}

/** Workers that have not come over by now will not: their attempts go to others. */
function strangersAreGone({ caches, runtime }: Term): void {
  for (const job of caches.jobs.cache.list()) if (isActive(job)) runtime.wake(jobs, job.metadata)
  for (const worker of caches.workers.cache.list()) runtime.wake(workers, worker.metadata)
}
