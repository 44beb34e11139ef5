/** Counts the Workers of a WorkerPool. Decides nothing itself: see domain/workers/worker-pool.ts. */
import { decideWorkerPool } from '@mnemos/domain'
import { controller, keyOf, onChange } from '@mnemos/kube'
import type { Pace } from '../pace.ts'
import { pools, workerIndexes, workers } from '../resources.ts'

export const workerPoolController = (pace: Pace) =>
  controller(pools, {
    wakes: [onChange(workers, ({ object }) => workerIndexes.pool(object))],
    observe: (reader, pool) => ({
      pool,
      workers: reader.byIndex(workers, 'pool', keyOf(pool.metadata)),
      dueInMs: pace.dueInMs(pool.metadata.uid),
    }),
    decide: decideWorkerPool,
    perform: (written) => pace.written(written),
  })
