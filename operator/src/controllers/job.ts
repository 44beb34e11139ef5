/** Drives a Job to its end. Decides nothing itself: see domain/scheduling/job.ts. */
import type { Model } from '@mnemos/api'
import { decideJob, isActive, isTerminal, type JobEffect } from '@mnemos/domain'
import { type Change, controller, keyOf, onChange, type Reader } from '@mnemos/kube'
import { jobs, models, namespaces, pods, queues } from '../resources.ts'
import { type JobSources, observeJob } from './observe-job.ts'

/** More writes in flight make a small API server slower, not faster. */
const concurrency = 16

export const jobController = (sources: JobSources, perform: (effect: JobEffect) => Promise<void> | void) =>
  controller(jobs, {
    concurrency,
    owns: [pods],
    wakes: [
      onChange(models, (change, reader) => (mattersToJobs(change) ? waiting(reader, 'model', keyOf(change.object.metadata)) : [])),
      // Whether a Model allows a namespace may hang on its labels.
      onChange(namespaces, ({ type, object }, reader) => (type === 'updated' ? waiting(reader, 'namespace', object.metadata.name) : [])),
      onChange(queues, ({ object }, reader) => waiting(reader, 'queue', object.metadata.name)),
      onChange(jobs, ({ type, object }, reader) =>
        type !== 'updated' || isTerminal(object) ? waiting(reader, 'dependsOn', keyOf(object.metadata)) : [],
      ),
    ],
    observe: (reader, job) => observeJob(sources, reader, job),
    decide: decideJob,
    perform,
    carriedOut: (job, refusal) => sources.ownPods.carriedOut(job, refusal),
  })

/** Thousands of Jobs may wait for one Model: its progress is not for them. */
function mattersToJobs(change: Change<Model>): boolean {
  if (change.type !== 'updated') return true
  const { object, previous } = change
  return (
    object.metadata.generation !== previous.metadata.generation ||
    object.status?.phase !== previous.status?.phase ||
    object.status?.digest !== previous.status?.digest
  )
}

function waiting(reader: Reader, index: 'model' | 'namespace' | 'queue' | 'dependsOn', value: string): string[] {
  return reader
    .byIndex(jobs, index, value)
    .filter((job) => !isActive(job))
    .map(({ metadata }) => keyOf(metadata))
}
