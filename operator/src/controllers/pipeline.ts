/** Checks a Pipeline and keeps its revisions. Decides nothing itself: see domain/pipelines/pipeline.ts. */
import type { PipelineSpec } from '@mnemos/api'
import { compilePipeline, decidePipeline, labelOf } from '@mnemos/domain'
import { controller, isControlledBy, keyOf, onChange } from '@mnemos/kube'
import type { Pace } from '../pace.ts'
import { pipelineRuns, pipelines, revisions } from '../resources.ts'

/** By the spec itself: objects of a cache are never changed, only replaced, and each phase of each run wakes its Pipeline. */
const compiled = new WeakMap<PipelineSpec, ReturnType<typeof compilePipeline>>()

function compiledOf(spec: PipelineSpec): ReturnType<typeof compilePipeline> {
  const known = compiled.get(spec) ?? compilePipeline(spec)
  compiled.set(spec, known)
  return known
}

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
        compiled: compiledOf(pipeline.spec),
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
