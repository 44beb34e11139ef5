/**
 * How an attempt fails: with the class that decides about retries, one word, a sentence and a hint.
 *
 * A message names files, digests, sizes and addresses, and never a prompt, a token of an answer or a credential. What is
 * not a WorkFailure is a fault of ours or of the machine; of it only name, code and syscall are told.
 */
import type { FailureClass } from '@mnemos/api'

export interface FailureDetails {
  readonly class: FailureClass
  /** One word in PascalCase. */
  readonly reason: string
  readonly message: string
  readonly hint?: string
  readonly cause?: unknown
}

/** The one error that the worker throws on purpose; it becomes the Failure of the attempt. */
export class WorkFailure extends Error {
  override readonly name = 'WorkFailure'
  readonly class: FailureClass
  readonly reason: string
  readonly hint: string

  constructor(details: FailureDetails) {
    super(details.message, details.cause === undefined ? {} : { cause: details.cause })
    this.class = details.class
    this.reason = details.reason
    this.hint = details.hint ?? ''
  }
}

/** The code of a system error (`ENOSPC`, `ECONNREFUSED`, …), if it has one. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** An error as log fields: enough to find the place, without the message, which may quote an input. */
export function faultFields(error: unknown): Record<string, string> {
  if (!(error instanceof Error)) return { fault: typeof error }
  const code = codeOf(error)
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return { fault: error.name, ...(code === undefined ? {} : { code }), stack: frames.slice(0, 8).join('\n') }
}

/** Any thrown value as a failure of the attempt. */
export function asWorkFailure(error: unknown): WorkFailure {
  if (error instanceof WorkFailure) return error
  const code = codeOf(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new WorkFailure({
      class: 'DiskFull',
      reason: 'DiskFull',
      message: 'The disk of the worker is full.',
      hint: 'Free space on the worker, or give it a smaller --cache-bytes.',
      cause: error,
    })
  }
  const kind = error instanceof Error ? error.name : typeof error
  const syscall = error instanceof Error && 'syscall' in error && typeof error.syscall === 'string' ? ` in ${error.syscall}` : ''
  return new WorkFailure({
    class: 'Internal',
    reason: 'Unexpected',
    message: `The worker failed unexpectedly: ${kind}${code === undefined ? '' : ` ${code}`}${syscall}.`,
    hint: 'The log of the worker has the place.',
    cause: error,
  })
}
