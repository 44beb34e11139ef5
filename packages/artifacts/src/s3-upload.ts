/**
 * Bytes into a bucket: whole or not at all, with the SHA-256 in the object's metadata.
 *
 * A small object is one PUT. A large one whose digest was promised is a multipart upload under its key: metadata is set when it
 * begins. A large one whose digest only its end tells is uploaded to a key of its own and copied by the server with its
 * digest. Each request carries the SHA-256 of its bytes, which the server compares. See docs/decisions on why.
 */
import { createHash, randomUUID } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { ArtifactError } from './artifact-store.ts'
import type { Bucket } from './s3-client.ts'
import { isMissing, nameOf } from './s3-errors.ts'
import type { Part } from './s3-parts.ts'

export interface Written {
  /** Names this write among others of the same key. */
  readonly etag: string | undefined
  readonly sha256: string
  readonly sizeBytes: number
  /** What the server may answer when it is asked for the checksum of the object; empty when that cannot be told beforehand. */
  readonly checksums: readonly string[]
}

export interface UploadOptions {
  readonly bucket: Bucket
  /** In the bucket, with the prefix. */
  readonly key: string
  /** Where large objects whose digest nobody knows yet are put; ends with a slash. */
  readonly staging: string
  readonly copyLimitBytes: number
  /** 64 hex digits, when promised. */
  readonly wanted: string | undefined
}

interface UploadedPart {
  readonly PartNumber: number
  readonly ETag: string | undefined
  readonly ChecksumSHA256?: string
}

const contentType = 'application/octet-stream'
const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex')
const base64 = (hex: string): string => bytesOf(hex).toString('base64')

/** @throws ArtifactError; nothing is left then, unless the server could not be asked to clean up */
export async function upload(parts: AsyncGenerator<Part>, options: UploadOptions): Promise<Written> {
  try {
    const first = await parts.next()
    if (first.done === true) throw new Error('a source has at least one part')
    return await (first.value.isLast ? putWhole(first.value.bytes, options) : putParts(first.value, parts, options))
  } finally {
    await parts.return(undefined)
  }
}

async function putWhole(bytes: Buffer, { bucket, key, wanted }: UploadOptions): Promise<Written> {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  mustBe(sha256, wanted, key)
  const answer = await bucket.ask(
    `PUT ${key}`,
    (options) =>
      bucket.client.send(
        new PutObjectCommand({
          Bucket: bucket.name,
          Key: key,
          Body: bytes,
          ContentLength: bytes.length,
          ContentType: contentType,
          ChecksumSHA256: base64(sha256),
          Metadata: { sha256 },
        }),
        options,
      ),
    { patience: 'part' },
  )
  return { etag: answer.ETag, sha256, sizeBytes: bytes.length, checksums: [base64(sha256)] }
}

async function putParts(first: Part, rest: AsyncGenerator<Part>, options: UploadOptions): Promise<Written> {
  const { bucket, key, staging, copyLimitBytes, wanted } = options
  if (wanted !== undefined) return uploadParts(first, rest, { ...options, metadata: { sha256: wanted } })
  const staged = `${staging}${randomUUID()}`
  try {
    const written = await uploadParts(first, rest, { ...options, key: staged, metadata: {} })
    const copied = { ...written, from: staged, to: key }
    if (written.sizeBytes <= copyLimitBytes) return { ...written, etag: await copy(bucket, copied) }
    return { ...written, etag: await copyInParts(bucket, copied, copyLimitBytes), checksums: [] }
  } finally {
    await quietly(() => remove(bucket, staged))
  }
}

/** @param options.metadata of the object, which an upload has from its beginning */
async function uploadParts(
  first: Part,
  rest: AsyncGenerator<Part>,
  options: UploadOptions & { readonly metadata: Record<string, string> },
): Promise<Written> {
  const { bucket, key, wanted, metadata } = options
  const hash = createHash('sha256')
  const digests: Buffer[] = []
  let sizeBytes = 0
  return inParts({ bucket, key, metadata }, async (send) => {
    let sending: Promise<unknown> = Promise.resolve()
    const begin = async ({ bytes }: Part): Promise<void> => {
      hash.update(bytes)
      sizeBytes += bytes.length
      const digest = createHash('sha256').update(bytes).digest()
      digests.push(digest)
      // One part is on its way while the next one comes.
      await sending
      sending = send(bytes, digest.toString('base64'))
      sending.catch(() => undefined)
    }
    await begin(first)
    for await (const part of rest) if (part.bytes.length > 0) await begin(part)
    await sending
    const sha256 = hash.digest('hex')
    mustBe(sha256, wanted, key)
    const ofParts = createHash('sha256').update(Buffer.concat(digests)).digest('base64')
    return { sha256, sizeBytes, checksums: [base64(sha256), `${ofParts}-${digests.length}`, ofParts] }
  })
}

