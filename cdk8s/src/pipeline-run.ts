/** PipelineRun, with parameters of the types that its Pipeline declares. */
import type { Construct } from 'constructs'
import { PipelineRun as GeneratedRun } from './gen/constructs.ts'
import type { Parameters, RunProps } from './pipeline-types.ts'

/**
 * One execution of one revision of a Pipeline.
 *
 * What a run is given is fixed once it is created: give another run another name (or id).
 */
export class PipelineRun extends GeneratedRun {
  /** A run of a Pipeline of this app: what it must be given, and may be, follows from the Pipeline. */
  static fromPipeline<Declared extends Parameters>(scope: Construct, id: string, props: RunProps<Declared>): PipelineRun {
    const { metadata, pipeline, parameters, spec } = props
    return new PipelineRun(scope, id, {
      ...(metadata === undefined ? {} : { metadata }),
      spec: { ...spec, pipelineRef: pipeline, ...(parameters === undefined ? {} : { parameters }) },
    })
  }
}
