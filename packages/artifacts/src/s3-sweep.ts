/** Removes what crashes left in a bucket: multipart uploads that nobody ends, and staged objects that nobody copies. */
import { AbortMultipartUploadCommand, DeleteObjectCommand, ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import type { Bucket } from './s3-client.ts'

export interface SweepOptions {
  readonly prefix: string
  readonly staging: string
  /** Younger ones may belong to a server that runs. */
  readonly olderThanMs: number
}

/** One page of each at a time is enough: what is left is found by the next sweep. @returns how many were removed @throws ArtifactError */
export async function sweep(bucket: Bucket, { prefix, staging, olderThanMs }: SweepOptions): Promise<number> {
  const isOld = (at: Date | undefined): boolean => at !== undefined && Date.now() - at.getTime() > olderThanMs
  const Bucket = bucket.name
  const uploads = await bucket.ask('list uploads', (options) =>
    bucket.client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: prefix }), options),
  )
  const staged = await bucket.ask('list staged', (options) =>
    bucket.client.send(new ListObjectsV2Command({ Bucket, Prefix: staging }), options),
  )
  const oldUploads = (uploads.Uploads ?? []).filter(({ Initiated }) => isOld(Initiated))
  const oldObjects = (staged.Contents ?? []).filter(({ LastModified }) => isOld(LastModified))
  for (const { Key, UploadId } of oldUploads) {
    const command = new AbortMultipartUploadCommand({ Bucket, Key, UploadId })
    await bucket.ask('abort upload', (options) => bucket.client.send(command, options))
  }
  for (const { Key } of oldObjects) {
    const command = new DeleteObjectCommand({ Bucket, Key })
    await bucket.ask('delete staged', (options) => bucket.client.send(command, options))
  }
  return oldUploads.length + oldObjects.length
}