/** One multipart upload, completed when `fill` returns and aborted when it throws. */
async function inParts<T extends { readonly sizeBytes: number }>(
  { bucket, key, metadata }: { bucket: Bucket; key: string; metadata: Record<string, string> },
  fill: (send: (bytes: Buffer, checksum: string) => Promise<void>) => Promise<T>,
): Promise<T & { etag: string | undefined }> {
  const target = { Bucket: bucket.name, Key: key }
  const begun = await bucket.ask(`POST ${key}`, (options) =>
    bucket.client.send(
      new CreateMultipartUploadCommand({ ...target, ContentType: contentType, ChecksumAlgorithm: 'SHA256', Metadata: metadata }),
      options,
    ),
  )
  const id = { ...target, UploadId: begun.UploadId }
  const sent: UploadedPart[] = []
  try {
    const filled = await fill(async (bytes, checksum) => {
      const part = { PartNumber: sent.length + 1, ChecksumSHA256: checksum }
      const command = new UploadPartCommand({ ...id, ...part, Body: bytes, ContentLength: bytes.length })
      const { ETag } = await bucket.ask(`PUT part of ${key}`, (options) => bucket.client.send(command, options), { patience: 'part' })
      sent.push({ ...part, ETag })
    })
    return { ...filled, etag: await complete(bucket, { ...id, parts: sent, sizeBytes: filled.sizeBytes }) }
  } catch (error) {
    await quietly(() => bucket.client.send(new AbortMultipartUploadCommand(id), { abortSignal: AbortSignal.timeout(bucket.timeoutMs) }))
    throw error
  }
}

interface Completion {
  readonly Bucket: string
  readonly Key: string
  readonly UploadId: string | undefined
  readonly parts: readonly UploadedPart[]
  readonly sizeBytes: number
}

/** When the reply to a completion is lost, the next try finds no upload: then the object itself tells whether it happened. */
async function complete(bucket: Bucket, { parts, sizeBytes, ...id }: Completion): Promise<string | undefined> {
  const isOver = (error: unknown): boolean => nameOf(error) === 'NoSuchUpload'
  const command = new CompleteMultipartUploadCommand({ ...id, MultipartUpload: { Parts: [...parts] } })
  try {
    const answer = await bucket.ask(`complete ${id.Key}`, (options) => bucket.client.send(command, options), {
      patience: 'copy',
      refuses: isOver,
    })
    return answer.ETag
  } catch (error) {
    if (!isOver(error)) throw error
    const found = await bucket
      .ask(`HEAD ${id.Key}`, (options) => bucket.client.send(new HeadObjectCommand({ Bucket: id.Bucket, Key: id.Key }), options), {
        refuses: isMissing,
      })
      .catch(() => undefined)
    if (found?.ContentLength !== sizeBytes) throw new ArtifactError('Unavailable', `the upload of ${id.Key} was lost`, { cause: error })
    return found.ETag
  }
}

interface Copied {
  readonly from: string
  readonly to: string
  readonly sha256: string
  readonly sizeBytes: number
}

const sourceOf = (bucket: Bucket, key: string): string => `${bucket.name}/${key.split('/').map(encodeURIComponent).join('/')}`

async function copy(bucket: Bucket, { from, to, sha256 }: Copied): Promise<string | undefined> {
  const command = new CopyObjectCommand({
    Bucket: bucket.name,
    Key: to,
    CopySource: sourceOf(bucket, from),
    MetadataDirective: 'REPLACE',
    Metadata: { sha256 },
    ContentType: contentType,
    ChecksumAlgorithm: 'SHA256',
  })
  const answer = await bucket.ask(`copy to ${to}`, (options) => bucket.client.send(command, options), { patience: 'copy' })
  return answer.CopyObjectResult?.ETag
}

async function copyInParts(bucket: Bucket, { from, to, sha256, sizeBytes }: Copied, partBytes: number): Promise<string | undefined> {
  const target = { Bucket: bucket.name, Key: to }
  const begin = new CreateMultipartUploadCommand({ ...target, ContentType: contentType, ChecksumAlgorithm: 'SHA256', Metadata: { sha256 } })
  const begun = await bucket.ask(`POST ${to}`, (options) => bucket.client.send(begin, options))
  const id = { ...target, UploadId: begun.UploadId }
  const parts: UploadedPart[] = []
  try {
    for (let at = 0; at < sizeBytes; at += partBytes) {
      const command = new UploadPartCopyCommand({
        ...id,
        PartNumber: parts.length + 1,
        CopySource: sourceOf(bucket, from),
        CopySourceRange: `bytes=${at}-${Math.min(at + partBytes, sizeBytes) - 1}`,
      })
      const answer = await bucket.ask(`copy part to ${to}`, (options) => bucket.client.send(command, options), { patience: 'copy' })
      const { ETag, ChecksumSHA256 } = answer.CopyPartResult ?? {}
      parts.push({ PartNumber: parts.length + 1, ETag, ...(ChecksumSHA256 === undefined ? {} : { ChecksumSHA256 }) })
    }
    return await complete(bucket, { ...id, parts, sizeBytes })
  } catch (error) {
    await quietly(() => bucket.client.send(new AbortMultipartUploadCommand(id), { abortSignal: AbortSignal.timeout(bucket.timeoutMs) }))
    throw error
  }
}

async function remove(bucket: Bucket, key: string): Promise<void> {
  const command = new DeleteObjectCommand({ Bucket: bucket.name, Key: key })
  await bucket.ask(`DELETE ${key}`, (options) => bucket.client.send(command, options), { refuses: isMissing })
}

/** For cleaning up: what fails here is left for the sweep of what is old, and does not hide why it was needed. */
async function quietly(run: () => Promise<unknown>): Promise<void> {
  await run().catch(() => undefined)
}

function mustBe(sha256: string, wanted: string | undefined, key: string): void {
  if (wanted !== undefined && sha256 !== wanted)
    throw new ArtifactError('DigestMismatch', `the bytes sent for ${key} have SHA-256 ${sha256}, not ${wanted}`)
}
