/** Model, with the digest taken from the file that was tried. */
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { basename } from 'node:path'
import type { ApiObjectMetadata } from 'cdk8s'
import type { Construct } from 'constructs'
import { Model as GeneratedModel, type ModelSource, type ModelSpec } from './gen/constructs.ts'

/** What `Model.fromFile` makes a Model from. */
export interface ModelFileProps {
  /** Path of the file on this machine. It is read once, to pin its SHA-256. */
  readonly file: string
  /** Where workers fetch the same bytes: `s3://…`, `https://…`, `oci://…`. Default: `file:///<name>`, as `mnemos dev` resolves it. */
  readonly uri?: string
  /** Secret of the Model's namespace with credentials for the uri. */
  readonly secretRef?: ModelSource['secretRef']
  readonly metadata?: ApiObjectMetadata
  /** The rest of the spec. */
  readonly spec?: Omit<ModelSpec, 'source'>
}

/** A language model: where its bytes come from, how they are verified, who may use them. */
export class Model extends GeneratedModel {
  /**
   * A Model that accepts only the bytes of a file on this machine.
   * @throws the error of the file system when the file cannot be read
   */
  static fromFile(scope: Construct, id: string, { file, uri, secretRef, metadata, spec }: ModelFileProps): Model {
    const source = { uri: uri ?? `file:///${basename(file)}`, digest: digestOf(file), ...(secretRef === undefined ? {} : { secretRef }) }
    return new Model(scope, id, { ...(metadata === undefined ? {} : { metadata }), spec: { ...spec, source } })
  }
}

/** Models are larger than memory: the file is read piece by piece, and synchronously, as constructs are made. */
function digestOf(file: string): string {
  const hash = createHash('sha256')
  const piece = Buffer.alloc(1024 * 1024)
  const opened = openSync(file, 'r')
  try {
    for (let read = readSync(opened, piece); read > 0; read = readSync(opened, piece)) hash.update(piece.subarray(0, read))
  } finally {
    closeSync(opened)
  }
  return `sha256:${hash.digest('hex')}`
}
