/** Where results of Jobs are stored. What a status names outside its own Job's place is nobody's result: statuses can be written by hand. */
import type { Job } from '@mnemos/api'
import type { ArtifactStore } from '@mnemos/artifacts'
import { ownKey } from '@mnemos/domain'

export function resultKeyOf(job: Job): string | undefined {
  const uri = job.status?.result?.uri
  return uri === undefined ? undefined : ownKey(job, uri)?.key
}

/** Undefined when there is none, or none any more. @param maxBytes a larger one counts as none */
export async function resultTextOf(artifacts: ArtifactStore, job: Job, maxBytes = Number.MAX_SAFE_INTEGER): Promise<string | undefined> {
  const key = resultKeyOf(job)
  const found = key === undefined ? undefined : await artifacts.get(key)
  if (found === undefined) return undefined
  if (found.about.sizeBytes > maxBytes) {
    found.bytes.destroy()
    return undefined
  }
  return Buffer.concat(await found.bytes.toArray()).toString()
}
