/** Counts the Workers of a WorkerPool. Decides nothing itself: see domain/workers/worker-pool.ts. */
import { decideWorkerPool } from '@mnemos/domain'
import { controller, keyOf, onChange } from '@mnemos/kube'
import { pools, workerIndexes, workers } from '../resources.ts'

export const workerPoolController = () =>
  controller(pools, {
    wakes: [onChange(workers, ({ object }) => workerIndexes.pool(object))],
    observe: (reader, pool) => ({ pool, workers: reader.byIndex(workers, 'pool', keyOf(pool.metadata)) }),
    decide: decideWorkerPool,
  })
