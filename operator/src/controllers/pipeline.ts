/** Checks a Pipeline and keeps its revisions. Decides nothing itself: see domain/pipelines/pipeline.ts. */
import { compilePipeline, decidePipeline, labelOf } from '@mnemos/domain'
import { controller, isControlledBy, keyOf, onChange } from '@mnemos/kube'
import type { Pace } from '../pace.ts'
import { pipelineRuns, pipelines, revisions } from '../resources.ts'

export const pipelineController = (pace: Pace) =>
  controller(pipelines, {
    owns: [revisions],
    // A run that goes on, or has ended, changes which revisions are in use.
    wakes: [
      onChange(pipelineRuns, (change) => {
        const isSame = change.type === 'updated' && change.object.status?.phase === change.previous.status?.phase
        const { metadata, spec } = change.object
        return isSame ? [] : [keyOf({ namespace: metadata.namespace ?? '', name: spec.pipelineRef.name })]
      }),
    ],
    observe: (reader, pipeline) => {
      const { namespace = '', name, uid } = pipeline.metadata
      return {
        pipeline,
        compiled: compilePipeline(pipeline.spec),
        revisions: reader
          .byIndex(revisions, 'pipeline', `${namespace}/${labelOf(name)}`)
          .filter((revision) => isControlledBy(revision, pipeline)),
        runs: reader.byIndex(pipelineRuns, 'pipeline', keyOf({ namespace, name })),
        dueInMs: pace.dueInMs(uid),
      }
    },
    decide: decidePipeline,
    perform: (written) => pace.written(written),
  })
