/**
 * What a Job left in the artifact store: of an inference its answer, of a container the files that it was to leave.
 *
 * Guarantees: nothing outside the Job's own place is told, because statuses can be written by hand; what cannot be read is nothing.
 */
import type { Job } from '@mnemos/api'
import { z } from 'zod'
import { parsedJson } from '../reading.ts'

export interface MadeFile {
  /** `result`: the answer of an inference, as JSON. */
  readonly output: string
  readonly key: string
  readonly sha256: string
  readonly sizeBytes: number
  /** Attempt whose place it is in. */
  readonly attempt: number
}

const kept = z.object({
  name: z.string().min(1).max(63),
  uri: z.string().max(1024),
  sha256: z.string().regex(/^[a-f0-9]{64}$/),
  sizeBytes: z.int().min(0),
})
const containerResult = z.object({ outputs: z.array(z.unknown()).max(64) })

/** Where everything that a Job leaves behind is. */
function placeOf({ metadata }: Job): string {
  return `outputs/${metadata.namespace ?? ''}/${metadata.uid ?? ''}/`
}

/** The key of what a Job left behind; undefined for what is not in its own place. */
export function ownKey(job: Job, uri: string): { readonly key: string; readonly attempt: number } | undefined {
  const key = uri.startsWith('artifact://') ? uri.slice('artifact://'.length) : ''
  const place = placeOf(job)
  if (job.metadata.uid === undefined || !key.startsWith(place)) return undefined
  const [attempt = '', ...rest] = key.slice(place.length).split('/')
  const isPlain = rest.length > 0 && rest.every((part) => part !== '' && part !== '.' && part !== '..')
  return isPlain && /^a\d+$/.test(attempt) ? { key, attempt: Number(attempt.slice(1)) } : undefined
}

/** Whether only the stored result says what there is. */
export function needsStoredResult({ spec, status }: Job): boolean {
  return status?.phase === 'Succeeded' && spec.container !== undefined && status.result !== undefined && status.result.inline === undefined
}

/** @param stored the text of the stored result, where it is needed */
export function madeFiles(job: Job, stored?: string): readonly MadeFile[] {
  const { spec, status } = job
  if (status?.phase !== 'Succeeded' || status.result === undefined) return []
  const { uri, sha256, sizeBytes, inline } = status.result
  const own = ownKey(job, uri)
  if (own === undefined) return []
  if (spec.container === undefined) return [{ output: 'result', ...own, sha256, sizeBytes }]
  const parsed = containerResult.safeParse(parsedJson(inline ?? stored))
  return (parsed.data?.outputs ?? []).flatMap((output) => {
    const file = kept.safeParse(output)
    const at = file.success ? ownKey(job, file.data.uri) : undefined
    return file.success && at !== undefined
      ? [{ output: file.data.name, ...at, sha256: file.data.sha256, sizeBytes: file.data.sizeBytes }]
      : []
  })
}
