/**
 * Artifacts in an S3 bucket: for any number of servers.
 *
 * Guarantees what the port does: an object appears whole or not at all; what `put` answers is what the server says of the
 * object that this put wrote; the bytes of a whole object end in an error when they do not have its SHA-256, and their last
 * piece is kept back until that is known. Nothing waits for longer than its time. An ETag names a write, never its content.
 */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  type _Object,
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import {
  ArtifactError,
  type ArtifactPage,
  type ArtifactStore,
  type ByteRange,
  checkedKey,
  type ListedArtifact,
  type StoredArtifact,
} from './artifact-store.ts'
import type { S3StoreOptions } from './open-s3-store.ts'
import { type Bucket, openBucket } from './s3-client.ts'
import { isMissing, nameOf, statusOf } from './s3-errors.ts'
import { createSlots, partsOf, within } from './s3-parts.ts'
import { sweep } from './s3-sweep.ts'
import { upload, type Written } from './s3-upload.ts'

/** Uploads that may hold parts in memory at once; each holds at most two parts. */
const uploadsAtOnce = 16
/** What comes from a worker may stop for longer than what a store answers. */
const sourceIdleMs = 120_000
/** Is no key: those begin with a letter or a digit. */
const stagingFolder = '.staging/'

export function createS3Store(options: S3StoreOptions): ArtifactStore {
  const { prefix = '', partBytes = 8 * 1024 ** 2, copyLimitBytes = 5 * 1024 ** 3, presignSeconds } = options
  const bucket = openBucket(options)
  const slots = createSlots(uploadsAtOnce)
  const staging = `${prefix}${stagingFolder}`
  const fullKey = (key: string): string => `${prefix}${checkedKey(key)}`
  const target = (key: string): { Bucket: string; Key: string } => ({ Bucket: bucket.name, Key: fullKey(key) })

  const head = async (key: string): Promise<HeadObjectCommandOutput | undefined> => {
    const command = new HeadObjectCommand({ ...target(key), ChecksumMode: 'ENABLED' })
    return found(bucket.ask(`HEAD ${key}`, (send) => bucket.client.send(command, send), { refuses: isMissing }))
  }
  const get = async (key: string, range?: ByteRange): Promise<Opened | undefined> => {
    if (range !== undefined && (range.end ?? range.start) < range.start)
      throw new ArtifactError('BadRange', `the range of ${key} ends before it starts, at ${range.start}`)
    const Range = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end ?? ''}` }
    const command = new GetObjectCommand({ ...target(key), ...Range })
    const isBeyond = (error: unknown): boolean => nameOf(error) === 'InvalidRange' || statusOf(error) === 416
    const answer = await found(
      bucket.ask(`GET ${key}`, (send) => bucket.client.send(command, send), { refuses: (error) => isMissing(error) || isBeyond(error) }),
    ).catch((error: unknown) => {
      if (isBeyond(error)) throw new ArtifactError('BadRange', `${key} ends before byte ${range?.start ?? 0}`, { cause: error })
      throw error
    })
    return answer === undefined ? undefined : opened(key, answer, { range, bucket })
  }

  return {
    put: async (key, bytes, { sha256: wanted } = {}) => {
      const full = keyOrDestroy(() => fullKey(key), bytes)
      const parts = partsOf(bytes, { partBytes, idleMs: sourceIdleMs, slots })
      const written = await upload(parts, { bucket, key: full, staging, copyLimitBytes, wanted })
      await readBack(key, written, { head, get })
      return { key, sha256: written.sha256, sizeBytes: written.sizeBytes }
    },
    get,
    head: async (key) => {
      const about = await head(key)
      return about === undefined ? undefined : aboutOf(key, about)
    },
    delete: async (key) => {
      const command = new DeleteObjectCommand(target(key))
      await found(bucket.ask(`DELETE ${key}`, (send) => bucket.client.send(command, send), { refuses: isMissing }))
    },
    list: async (below) => {
      const keys: string[] = []
      let next: string | undefined
      do {
        const page = { Bucket: bucket.name, Prefix: `${prefix}${below}`, ...(next === undefined ? {} : { ContinuationToken: next }) }
        const answer = await bucket.ask(`list ${below}`, (send) => bucket.client.send(new ListObjectsV2Command(page), send))
        for (const { Key: full = '' } of answer.Contents ?? []) keys.push(full.slice(prefix.length))
        next = answer.IsTruncated === true ? answer.NextContinuationToken : undefined
      } while (next !== undefined)
      return keys.filter((key) => !key.startsWith(stagingFolder)).sort()
    },
    page: async (below, { limit, after }) => {
      const asked = { Bucket: bucket.name, Prefix: `${prefix}${below}`, MaxKeys: Math.min(limit, 1000) }
      const command = new ListObjectsV2Command({ ...asked, ...(after === undefined ? {} : { StartAfter: `${prefix}${after}` }) })
      const { Contents = [], IsTruncated } = await bucket.ask(`list ${below}`, (send) => bucket.client.send(command, send))
      return pageOf(Contents, { prefix, isWhole: IsTruncated !== true })
    },
    urlOf: async (key) => {
      if (presignSeconds === undefined) return undefined
      return getSignedUrl(bucket.client, new GetObjectCommand(target(key)), { expiresIn: presignSeconds })
    },
    check: () => bucket.ensure(),
    sweep: (olderThanMs) => sweep(bucket, { prefix, staging, olderThanMs }),
    close: () => {
      bucket.client.destroy()
      return Promise.resolve()
    },
  }
}

/** Servers differ in the order of keys, so a page goes on behind the last that this one was told. */
function pageOf(contents: readonly _Object[], { prefix, isWhole }: { prefix: string; isWhole: boolean }): ArtifactPage {
  const items = contents.flatMap(({ Key, Size = 0, LastModified }): ListedArtifact[] => {
    const key = Key?.slice(prefix.length)
    // What has no time is taken for new: nothing is removed for being old then.
    return key === undefined || key.startsWith(stagingFolder)
      ? []
      : [{ key, sizeBytes: Size, modifiedAt: LastModified?.getTime() ?? Date.now() }]
  })
  const last = contents.at(-1)?.Key
  return { items, ...(isWhole || last === undefined ? {} : { next: last.slice(prefix.length) }) }
}

interface Opened {
  readonly about: StoredArtifact
  readonly bytes: Readable
}

interface Reading {
  readonly head: (key: string) => Promise<HeadObjectCommandOutput | undefined>
  readonly get: (key: string) => Promise<Opened | undefined>
}

/**
 * Compares what this put wrote with what is there. Another put that came over it meanwhile is told by its ETag; then there is
 * nothing left of this one to compare, as if it had been put a moment before.
 * @throws ArtifactError `DigestMismatch`
 */
async function readBack(key: string, written: Written, { head, get }: Reading): Promise<void> {
  const there = await head(key)
  if (there === undefined) throw new ArtifactError('Unavailable', `${key} was not there when it was read back`)
  if (there.ETag !== written.etag) return
  const about = aboutOf(key, there)
  const isSame = about.sha256 === written.sha256 && about.sizeBytes === written.sizeBytes
  const checksum = written.checksums.length === 0 ? undefined : there.ChecksumSHA256
  if (!isSame || (checksum !== undefined && !written.checksums.includes(checksum)))
    throw new ArtifactError('DigestMismatch', `${key} was read back with SHA-256 ${about.sha256}, but ${written.sha256} was written`)
  // Where there is no checksum to compare the bytes have to be shown.
  if (checksum === undefined) for await (const _ of (await get(key))?.bytes ?? []);
}

/** @throws ArtifactError `DigestMismatch` for an object that somebody else put there */
function aboutOf(key: string, { Metadata, ContentLength }: Pick<HeadObjectCommandOutput, 'Metadata' | 'ContentLength'>): StoredArtifact {
  const sha256 = Metadata?.['sha256']
  if (sha256 === undefined || !/^[0-9a-f]{64}$/.test(sha256) || ContentLength === undefined)
    throw new ArtifactError('DigestMismatch', `${key} has no SHA-256 in its metadata; was it put there by something else?`)
  return { key, sha256, sizeBytes: ContentLength }
}

function opened(key: string, answer: GetObjectCommandOutput, { range, bucket }: { range: ByteRange | undefined; bucket: Bucket }): Opened {
  const body = answer.Body as Readable // in Node the SDK answers with a stream
  body.on('error', () => undefined)
  const length = answer.ContentLength ?? 0
  const total = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.ContentRange ?? '')
  try {
    if (range !== undefined && Number(total?.[1]) !== range.start)
      throw new ArtifactError('Unavailable', `the S3 server answered with another range of ${key} than was asked for`)
    const about = aboutOf(key, { ...answer, ContentLength: range === undefined ? length : Number(total?.[2]) })
    const sha256 = range === undefined ? about.sha256 : undefined
    const bytes = Readable.from(verified(body, { key, length, sha256, idleMs: bucket.timeoutMs }), { objectMode: false })
    // Who never reads has to let go of the connection by destroying; nothing runs before the first read.
    bytes.once('close', () => body.destroy())
    return { about, bytes }
  } catch (error) {
    body.destroy()
    throw error
  }
}

/** @throws ArtifactError `Unavailable` when bytes stop coming, or end too early; `DigestMismatch` when they are others */
async function* verified(
  body: Readable,
  { key, length, sha256, idleMs }: { key: string; length: number; sha256: string | undefined; idleMs: number },
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer> // no encoding is set
  let count = 0
  let held: Buffer | undefined
  try {
    for (;;) {
      const next = await within(chunks.next(), idleMs, `the bytes of ${key} stopped coming`).catch((cause: unknown) => {
        throw cause instanceof ArtifactError ? cause : new ArtifactError('Unavailable', `the bytes of ${key} broke off`, { cause })
      })
      if (next.done === true) break
      if (held !== undefined) yield held
      held = next.value
      count += held.length
      hash.update(held)
    }
    if (count !== length) throw new ArtifactError('Unavailable', `${count} of ${length} bytes of ${key} came`)
    const found = hash.digest('hex')
    if (sha256 !== undefined && found !== sha256)
      throw new ArtifactError('DigestMismatch', `${key} was read with SHA-256 ${found}, not ${sha256}`)
    if (held !== undefined) yield held
  } finally {
    body.destroy()
  }
}

async function found<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Nobody reads the bytes of a key that is none. */
function keyOrDestroy(check: () => string, bytes: Readable): string {
  try {
    return check()
  } catch (error) {
    bytes.destroy()
    throw error
  }
}
