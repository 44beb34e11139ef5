/** Pipelines, their revisions and their runs, found as the caller. What is not there is refused with what was most likely meant. */
import { type Pipeline, type PipelineRun, pipelineResource, pipelineRunResource } from '@mnemos/api'
import { labelOf, managedByLabel, nearest, pipelineLabel } from '@mnemos/domain'
import { type Client, controllerOf, isControlledBy, KubeError, type KubeObject, resource } from '@mnemos/kube'
import type { Caller } from './callers.ts'
import { Refusal } from './refusal.ts'

export const pipelines = resource<Pipeline>(pipelineResource)
export const pipelineRuns = resource<PipelineRun>(pipelineRunResource)

/** One spec that a Pipeline had. */
export interface Revision extends KubeObject {
  readonly revision: number
  readonly data?: { readonly spec?: unknown }
}
export const revisions = resource<Revision>({
  group: 'apps',
  version: 'v1',
  plural: 'controllerrevisions',
  kind: 'ControllerRevision',
  namespaced: true,
})

/** Where a run is. */
export interface RunPlace {
  readonly namespace: string
  readonly id: string
  readonly run: string
}

/** @throws Refusal MNEMOS_NOT_FOUND with the name that was most likely meant */
export async function findPipeline({ client }: Caller, namespace: string, name: string): Promise<Pipeline> {
  const found = await client.get(pipelines, { namespace, name })
  if (found !== undefined) return found
  const meant = nearest(name, await pipelineNames(client, namespace))
  const next = meant === undefined ? `list them with GET /v1/pipelines?namespace=${namespace}` : `did you mean ${meant}?`
  throw new Refusal('MNEMOS_NOT_FOUND', `There is no Pipeline ${name} in namespace ${namespace}; ${next}`)
}

/** None for who may not list them: then nothing is suggested. */
async function pipelineNames(client: Client, namespace: string): Promise<readonly string[]> {
  try {
    return (await client.list(pipelines, { namespace, metadataOnly: true })).items.map(({ metadata }) => metadata.name)
  } catch (error) {
    if (error instanceof KubeError && error.status === 403) return []
    throw error
  }
}

/** @throws Refusal MNEMOS_NOT_FOUND, also for a run of another pipeline */
export async function findRun({ client }: Caller, { namespace, id, run }: RunPlace): Promise<PipelineRun> {
  const found = await client.get(pipelineRuns, { namespace, name: run })
  if (found?.spec.pipelineRef.name === id) return found
  throw new Refusal(
    'MNEMOS_NOT_FOUND',
    `There is no run ${run} of Pipeline ${id} in namespace ${namespace}; list them with GET /v1/pipelines/${id}/runs?namespace=${namespace}.`,
  )
}

/** The revisions of a Pipeline that are kept, newest first. */
export async function revisionsOf({ client }: Caller, pipeline: Pipeline): Promise<readonly Revision[]> {
  const { name, namespace = '' } = pipeline.metadata
  const labels = { ...managedByLabel, [pipelineLabel]: labelOf(name) }
  const labelSelector = Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(',')
  const { items } = await client.list(revisions, { namespace, labelSelector })
  return items.filter((each) => isControlledBy(each, pipeline)).sort((a, b) => b.revision - a.revision)
}

/** @throws Refusal MNEMOS_NOT_FOUND that names the revisions there are */
export function revisionNumbered(pipeline: Pipeline, kept: readonly Revision[], number: number): Revision {
  const found = kept.find(({ revision }) => revision === number)
  if (found !== undefined) return found
  const numbers = kept.map(({ revision }) => revision).slice(0, 32)
  const there = numbers.length === 0 ? 'none is kept' : `there are ${numbers.join(', ')}`
  throw new Refusal('MNEMOS_NOT_FOUND', `Pipeline ${pipeline.metadata.name} has no revision ${number}; ${there}.`)
}

/**
 * The spec that a run uses: of its revision, or of the Pipeline as it is while the run has not been looked at. Undefined when neither is there.
 */
export async function specOfRun({ client }: Caller, { metadata, spec, status }: PipelineRun): Promise<unknown> {
  const { namespace = '' } = metadata
  const { name } = spec.pipelineRef
  if (status?.revisionName === undefined) return (await client.get(pipelines, { namespace, name }))?.spec
  const found = await client.get(revisions, { namespace, name: status.revisionName })
  const owner = found === undefined ? undefined : controllerOf(found)
  // A status can be written by hand; another's revision tells nothing of this run.
  return owner?.kind === pipelines.kind && owner.name === name ? found?.data?.spec : undefined
}
