/** Drives a run of a pipeline to its end. Decides nothing itself: see domain/pipelines/pipeline-run.ts. */
import type { PipelineRun } from '@mnemos/api'
import { decidePipelineRun, type RunEffect } from '@mnemos/domain'
import { type Change, controller, keyOf, onChange } from '@mnemos/kube'
import { jobs, models, pipelineRuns, pipelines } from '../resources.ts'
import { observeRun, type RunSources } from './observe-run.ts'

const concurrency = 16

export const pipelineRunController = (sources: RunSources) =>
  controller(pipelineRuns, {
    concurrency,
    owns: [jobs, pipelineRuns],
    wakes: [
      onChange(pipelines, ({ object }, reader) => waiting(reader.byIndex(pipelineRuns, 'pipeline', keyOf(object.metadata)))),
      // Whoever is to be retried is waited for.
      onChange(pipelineRuns, (change, reader) =>
        hasEnded(change) ? reader.byIndex(pipelineRuns, 'keeps', keyOf(change.object.metadata)).map(({ metadata }) => keyOf(metadata)) : [],
      ),
      // Models that a step publishes, and aliases that it moves, are nobody's children.
      onChange(models, ({ object }, reader) => sources.memory.publishing(object, reader)),
    ],
    settleMs: (key) => sources.memory.settleMs(key),
    observe: (reader, run) => observeRun(sources, reader, run),
    decide: decidePipelineRun,
    perform: (effect: RunEffect) => sources.memory.perform(effect),
    refused: (run, child, refusal) => sources.memory.refused(run, child.metadata.name, refusal),
  })

function waiting(runs: readonly PipelineRun[]): string[] {
  return runs.filter(({ status }) => status?.revision === undefined).map(({ metadata }) => keyOf(metadata))
}

function hasEnded(change: Change<PipelineRun>): boolean {
  const { type, object } = change
  return type !== 'updated' || object.status?.phase !== change.previous.status?.phase
}
