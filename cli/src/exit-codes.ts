/**
 * What `mnemos` ends with. Scripts compare these numbers, so they never change their meaning; docs/cli.md lists them.
 */
export const exitCodes = {
  ok: 0,
  /** Something failed: the command, the Job or run that was waited for, or a file that `lint` judged. */
  failed: 1,
  /** Ended by Ctrl-C, or the Job or run that was waited for was cancelled. */
  cancelled: 2,
  /** The object that was named does not exist. */
  notFound: 3,
  /** The caller is not known (401) or may not do this (403). */
  denied: 4,
  /** The API server or the MNEMOS server did not answer. */
  unreachable: 5,
  /** Wrong arguments; nothing was tried. */
  usage: 64,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
