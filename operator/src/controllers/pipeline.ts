/** Checks a Pipeline and keeps its revisions. Decides nothing itself: see domain/pipelines/pipeline.ts. */
import type { Pipeline, PipelineRun, PipelineSpec } from '@mnemos/api'
import { compilePipeline, decidePipeline, isOver, labelOf } from '@mnemos/domain'
import { type Change, controller, isControlledBy, keyOf, onChange } from '@mnemos/kube'
import type { Pace } from '../pace.ts'
import { pipelineRuns, pipelines, revisions } from '../resources.ts'

/** By the spec itself: objects of a cache are never changed, only replaced, and each phase of each run wakes its Pipeline. */
const compiled = new WeakMap<PipelineSpec, ReturnType<typeof compilePipeline>>()

function compiledOf(spec: PipelineSpec): ReturnType<typeof compilePipeline> {
  const known = compiled.get(spec) ?? compilePipeline(spec)
  compiled.set(spec, known)
  return known
}

/** Whether a change of a run changes which revisions are in use: most runs begin and end with the one that is in force. */
function changesUse(change: Change<PipelineRun>, pipeline: Pipeline | undefined): boolean {
  const { type, object } = change
  if (type === 'updated' && object.status?.phase === change.previous.status?.phase) return false
  const { revisionName } = object.status ?? {}
  return revisionName !== undefined && (!isOver(object) || revisionName !== pipeline?.status?.revisionName)
}

export const pipelineController = (pace: Pace) =>
  controller(pipelines, {
    owns: [revisions],
    wakes: [
      onChange(pipelineRuns, (change, reader) => {
        const name = { namespace: change.object.metadata.namespace ?? '', name: change.object.spec.pipelineRef.name }
        return changesUse(change, reader.get(pipelines, name)) ? [keyOf(name)] : []
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
