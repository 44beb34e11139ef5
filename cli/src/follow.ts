/**
 * Follows one Job to its end: tokens as they appear, and every status on the way; and any other stream that may break.
 *
 * Guarantees: each token is told once, in order; a broken stream is taken up again where it stopped (`Last-Event-ID`); a
 * new attempt is announced before its first token. Ends with the Job's last status.
 */
import type { JobStatus } from '@mnemos/api'
import type { JobEvent } from '@mnemos/contract'
import type { Clock } from '@mnemos/kube'
import { CliError } from './errors.ts'

export interface Following {
  /** Opens the stream behind the event with this id, or from its beginning. */
  readonly open: (lastEventId: string | undefined, signal: AbortSignal) => AsyncIterable<JobEvent>
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly onToken?: (text: string) => void
  readonly onReset?: (attempt: number) => void
  readonly onStatus?: (status: JobStatus) => void
}

const firstDelayMs = 200
const longestDelayMs = 3000
/** Tries without any event after which the server counts as lost. */
const mostTries = 30

/** @returns the last status that was seen, undefined when the stream held none */
export async function follow(options: Following): Promise<JobStatus | undefined> {
  let status: JobStatus | undefined
  await takeUpAgain({
    ...options,
    hint: 'the Job goes on; follow it with: mnemos jobs logs -f NAME',
    onEvent: (event) => {
      if (event.event === 'end') return { isOver: true }
      if (event.event === 'status') {
        status = event.status
        options.onStatus?.(status)
        return {}
      }
      if (event.event === 'token') options.onToken?.(event.text)
      else options.onReset?.(event.attempt)
      return { id: event.id }
    },
  })
  return status
}

export interface TakingUp<Event> {
  /** Opens the stream behind the event with this id, or from its beginning. */
  readonly open: (lastEventId: string | undefined, signal: AbortSignal) => AsyncIterable<Event>
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Tells whether it was the last one, and the id behind which a broken stream is taken up. */
  readonly onEvent: (event: Event) => { readonly isOver?: boolean; readonly id?: string }
  /** What to do when the server is lost. */
  readonly hint: string
}

/** Reads a stream to its last event, however often it breaks. @throws CliError when the server is lost for good */
export async function takeUpAgain<Event>({ open, clock, signal, onEvent, hint }: TakingUp<Event>): Promise<void> {
  let lastEventId: string | undefined
  let delayMs = firstDelayMs
  let failure: unknown
  for (let tries = 0; tries < mostTries; tries += 1) {
    try {
      for await (const event of open(lastEventId, signal)) {
        tries = 0
        delayMs = firstDelayMs
        const { isOver = false, id = lastEventId } = onEvent(event)
        if (isOver) return
        lastEventId = id
      }
    } catch (error) {
      if (signal.aborted || isFinal(error)) throw error
      failure = error
    }
    signal.throwIfAborted()
    await clock.sleep(delayMs, signal)
    delayMs = Math.min(longestDelayMs, delayMs * 2)
  }
  throw new CliError('the stream broke and could not be taken up again', { code: 'MNEMOS_STREAM_LOST', hint, cause: failure })
}

/** A refusal (4xx, or words of ours) will not become another answer by asking again. */
function isFinal(error: unknown): boolean {
  if (error instanceof CliError) return true
  return (
    error instanceof Error &&
    'status' in error &&
    typeof error.status === 'number' &&
    error.status >= 400 &&
    error.status < 500 &&
    error.status !== 429
  )
}
