/**
 * Requests to one bucket: bounded in time and in repetitions, and with a bucket that is made when it is missing.
 *
 * Every body here is a Buffer, so that a request can be sent again as it was.
 */
import { CreateBucketCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { ArtifactError } from './artifact-store.ts'
import type { S3StoreOptions } from './open-s3-store.ts'
import { mapped, nameOf, noBucket } from './s3-errors.ts'

/** How much longer than a small request this one may take. */
export type Patience = 'small' | 'part' | 'copy'

export interface Bucket {
  readonly client: S3Client
  readonly name: string
  /** Longest time of one try of a small request, and between two chunks of a body, in ms. */
  readonly timeoutMs: number
  /**
   * Runs one request. `run` gets what the SDK's `send` takes as its second argument.
   * @param about.refuses errors for the caller to read; they come as the SDK throws them
   * @throws ArtifactError
   */
  ask<T>(
    what: string,
    run: (options: SendOptions) => Promise<T>,
    about?: { patience?: Patience; refuses?: (error: unknown) => boolean },
  ): Promise<T>
  /** Returns when the bucket is there; makes it when it is not. @throws ArtifactError */
  ensure(): Promise<void>
}

export interface SendOptions {
  readonly abortSignal: AbortSignal
  readonly requestTimeout: number
}

const tries = 3
const factors: Readonly<Record<Patience, number>> = { small: 1, part: 6, copy: 60 }

export function openBucket({
  bucket: name,
  region,
  endpoint,
  pathStyle,
  credentials,
  timeoutMs = 10_000,
  onTrouble,
}: S3StoreOptions): Bucket {
  const client = new S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    forcePathStyle: pathStyle,
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: tries,
    // SHA-256 is computed here and sent along; a second checksum of the SDK's own choice would only cost.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: Math.min(timeoutMs, 5000),
      requestTimeout: timeoutMs,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: 256 },
      httpsAgent: { keepAlive: true, maxSockets: 256 },
    },
  })
  const once = async <T>(run: (options: SendOptions) => Promise<T>, patience: Patience): Promise<T> => {
    const requestTimeout = timeoutMs * factors[patience]
    // Pauses between tries included; the last resort when a reply begins and never ends.
    return run({ abortSignal: AbortSignal.timeout(requestTimeout * tries + 5000), requestTimeout })
  }
  const ensure = async (): Promise<void> => {
    try {
      await once((options) => client.send(new HeadBucketCommand({ Bucket: name }), options), 'small')
    } catch (error) {
      if (!['NotFound', 'NoSuchBucket'].includes(nameOf(error))) throw mapped(error, 'HEAD bucket')
      await create()
    }
  }
  const create = async (): Promise<void> => {
    const where = region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: region as 'eu-west-1' } }
    try {
      await once((options) => client.send(new CreateBucketCommand({ Bucket: name, ...where }), options), 'small')
    } catch (error) {
      if (nameOf(error) === 'BucketAlreadyOwnedByYou') return
      const refused = mapped(error, 'PUT bucket')
      throw refused.code === 'Denied' ? noBucket(error) : refused
    }
  }
  let told = ''
  const tell = (error: ArtifactError): ArtifactError => {
    if (error.message !== told) onTrouble?.(error.message)
    told = error.message
    return error
  }
  return {
    client,
    name,
    timeoutMs,
    ensure,
    ask: async (what, run, { patience = 'small', refuses = () => false } = {}) => {
      try {
        return await once(run, patience).catch(async (error: unknown) => {
          if (nameOf(error) !== 'NoSuchBucket') throw error
          await ensure()
          return once(run, patience)
        })
      } catch (error) {
        if (refuses(error)) throw error
        throw tell(mapped(error, what))
      }
    },
  }
}
