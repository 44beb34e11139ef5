/**
 * What one client sees of runs and their Jobs, on the monotonic clock: when each appeared, and when it was seen in each phase.
 *
 * Times of resources are not used: they have whole seconds. Sizes are those of the JSON, which is what etcd holds of our kinds.
 */
import { type Job, type PipelineRun, pipelineResource } from '@mnemos/api'
import { type Client, createInformer, type Informer, type KubeObject, type Resource, resource } from '@mnemos/kube'
import { benchNamespace, jobs } from '../stack/stack.ts'
import { runs } from './pipelines.ts'

const revisions = resource({ group: 'apps', version: 'v1', plural: 'controllerrevisions', kind: 'ControllerRevision', namespaced: true })
const pods = resource<KubeObject & { readonly status?: { readonly phase?: string } }>({
  ...{ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true },
})
const labels = { run: 'mnemos.dev/pipeline-run', step: 'mnemos.dev/step' } as const
const terminal = ['Succeeded', 'Failed', 'Cancelled']

/** Moments of `performance.now()`. */
export interface Seen {
  readonly name: string
  readonly createdAt: number
  /** When it was first seen in a phase. */
  readonly phases: Map<string, number>
}

export interface SeenJob extends Seen {
  readonly run: string
  readonly step: string
  /** What the engine of an inference took, in ms. */
  engineMs: number
}

export interface RunWatch {
  /** Resolves with the moment when the run was seen Succeeded. @throws when it ended otherwise, or not in time */
  succeeded(run: string, timeoutMs?: number): Promise<number>
  /** Jobs of a run in the order in which they appeared. */
  jobsOf(run: string): readonly SeenJob[]
  /** The pod of a Job; only with `pods`. */
  podOf(job: string): Seen | undefined
  /** Most bytes that an object of each kind had. */
  largest(): Readonly<Record<string, number>>
  stop(): void
}

/** Watches runs, Jobs, Pipelines and revisions. @param options `pods`: those of Jobs too, which costs the machine a little */
export async function watchRuns(client: Client, { pods: withPods = false }: { readonly pods?: boolean } = {}): Promise<RunWatch> {
  const stop = new AbortController()
  const largest: Record<string, number> = {}
  const waiting = new Map<string, () => void>()
  const seenRuns = new Map<string, Seen>()
  const seenJobs = new Map<string, SeenJob>()
  const jobsByRun = new Map<string, SeenJob[]>()
  const seenPods = new Map<string, Seen>()

  const follow = <T extends KubeObject>(of: Resource<T>, see: (object: T) => void = () => undefined): Informer<T> => {
    const informer = createInformer<T>({
      client,
      resource: of,
      namespace: benchNamespace,
      transform: (object) => {
        largest[of.kind] = Math.max(largest[of.kind] ?? 0, Buffer.byteLength(JSON.stringify(object)))
        see(object)
        // Nothing is read back: an object of a fan-out of ten thousand need not be kept here.
        const { name, namespace = '', uid = '', resourceVersion = '' } = object.metadata
        return { apiVersion: object.apiVersion, kind: object.kind, metadata: { name, namespace, uid, resourceVersion } } as T
      },
    })
    void informer.run(stop.signal).catch(() => undefined)
    return informer
  }
  const jobSeen = (job: Job): void => {
    const run = job.metadata.labels?.[labels.run]
    if (run === undefined) return
    const seen = mark(seenJobs, job, () => {
      const made = { ...fresh(job), run, step: job.metadata.labels?.[labels.step] ?? '', engineMs: 0 }
      const ofRun = jobsByRun.get(run) ?? []
      ofRun.push(made)
      jobsByRun.set(run, ofRun)
      return made
    })
    seen.engineMs = job.status?.usage?.durationMs ?? 0
  }
  const runSeen = (run: PipelineRun): void => {
    mark(seenRuns, run, () => fresh(run))
    if (terminal.includes(run.status?.phase ?? '')) waiting.get(run.metadata.name)?.()
  }
  const followed = [
    follow(runs, runSeen),
    follow(jobs, jobSeen),
    follow(resource(pipelineResource)),
    follow(revisions),
    ...(withPods ? [follow(pods, (pod) => void mark(seenPods, pod, () => fresh(pod)))] : []),
  ]
  await Promise.all(followed.map((each) => each.synced()))
  return {
    succeeded: async (run, timeoutMs = 120_000) => {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`run ${run} has not ended within ${timeoutMs / 1000} s`)), timeoutMs)
        const end = (): void => {
          clearTimeout(timer)
          waiting.delete(run)
          resolve()
        }
        waiting.set(run, end)
        if ([...(seenRuns.get(run)?.phases.keys() ?? [])].some((phase) => terminal.includes(phase))) end()
      })
      const phases = seenRuns.get(run)?.phases
      const at = phases?.get('Succeeded')
      if (at === undefined) throw new Error(`run ${run} did not succeed: it went through ${[...(phases?.keys() ?? [])].join(', ')}`)
      return at
    },
    jobsOf: (run) => jobsByRun.get(run) ?? [],
    podOf: (job) => seenPods.get(`${job}-a1`),
    largest: () => largest,
    stop: () => stop.abort(),
  }
}

type Phased = KubeObject & { readonly status?: { readonly phase?: string } | undefined }

function fresh({ metadata: { name } }: Phased): Seen {
  return { name, createdAt: performance.now(), phases: new Map() }
}

function mark<S extends Seen>(known: Map<string, S>, object: Phased, make: () => S): S {
  const { name } = object.metadata
  const seen = known.get(name) ?? make()
  known.set(name, seen)
  const phase = object.status?.phase ?? ''
  if (!seen.phases.has(phase)) seen.phases.set(phase, performance.now())
  return seen
}
