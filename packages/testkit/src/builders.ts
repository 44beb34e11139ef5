/**
 * Objects for tests, as the API server would return them: defaults applied, a UID, a creation time.
 *
 * Each builder is a value: every method returns another one, so a test may keep one and vary it. `build()` ends the sentence.
 */
import {
  apiVersion,
  type Job,
  type JobSpec,
  type JobStatus,
  kinds,
  type Model,
  type ModelStatus,
  type Pipeline,
  type PipelineInput,
  type PipelineRun,
  type PipelineRunStatus,
  type Queue,
  type Worker,
  type WorkerPool,
  type WorkerStatus,
} from '@mnemos/api'

/** When everything in tests was made: 2026-01-01T00:00:00Z, the time at which `virtualClock` starts. */
export const testEpochMs = Date.UTC(2026, 0, 1)
const creationTimestamp = new Date(testEpochMs).toISOString().replace('.000', '')

/** A digest that is well-formed and tells its seed. */
export function aDigest(seed = 'a'): string {
  return `sha256:${Buffer.from(seed).toString('hex').slice(0, 64).padStart(64, '0')}`
}

export interface JobBuilder {
  inNamespace(namespace: string): JobBuilder
  asking(model: string, prompt?: string): JobBuilder
  importing(uri: string, digest?: string): JobBuilder
  /** Runs an image in a pod of its own. */
  running(image: string): JobBuilder
  with(spec: Partial<JobSpec>): JobBuilder
  annotated(annotations: Readonly<Record<string, string>>): JobBuilder
  createdAt(ms: number): JobBuilder
  /** Deleted, and kept by somebody's finalizer. */
  deletedAt(ms: number): JobBuilder
  ownedBy(owner: { apiVersion: string; kind: string; metadata: { name: string; uid?: string } }): JobBuilder
  /** Parts of the status; what is left out keeps its default. */
  thatIs(phase: JobStatus['phase'], status?: Partial<JobStatus>): JobBuilder
  build(): Job
}

/** A Job that asks Model `m` and waits. */
export function aJob(name: string): JobBuilder {
  return jobBuilder({
    apiVersion,
    kind: 'Job',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1', generation: 1, creationTimestamp },
    spec: {
      inference: { modelRef: { name: 'm' }, prompt: 'Say hello.', parameters: { maxTokens: 256 } },
      queue: 'default',
      priority: 'normal',
      retry: { limit: 3 },
      suspend: false,
      cancel: false,
    },
    status: { phase: 'Pending', observedGeneration: 0, attempt: 0, failures: 0, attempts: [], conditions: [] },
  })
}

function jobBuilder(job: Job): JobBuilder {
  const meta = (change: Partial<Job['metadata']>): JobBuilder => jobBuilder({ ...job, metadata: { ...job.metadata, ...change } })
  const spec = (change: Partial<JobSpec>): JobBuilder => jobBuilder({ ...job, spec: { ...job.spec, ...change } })
  const { inference: _inference, ...noWork } = job.spec
  return {
    inNamespace: (namespace) => meta({ namespace }),
    asking: (model, prompt = 'Say hello.') => spec({ inference: { modelRef: { name: model }, prompt, parameters: { maxTokens: 256 } } }),
    importing: (uri, digest) =>
      jobBuilder({
        ...job,
        spec: { ...noWork, maintenance: { task: 'ImportModel', parameters: { uri, ...(digest === undefined ? {} : { digest }) } } },
      }),
    running: (image) => jobBuilder({ ...job, spec: { ...noWork, container: { image } } }),
    with: spec,
    annotated: (annotations) => meta({ annotations }),
    createdAt: (ms) => meta({ creationTimestamp: new Date(ms).toISOString() }),
    deletedAt: (ms) => meta({ deletionTimestamp: new Date(ms).toISOString(), finalizers: ['example.com/kept'] }),
    ownedBy: ({ apiVersion: version, kind, metadata: { name, uid = '' } }) =>
      meta({ ownerReferences: [{ apiVersion: version, kind, name, uid, controller: true }] }),
    thatIs: (phase, status = {}) =>
      jobBuilder({
        ...job,
        status: { observedGeneration: 0, attempt: 0, failures: 0, attempts: [], conditions: [], ...job.status, ...status, phase },
      }),
    build: () => job,
  }
}

export interface ModelBuilder {
  inNamespace(namespace: string): ModelBuilder
  from(uri: string, digest?: string): ModelBuilder
  with(spec: Partial<Model['spec']>): ModelBuilder
  /** Imported and verified. */
  thatIsReady(digest?: string): ModelBuilder
  thatIs(status: Partial<ModelStatus>): ModelBuilder
  build(): Model
}

