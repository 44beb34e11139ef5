/** Shows on a Worker what its process said. Decides nothing itself: see domain/workers/worker.ts. */
import type { Worker } from '@mnemos/api'
import { decideWorker, type WorkerSession } from '@mnemos/domain'
import { controller, keyOf } from '@mnemos/kube'
import type { Sessions } from '../dispatch/sessions.ts'
import type { Pace } from '../pace.ts'
import type { PlacementLoop } from '../placement-loop.ts'
import { workers } from '../resources.ts'

interface WorkerSources {
  readonly sessions: Sessions
  readonly placement: PlacementLoop
  readonly pace: Pace
}

export const workerController = ({ sessions, placement, pace }: WorkerSources) =>
  controller(workers, {
    observe: (_reader, worker) => {
      const key = keyOf(worker.metadata)
      return {
        worker,
        session: sessionOf(sessions, worker),
        isGone: sessions.isGone(key),
        running: placement.holders(key).size,
        isLeaving: !worker.spec.drain && sessions.of(key)?.isDraining === true,
        dueInMs: pace.dueInMs(worker.metadata.uid),
      }
    },
    decide: decideWorker,
    perform: (written) => pace.written(written),
  })

function sessionOf(sessions: Sessions, { metadata }: Worker): WorkerSession | undefined {
  const session = sessions.of(keyOf(metadata))
  if (session === undefined) return undefined
  const { engines, slots, version, models } = session.capabilities
  const link = sessions.linkOf(session)
  return {
    instance: session.instance,
    link: session.send === undefined && link === 'fresh' ? 'suspect' : link,
    engines,
    slots,
    version,
    connectedAt: session.connectedAt,
    models: models.map(({ digest, loaded }) => ({ digest, loaded })),
  }
}
