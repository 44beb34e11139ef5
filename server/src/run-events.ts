/** A run as events: where it is at once and at each change, and an end. The id of an event is the version of the run. */
import type { PipelineRun } from '@mnemos/api'
import type { ServerSentEvent } from '@mnemos/contract'

/** Whether nothing of it changes any more. */
export function hasEnded({ status }: PipelineRun): boolean {
  return status !== undefined && ['Succeeded', 'Failed', 'Cancelled'].includes(status.phase)
}

/** @param versions of the run, the first as it is now @param lastEventId version that the reader has already */
export async function* runEvents(
  versions: AsyncIterable<PipelineRun>,
  lastEventId: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent> {
  let told: string | undefined
  for await (const run of versions) {
    const { resourceVersion: id = '' } = run.metadata
    const text = JSON.stringify({ phase: run.status?.phase ?? 'Pending', status: run.status ?? {} })
    // Only what is told is repeated by nobody: a run changes in other ways, too.
    if (text !== told && !(told === undefined && id === lastEventId)) yield { event: 'run', id, data: text }
    told = text
    if (hasEnded(run)) break
  }
  if (!signal.aborted) yield { event: 'end', data: '{}' }
}