/** A Model that nobody has imported yet. */
export function aModel(name: string): ModelBuilder {
  return modelBuilder({
    apiVersion,
    kind: 'Model',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1', generation: 1, creationTimestamp },
    spec: { source: { uri: `file:///${name}.gguf` }, runtime: { engine: 'llama-cpp' }, allowedNamespaces: { from: 'Same' } },
    status: { phase: 'Pending', observedGeneration: 0, conditions: [] },
  })
}

function modelBuilder(model: Model): ModelBuilder {
  const status = (change: Partial<ModelStatus>): ModelBuilder =>
    modelBuilder({ ...model, status: { phase: 'Pending', observedGeneration: 0, conditions: [], ...model.status, ...change } })
  return {
    inNamespace: (namespace) => modelBuilder({ ...model, metadata: { ...model.metadata, namespace } }),
    from: (uri, digest) =>
      modelBuilder({ ...model, spec: { ...model.spec, source: { uri, ...(digest === undefined ? {} : { digest }) } } }),
    with: (spec) => modelBuilder({ ...model, spec: { ...model.spec, ...spec } }),
    thatIsReady: (digest = aDigest()) =>
      status({ phase: 'Ready', digest, artifact: `models/sha256/${digest.slice('sha256:'.length)}`, sizeBytes: 1024 }),
    thatIs: status,
    build: () => model,
  }
}

export interface WorkerBuilder {
  inPool(name: string, namespace?: string): WorkerBuilder
  draining(): WorkerBuilder
  thatIs(state: WorkerStatus['state'], status?: Partial<WorkerStatus>): WorkerBuilder
  build(): Worker
}

/** A Worker of pool `default/pool` that is not connected. */
export function aWorker(name: string): WorkerBuilder {
  return workerBuilder({
    apiVersion,
    kind: 'Worker',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1', generation: 1, creationTimestamp },
    spec: { poolRef: { name: 'pool' }, drain: false },
    status: { observedGeneration: 0, state: 'Offline', engines: ['llama-cpp'], slots: 1, running: 0, models: [], conditions: [] },
  })
}

function workerBuilder(worker: Worker): WorkerBuilder {
  const initial = { observedGeneration: 0, state: 'Offline', engines: [], slots: 1, running: 0, models: [], conditions: [] } as const
  return {
    inPool: (name, namespace = 'default') =>
      workerBuilder({ ...worker, metadata: { ...worker.metadata, namespace }, spec: { ...worker.spec, poolRef: { name } } }),
    draining: () => workerBuilder({ ...worker, spec: { ...worker.spec, drain: true } }),
    thatIs: (state, status = {}) =>
      workerBuilder({
        ...worker,
        status: { ...initial, ...worker.status, engines: ['llama-cpp'], models: [], conditions: [], ...status, state },
      }),
    build: () => worker,
  }
}

/** A pool that takes external workers and serves its own namespace. */
export function aPool(name: string, spec: Partial<WorkerPool['spec']> = {}): WorkerPool {
  return {
    apiVersion,
    kind: 'WorkerPool',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1', generation: 1, creationTimestamp },
    spec: {
      external: true,
      engines: ['llama-cpp'],
      allowedNamespaces: { from: 'Same' },
      replicas: 1,
      slots: 1,
      network: 'Closed',
      terminationGracePeriodSeconds: 600,
      ...spec,
    },
  }
}

export function aQueue(name: string): Queue {
  return {
    apiVersion,
    kind: 'Queue',
    metadata: { name, uid: `uid-${name}`, resourceVersion: '1', generation: 1, creationTimestamp },
    spec: { maxPriority: 'critical' },
  }
}

/** A Pipeline with the defaults of its steps put in. */
export function aPipeline(name: string, spec: PipelineInput['spec']): Pipeline {
  return {
    apiVersion,
    kind: 'Pipeline',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1', generation: 1, creationTimestamp },
    spec: kinds.find(({ kind }) => kind === 'Pipeline')?.spec.parse(spec) as Pipeline['spec'],
  }
}

/** A run of Pipeline `p` that nobody has looked at yet. */
export function aRun(name: string, spec: Partial<PipelineRun['spec']> = {}, status?: Partial<PipelineRunStatus>): PipelineRun {
  const none = { phase: 'Pending', observedGeneration: 0, steps: [], conditions: [] } as const
  return {
    apiVersion,
    kind: 'PipelineRun',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1', generation: 1, creationTimestamp },
    spec: { pipelineRef: { name: 'p' }, priority: 'normal', suspend: false, cancel: false, ...spec },
    ...(status === undefined ? {} : { status: { ...none, steps: [], conditions: [], ...status } }),
  }
}
