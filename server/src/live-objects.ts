/** What of the cluster keeps artifacts, read live and page by page: Jobs, PipelineRuns and Models may be many and large. */
import { type Job, pipelineRunResource } from '@mnemos/api'
import { type LiveObjects, noLiveObjects, noteJob, noteReferences } from '@mnemos/domain'
import { type Client, type KubeObject, pathOf, type Resource, resource } from '@mnemos/kube'
import { jobs } from './job-follower.ts'
import { models } from './pod-attempts.ts'

export const pipelineRuns = resource<KubeObject>(pipelineRunResource)

const pageSize = 250

/** @throws KubeError when anything could not be read: half of an answer would say that the other half is gone */
export async function readLiveObjects(client: Client, signal: AbortSignal): Promise<LiveObjects> {
  const live = noLiveObjects()
  for await (const job of everyOne(client, jobs, signal)) noteJob(live, job as Job)
  for (const kind of [pipelineRuns, models]) for await (const object of everyOne(client, kind, signal)) noteReferences(live, object)
  return live
}

async function* everyOne(client: Client, kind: Resource, signal: AbortSignal): AsyncGenerator<KubeObject> {
  for (let next: string | undefined, isFirst = true; isFirst || next !== undefined; isFirst = false) {
    const query = { limit: String(pageSize), ...(next === undefined ? {} : { continue: next }) }
    const page = await client.request<{ items: KubeObject[]; metadata: { continue?: string } }>('GET', pathOf(kind, {}), { query, signal })
    yield* page.items
    next = page.metadata.continue === '' ? undefined : page.metadata.continue
  }
}
