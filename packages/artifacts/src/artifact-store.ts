/**
 * The port to bytes that outlive processes: models, inputs, outputs, logs.
 *
 * Every adapter keeps to the suite in conformance.ts: an object appears whole or not at all, what `put` answers was read
 * back from the store, and putting the same bytes twice is putting them once.
 */
import type { Readable } from 'node:stream'

export interface StoredArtifact {
  readonly key: string
  /** 64 hex digits. */
  readonly sha256: string
  readonly sizeBytes: number
}

/** What a listing tells of an object, without opening it. */
export interface ListedArtifact {
  readonly key: string
  readonly sizeBytes: number
  /** When its bytes were put there, in milliseconds since 1970. */
  readonly modifiedAt: number
}

export interface ArtifactPage {
  readonly items: readonly ListedArtifact[]
  /** Where to go on; absent at the end. */
  readonly next?: string
}

export interface ByteRange {
  readonly start: number
  /** Inclusive; to the end when absent. */
  readonly end?: number
}

export interface ArtifactStore {
  /**
   * Stores an object under a key.
   * @param options.sha256 what the bytes must hash to
   * @throws ArtifactError `DigestMismatch` (nothing is stored then), `NoSpace`, `BadKey`; a store across a network also `Unavailable`,
   *   `Denied`, `NoBucket`, as every method of it does
   */
  put(key: string, bytes: Readable, options?: { sha256?: string }): Promise<StoredArtifact>
  /** Undefined when there is none. @throws ArtifactError `BadRange` */
  get(key: string, range?: ByteRange): Promise<{ readonly about: StoredArtifact; readonly bytes: Readable } | undefined>
  head(key: string): Promise<StoredArtifact | undefined>
  /** Deleting what is not there is success. */
  delete(key: string): Promise<void>
  /** Keys below a prefix, sorted. */
  list(prefix: string): Promise<readonly string[]>
  /**
   * A part of what lies below a prefix, in an order of the store's own; each object that stays there meanwhile is told once.
   * @param options.after `next` of the page before
   */
  page(prefix: string, options: { readonly limit: number; readonly after?: string | undefined }): Promise<ArtifactPage>
  /** A URL by which anybody who has it may read the object for a while, also by ranges; undefined when the store gives none. */
  urlOf(key: string): Promise<string | undefined>
  /** Returns when the store can be used. @throws ArtifactError `Unavailable`, `Denied`, `NoBucket` */
  check(): Promise<void>
  /** Removes what crashes left that is older than this. Returns how many things it removed. */
  sweep(olderThanMs: number): Promise<number>
  close(): Promise<void>
}

/**
 * The first four are final for what was asked. The others may heal, and asking again is harmless: `Unavailable` by itself, `Denied` and
 * `NoBucket` by who runs the store.
 */
export type ArtifactErrorCode = 'BadKey' | 'DigestMismatch' | 'NoSpace' | 'BadRange' | 'Unavailable' | 'Denied' | 'NoBucket'

export class ArtifactError extends Error {
  override readonly name = 'ArtifactError'
  readonly code: ArtifactErrorCode

  constructor(code: ArtifactErrorCode, message: string, options?: { cause: unknown }) {
    super(message, options)
    this.code = code
  }
}

const maxKeyLength = 512
const segment = /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/

/** Returns the key when it is one. @throws ArtifactError `BadKey` for what could leave the store or collide in it */
export function checkedKey(key: string): string {
  const isGood = key.length <= maxKeyLength && key.split('/').every((part) => segment.test(part))
  if (!isGood)
    throw new ArtifactError(
      'BadKey',
      `${JSON.stringify(key.slice(0, 64))} is no key: use segments of letters, digits, dots, dashes and underscores, joined by slashes`,
    )
  return key
}
