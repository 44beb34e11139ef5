/**
 * The port to token streams: what an attempt has said so far, for those who listen now and those who come a little later.
 *
 * Streams may be lost at any time (the result is elsewhere); what is there is in order and each index is there once.
 */
export interface StreamToken {
  readonly index: number
  readonly text: string
}

export interface StreamStore {
  /** Adds tokens; those whose index is already there are left out. Returns the index that is wanted next. */
  append(stream: string, tokens: readonly StreamToken[]): number
  /** No more tokens come. */
  end(stream: string): void
  /** Index wanted next; 0 for a stream that nobody began. */
  next(stream: string): number
  /** Whether the beginning of the stream is still here. */
  has(stream: string): boolean
  /** Yields batches of tokens from an index on, waits for more, and returns when the stream has ended or the signal aborts. */
  read(stream: string, from: number, signal: AbortSignal): AsyncIterable<readonly StreamToken[]>
  drop(stream: string): void
}
