/** Shows on a Worker what its process said. Decides nothing itself: see domain/workers/worker.ts. */
import type { Worker } from '@mnemos/api'
import { decideWorker, type WorkerSession } from '@mnemos/domain'
import { controller, keyOf } from '@mnemos/kube'
import type { Sessions } from '../dispatch/sessions.ts'
import type { PlacementLoop } from '../placement-loop.ts'
import { workers } from '../resources.ts'

export const workerController = (sessions: Sessions, placement: PlacementLoop) => {
  const writtenAt = new Map<string, number>()
  return controller(workers, {
    observe: (_reader, worker) => {
      const key = keyOf(worker.metadata)
      return { key, worker, session: sessionOf(sessions, worker), running: placement.holders(key).size, writtenAt: writtenAt.get(key) ?? 0 }
    },
    decide: (world, now) => {
      const plan = decideWorker(world, now)
      return plan.status === undefined ? plan : { ...plan, effects: [{ key: world.key, at: now }] }
    },
    perform: ({ key, at }: { key: string; at: number }) => void writtenAt.set(key, at),
    absent: (name) => void writtenAt.delete(keyOf(name)),
  })
}

function sessionOf(sessions: Sessions, { metadata }: Worker): WorkerSession | undefined {
  const session = sessions.of(keyOf(metadata))
  if (session === undefined) return undefined
  const { engines, slots, version, models } = session.capabilities
  return {
    instance: session.instance,
    link: session.send === undefined && sessions.linkOf(session) === 'fresh' ? 'suspect' : sessions.linkOf(session),
    engines,
    slots,
    version,
    connectedAt: session.connectedAt,
    models: models.map(({ digest, loaded }) => ({ digest, loaded })),
  }
}
