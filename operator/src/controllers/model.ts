/** Brings a Model's bytes in and says where they are. Decides nothing itself: see domain/models/model.ts. */
import type { Model, Worker } from '@mnemos/api'
import { decideModel, importJobName, type ModelWorld } from '@mnemos/domain'
import { type Change, controller, isControlledBy, keyOf, onChange, type Reader } from '@mnemos/kube'
import type { Pace } from '../pace.ts'
import { jobs, models, workerIndexes, workers } from '../resources.ts'

export const modelController = (pace: Pace) =>
  controller(models, {
    owns: [jobs],
    wakes: [onChange(workers, (change, reader) => heldBefore(change).flatMap((digest) => modelsWith(reader, digest)))],
    observe: (reader, model) => ({ ...observeModel(reader, model), dueInMs: pace.dueInMs(model.metadata.uid) }),
    decide: decideModel,
    perform: (written) => pace.written(written),
  })

/** Digests that a Worker holds or held. */
function heldBefore(change: Change<Worker>): readonly string[] {
  const before = change.type === 'updated' ? workerIndexes.digest(change.previous) : []
  return [...new Set([...workerIndexes.digest(change.object), ...before])]
}

function modelsWith(reader: Reader, digest: string): readonly string[] {
  return reader.byIndex(models, 'digest', digest).map(({ metadata }) => keyOf(metadata))
}

function observeModel(reader: Reader, model: Model): Omit<ModelWorld, 'dueInMs'> {
  const importJob = reader.get(jobs, { namespace: model.metadata.namespace ?? '', name: importJobName(model) })
  return {
    model,
    importJob: importJob !== undefined && isControlledBy(importJob, model) ? importJob : undefined,
    cachedOn: holdersOf(reader, model),
    loadedOn: holdersOf(reader, model, 'Loaded'),
  }
}

/** Names of the Workers that hold the bytes, in order. */
function holdersOf(reader: Reader, { status }: Model, state?: 'Loaded'): string[] {
  const digest = status?.digest
  if (digest === undefined) return []
  return reader
    .byIndex(workers, 'digest', digest)
    .filter((worker) => worker.status?.state !== 'Offline')
    .filter(({ status: of }) => of?.models.some((each) => each.digest === digest && (state === undefined || each.state === state)))
    .map(({ metadata }) => metadata.name)
    .sort()
}
