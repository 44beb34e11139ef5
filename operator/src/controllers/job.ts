/** Drives a Job to its end. Decides nothing itself: see domain/scheduling/job.ts. */
import { type Job, parseTime } from '@mnemos/api'
import { decideJob, isActive, type JobEffect, type JobWorld, mayUse, type Stray } from '@mnemos/domain'
import { controller, keyOf, onChange, type Reader } from '@mnemos/kube'
import type { Reports } from '../dispatch/reports.ts'
import type { Sessions } from '../dispatch/sessions.ts'
import type { PlacementLoop } from '../placement-loop.ts'
import { jobs, models, namespaces, queues } from '../resources.ts'

interface JobSources {
  readonly sessions: Sessions
  readonly reports: Reports
  readonly placement: PlacementLoop
  readonly perform: (effect: JobEffect) => Promise<void>
}

/** A Job that waits shorter than this does not ask where it stands. */
const standingAfterMs = 1500
const concurrency = 64

export const jobController = (sources: JobSources) =>
  controller(jobs, {
    concurrency,
    wakes: [
      onChange(models, ({ object }, reader) => waiting(reader, 'model', keyOf(object.metadata))),
      onChange(queues, ({ object }, reader) => waiting(reader, 'queue', object.metadata.name)),
      onChange(jobs, ({ object }, reader) => waiting(reader, 'dependsOn', keyOf(object.metadata))),
    ],
    observe: (reader, job) => observeJob(sources, reader, job),
    decide: decideJob,
    perform: sources.perform,
  })

function observeJob({ sessions, reports, placement }: JobSources, reader: Reader, job: Job): JobWorld {
  const { namespace = '', uid = '', creationTimestamp } = job.metadata
  const ref = job.spec.inference?.modelRef
  const modelName = ref === undefined ? undefined : { name: ref.name, namespace: ref.namespace ?? namespace }
  const model = modelName === undefined ? undefined : reader.get(models, modelName)
  const attempt = job.status?.attempt ?? 0
  const worker = isActive(job) ? job.status?.worker : undefined
  const isOld = Date.now() - (parseTime(creationTimestamp) ?? 0) > standingAfterMs
  return {
    job,
    model,
    modelAllowed:
      model !== undefined &&
      mayUse(model.spec.allowedNamespaces, model.metadata.namespace ?? '', {
        name: namespace,
        labels: reader.get(namespaces, { name: namespace })?.metadata.labels ?? {},
      }),
    otherModels: model === undefined && modelName !== undefined ? modelNamesIn(reader, modelName.namespace) : [],
    queueExists: job.spec.queue === 'default' || reader.get(queues, { name: job.spec.queue }) !== undefined,
    dependencies: (job.spec.dependsOn ?? []).map((name) => ({ name, job: reader.get(jobs, { namespace, name }) })),
    placement: placement.reservationOf(uid),
    waiting: placement.standing(job, model, isOld),
    worker: worker === undefined ? 'gone' : sessions.linkTo(worker, { jobUid: uid, attempt }),
    report: job.status?.worker === undefined ? undefined : reports.of(uid, attempt, job.status.worker.instance),
    strays: straysOf(reports, job),
  }
}

/** Attempts that somebody reported although the Job has gone on without them. */
function straysOf(reports: Reports, { metadata, status }: Job): Stray[] {
  const { attempt = 0, worker } = status ?? {}
  return reports
    .all(metadata.uid ?? '')
    .filter(
      (each) => each.attempt < attempt || (each.attempt === attempt && worker !== undefined && each.report.instance !== worker.instance),
    )
    .map(({ attempt: reported, report }) => ({ attempt: reported, instance: report.instance, ended: report.end !== undefined }))
}

function modelNamesIn(reader: Reader, namespace: string): string[] {
  return reader
    .list(models)
    .filter(({ metadata }) => metadata.namespace === namespace)
    .map(({ metadata }) => metadata.name)
}

function waiting(reader: Reader, index: 'model' | 'queue' | 'dependsOn', value: string): string[] {
  return reader
    .byIndex(jobs, index, value)
    .filter((job) => !isActive(job))
    .map(({ metadata }) => keyOf(metadata))
}
