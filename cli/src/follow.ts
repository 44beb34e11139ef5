/**
 * Follows one Job to its end: tokens as they appear, and every status on the way.
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
  let lastEventId: string | undefined
  let status: JobStatus | undefined
  let delayMs = firstDelayMs
  let failure: unknown
  for (let tries = 0; tries < mostTries; tries += 1) {
    try {
      for await (const event of options.open(lastEventId, options.signal)) {
        tries = 0
        delayMs = firstDelayMs
        if (event.event === 'end') return status
        if (event.event === 'status') {
          status = event.status
          options.onStatus?.(status)
          continue
        }
        lastEventId = event.id
        if (event.event === 'token') options.onToken?.(event.text)
        else options.onReset?.(event.attempt)
      }
    } catch (error) {
      if (options.signal.aborted || isFinal(error)) throw error
      failure = error
    }
    options.signal.throwIfAborted()
    await options.clock.sleep(delayMs, options.signal)
    delayMs = Math.min(longestDelayMs, delayMs * 2)
  }
  throw new CliError('the stream broke and could not be taken up again', {
    code: 'MNEMOS_STREAM_LOST',
    hint: 'the Job goes on; follow it with: mnemos jobs logs -f NAME',
    cause: failure,
  })
}

/** A refusal (4xx) will not become another answer by asking again. */
function isFinal(error: unknown): boolean {
  return (
    error instanceof Error &&
    'status' in error &&
    typeof error.status === 'number' &&
    error.status >= 400 &&
    error.status < 500 &&
    error.status !== 429
  )
}
