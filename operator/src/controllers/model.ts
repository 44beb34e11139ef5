/** Brings a Model's bytes in and says where they are. Decides nothing itself: see domain/models/model.ts. */
import type { Model } from '@mnemos/api'
import { decideModel, importJobName, type ModelWorld } from '@mnemos/domain'
import { controller, isControlledBy, keyOf, onChange, type Reader } from '@mnemos/kube'
import { jobs, models, workers } from '../resources.ts'

export const modelController = () =>
  controller(models, {
    owns: [jobs],
    wakes: [
      onChange(workers, ({ object }, reader) =>
        (object.status?.models ?? []).flatMap(({ digest }) =>
          reader.byIndex(models, 'digest', digest).map(({ metadata }) => keyOf(metadata)),
        ),
      ),
    ],
    observe: observeModel,
    decide: decideModel,
  })

function observeModel(reader: Reader, model: Model): ModelWorld {
  const { namespace = '' } = model.metadata
  const importJob = reader.get(jobs, { namespace, name: importJobName(model) })
  const digest = model.status?.digest
  const holders = digest === undefined ? [] : reader.byIndex(workers, 'digest', digest)
  const names = (state?: 'Loaded'): string[] =>
    holders
      .filter(
        ({ status }) =>
          status?.state !== 'Offline' &&
          status?.models.some((each) => each.digest === digest && (state === undefined || each.state === state)),
      )
      .map(({ metadata }) => metadata.name)
      .sort()
  return {
    model,
    importJob: importJob !== undefined && isControlledBy(importJob, model) ? importJob : undefined,
    cachedOn: names(),
    loadedOn: names('Loaded'),
  }
}
