/**
 * The port to token streams: what an attempt has said so far, for those who listen now and those who come a little later.
 *
 * Streams may be lost at any time (the result is elsewhere); what is there is in order and each index is there once. Who
 * writes learns from the index that is wanted next what was lost, and sends it again.
 */
export interface StreamToken {
  readonly index: number
  readonly text: string
}

export interface StreamStore {
  /**
   * Adds tokens; those whose index is already there, and those that would leave a gap, are left out. Returns the index that is wanted next.
   * @throws StreamStoreError
   */
  append(stream: string, tokens: readonly StreamToken[]): Promise<number>
  /**
   * No more tokens come. Returns the index that is wanted next.
   * @param at how many tokens there must be: with fewer the stream does not end, because some were lost
   * @throws StreamStoreError
   */
  end(stream: string, at?: number): Promise<number>
  /** Index wanted next; 0 for a stream that nobody began. @throws StreamStoreError */
  next(stream: string): Promise<number>
  /** Whether the beginning of the stream is still here. @throws StreamStoreError */
  has(stream: string): Promise<boolean>
  /**
   * Yields batches of tokens from an index on, waits for more, and returns when the stream has ended or the signal aborts.
   * A store that is away is waited for, and so is a stream that was lost: its writer may send it again.
   */
  read(stream: string, from: number, signal: AbortSignal): AsyncIterable<readonly StreamToken[]>
  /** Forgets the stream and ends those who read it. @throws StreamStoreError */
  drop(stream: string): Promise<void>
  /** Returns when the store answers. @throws StreamStoreError `Unavailable`, `Denied` */
  check(): Promise<void>
  /** Lets go of connections and of readers. */
  close(): Promise<void>
}

/** `Unavailable` heals by itself or by who runs the store, `Denied` by other credentials, `NoSpace` by memory or time. */
export type StreamStoreErrorCode = 'Unavailable' | 'Denied' | 'NoSpace'

/** A store that could not do what it was asked for; what it did is told by `next`, and asking again is harmless. */
export class StreamStoreError extends Error {
  override readonly name = 'StreamStoreError'
  readonly code: StreamStoreErrorCode

  constructor(code: StreamStoreErrorCode, message: string, options?: { cause: unknown }) {
    super(message, options)
    this.code = code
  }
}
