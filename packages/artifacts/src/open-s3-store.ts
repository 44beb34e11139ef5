/** Opens a store of artifacts in an S3 bucket; the SDK is loaded with the first one, so that who has a directory does without it. */
import type { ArtifactStore } from './artifact-store.ts'

export interface S3StoreOptions {
  readonly bucket: string
  readonly region: string
  /** AWS itself when absent. */
  readonly endpoint?: string
  /** The bucket in the path instead of the host's name. */
  readonly pathStyle: boolean
  /** Before every key: empty, or ends with a slash. Default empty. */
  readonly prefix?: string
  /** Default: as the SDK finds them (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a web identity, …). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** How long URLs hold that `urlOf` gives, in seconds; it gives none when absent. */
  readonly presignSeconds?: number
  /** Longest time of one try of a small request, and between two chunks of a body, in ms; default 10,000. There are 3 tries. */
  readonly timeoutMs?: number
  /** Size of the parts of a large object, at least 5 MiB; default 8 MiB. Two of them are in memory per upload. */
  readonly partBytes?: number
  /** Objects above it are copied part by part; default 5 GiB, which is what S3 copies at once. */
  readonly copyLimitBytes?: number
  /** Told of troubles, e.g. for the log; not of the same one twice in a row. */
  readonly onTrouble?: (message: string) => void
}

/** Talks to nobody yet: a server that is away keeps nobody from starting. */
export async function openS3Store(options: S3StoreOptions): Promise<ArtifactStore> {
  const { createS3Store } = await import('./s3-store.ts')
  return createS3Store(options)
}
