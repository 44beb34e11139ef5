/** The sentences in which the model cache fails: each names the model, the file and the figures that would have to change. */
import { asWorkFailure, WorkFailure } from '../failure.ts'
import { Transient } from '../storage/retry.ts'
import type { WantedModel } from './model-cache.ts'

export function wrongDigest({ name, artifact, digest, sizeBytes }: WantedModel, got: { digest: string; sizeBytes: number }): WorkFailure {
  return new WorkFailure({
    class: 'ModelUnavailable',
    reason: 'DigestMismatch',
    message: `The file ${artifact} of Model ${name} is not the verified one: wanted ${digest} (${sizeBytes} bytes), found ${got.digest} (${got.sizeBytes} bytes).`,
    hint: 'The stored object is damaged; import the Model again.',
  })
}

export function tooLarge({ name, sizeBytes }: WantedModel, limitBytes: number): WorkFailure {
  return new WorkFailure({
    class: 'DiskFull',
    reason: 'CacheFull',
    message: `Model ${name} has ${sizeBytes} bytes and does not fit into the worker's cache of ${limitBytes} bytes beside the models in use.`,
    hint: 'Raise --cache-bytes of the worker or use a worker with a larger disk.',
  })
}

/** What a download threw, as a failure of the attempt. */
export function downloadFailure({ name, artifact, sizeBytes }: WantedModel, error: unknown): WorkFailure {
  if (error instanceof Transient) {
    return new WorkFailure({
      class: 'StorageUnavailable',
      reason: 'DownloadFailed',
      message: `The file ${artifact} of Model ${name} could not be downloaded: ${error.message}.`,
      hint: 'The attempt is repeated; check that the server is up and reachable from the worker.',
      cause: error,
    })
  }
  const failure = asWorkFailure(error)
  if (failure.class !== 'DiskFull' || failure === error) return failure
  return new WorkFailure({
    class: 'DiskFull',
    reason: 'DiskFull',
    message: `The disk of the worker is full: Model ${name} needs ${sizeBytes} bytes, and no unused model is left to evict.`,
    hint: 'Free space on the disk of the cache, or use a worker with a larger one.',
    cause: error,
  })
}
