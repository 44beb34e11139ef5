/** Gathers from caches, sessions, reports and placement what a decision about one Job may know. Reads only. */
import { type Job, parseTime } from '@mnemos/api'
import { anyEngine, isActive, type JobWorld, mayUse, type NamespaceLabels, type PlacedOn, type Stray, selects } from '@mnemos/domain'
import type { Reader } from '@mnemos/kube'
import type { Reports } from '../dispatch/reports.ts'
import type { Sessions } from '../dispatch/sessions.ts'
import type { PlacementLoop } from '../placement-loop.ts'
import { dependenciesOf, jobs, modelNameOf, modelNamesIn, models, namespaces, pools, queues } from '../resources.ts'
import type { OwnPodsMemory } from './own-pods.ts'

export interface JobSources {
  readonly sessions: Sessions
  readonly reports: Reports
  readonly placement: PlacementLoop
  readonly ownPods: OwnPodsMemory
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** A Job that has waited shorter than this is not described, so nobody counts where it stands. */
const standingAfterMs = 1500

export function observeJob({ sessions, reports, placement, ownPods, now }: JobSources, reader: Reader, job: Job): JobWorld {
  const { namespace = '', uid = '', creationTimestamp } = job.metadata
  const { attempt = 0, worker } = job.status ?? {}
  const modelName = modelNameOf(job)
  const model = modelName === undefined ? undefined : reader.get(models, modelName)
  const labels = reader.get(namespaces, { name: namespace })?.metadata.labels ?? {}
  const queue = reader.get(queues, { name: job.spec.queue })
  const isOld = now() - (parseTime(creationTimestamp) ?? 0) > standingAfterMs
  const own = ownPods.observe(reader, job)
  const waiting = placement.standing(job, model, isOld && own === undefined)
  return {
    job,
    model,
    modelAllowed: model !== undefined && mayUse(model.spec.allowedNamespaces, model.metadata.namespace ?? '', { name: namespace, labels }),
    otherModels: model === undefined && modelName !== undefined ? modelNamesIn(reader, modelName.namespace) : [],
    queueExists: job.spec.queue === 'default' || queue !== undefined,
    queueAllowed: selects(queue?.spec.namespaceSelector, { name: namespace, labels }),
    dependencies: dependenciesOf(job).map((name) => ({ name, job: reader.get(jobs, { namespace, name }) })),
    placement: placement.reservationOf(uid),
    waiting,
    emptyPools:
      waiting.capable > 0 || !isOld || own !== undefined ? [] : emptyPoolsFor(reader, { name: namespace, labels }, waiting.engine),
    worker: worker === undefined || !isActive(job) || own !== undefined ? 'gone' : sessions.linkTo(worker, { jobUid: uid, attempt }),
    report: worker === undefined ? undefined : reports.of(uid, attempt, worker),
    strays: straysOf(reports, job),
    ...(own === undefined ? {} : { own }),
  }
}

/** Attempts that somebody reported although the Job has gone on without them. A number that is yet to come is nobody's stray. */
function straysOf(reports: Reports, { metadata, status }: Job): Stray[] {
  const { attempt = 0, worker } = status ?? {}
  return reports
    .all(metadata.uid ?? '')
    .filter(({ attempt: reported, report: { from } }) => reported < attempt || (reported === attempt && !isSame(from, worker)))
    .map(({ attempt: reported, report }) => ({ attempt: reported, worker: report.from, ended: report.end !== undefined }))
}

/** Most pools are named in one reason; the first says enough. */
const maxPoolsNamed = 2

/** What the pools that make pods, and could serve this namespace, say about having no worker. */
function emptyPoolsFor(reader: Reader, namespace: NamespaceLabels, engine: string | undefined): string[] {
  return reader
    .list(pools)
    .filter(({ metadata, spec }) => !spec.external && mayUse(spec.allowedNamespaces, metadata.namespace ?? '', namespace))
    .filter(({ spec }) => engine === undefined || engine === anyEngine || spec.engines.some((each) => each === engine))
    .flatMap(({ status }) => status?.conditions.find(({ type }) => type === 'Ready') ?? [])
    .filter(({ status, reason }) => status === 'False' || reason === 'ScaledToZero')
    .map(({ message }) => message)
    .slice(0, maxPoolsNamed)
}

function isSame(a: PlacedOn, b: PlacedOn | undefined): boolean {
  return a.name === b?.name && a.instance === b.instance
}
