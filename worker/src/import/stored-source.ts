/** Opens a source that the artifact store has already: what a Job left behind, by the key that the assignment names and allows. */
import { shownUri } from '@mnemos/api'
import type { AttemptContext } from '../agent/attempt.ts'
import { WorkFailure } from '../failure.ts'
import type { OpenSource } from './source.ts'

/** @throws WorkFailure BadInput when the object is gone, Transient for what may work later */
export async function openStored(uri: string, key: string, { session, signal }: AttemptContext): Promise<OpenSource> {
  const held = await session.head(key, signal)
  if (held === undefined)
    throw new WorkFailure({
      class: 'BadInput',
      reason: 'SourceNotFound',
      message: `The artifact store has no object ${key} (any more), which ${shownUri(uri)} stands for.`,
      hint: 'Run the Job again that makes it.',
    })
  const { body } = await session.get(key, { offset: 0, signal })
  return { body, totalBytes: held.sizeBytes, sha256: held.sha256, close: () => Promise.resolve() }
}
