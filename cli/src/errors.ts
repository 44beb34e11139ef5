/**
 * Errors as people read them: what went wrong with which object, in which field, and what to do next.
 *
 * Guarantees that every error leaves the program through `describeError`, so that no stack trace, token or prompt is
 * printed, and that each has a stable code and a documented exit code. Knows nothing of any command.
 */
import type { ApiError } from '@mnemos/contract'
import { type ExitCode, exitCodes } from './exit-codes.ts'

export interface CliErrorOptions {
  /** Stable word for programs, e.g. `MNEMOS_SERVER_NOT_FOUND`. */
  readonly code: string
  /** A command or a sentence that leads on. */
  readonly hint?: string
  /** One line per field that was refused. */
  readonly details?: readonly string[]
  readonly exitCode?: ExitCode
  readonly cause?: unknown
}

/** An error that is shown as it is. `message` is one sentence that names the object. */
export class CliError extends Error {
  readonly code: string
  readonly hint: string | undefined
  readonly details: readonly string[]
  readonly exitCode: ExitCode

  constructor(message: string, options: CliErrorOptions) {
    super(message, { cause: options.cause })
    this.name = 'CliError'
    this.code = options.code
    this.hint = options.hint
    this.details = options.details ?? []
    this.exitCode = options.exitCode ?? exitCodes.failed
  }
}

const unreachableCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EHOSTUNREACH', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'])

/** Turns anything that was thrown into an error that can be shown. Total. */
export function describeError(error: unknown): CliError {
  if (error instanceof CliError) return error
  if (!(error instanceof Error)) return new CliError(String(error), { code: 'MNEMOS_UNEXPECTED' })
  const network = networkCode(error)
  if (network !== undefined) {
    return new CliError(`the server did not answer: ${rootMessage(error)}`, {
      code: 'MNEMOS_UNREACHABLE',
      hint: 'check --kubeconfig and --context, or start everything on this machine: mnemos dev',
      exitCode: exitCodes.unreachable,
      cause: error,
    })
  }
  if (isApiError(error)) return refused(error)
  if (areWrongSettings(error)) return wrongSettings(error)
  if (isWorkFailure(error)) return new CliError(error.message, { code: 'MNEMOS_ATTEMPT_FAILED', hint: error.hint, cause: error })
  if (isListenError(error)) return new CliError(error.message, { code: 'MNEMOS_PORT', hint: error.hint, cause: error })
  const status = statusOf(error)
  return new CliError(error.message, {
    code: status === undefined ? 'MNEMOS_UNEXPECTED' : codeOfStatus(status),
    exitCode: status === undefined ? exitCodes.failed : exitCodeOfStatus(status),
    cause: error,
  })
}

/** How an attempt failed, by a worker's process of one attempt. By its shape: a command knows no process. */
function isWorkFailure(error: Error): error is Error & { readonly hint: string } {
  return error.name === 'WorkFailure' && 'hint' in error && typeof error.hint === 'string'
}

/** By its shape: loading the contract for `instanceof` would cost every start of the program. */
function isApiError(error: Error): error is ApiError {
  return error.name === 'ApiError' && 'code' in error && 'status' in error && 'details' in error
}

interface WrongSettings extends Error {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]
}

/** What the settings.parse of a process throws; by its shape, for the same reason. */
function areWrongSettings(error: Error): error is WrongSettings {
  return error.name === 'ZodError' && 'issues' in error && Array.isArray(error.issues)
}

/** What a process throws that cannot open a port. */
function isListenError(error: Error): error is Error & { readonly hint: string } {
  return error.name === 'ListenError' && 'hint' in error && typeof error.hint === 'string'
}

function wrongSettings(error: WrongSettings): CliError {
  return new CliError('settings in the environment are wrong', {
    code: 'MNEMOS_SETTINGS',
    details: error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`),
    hint: 'correct these variables of the process',
    exitCode: exitCodes.usage,
  })
}

function refused(error: ApiError): CliError {
  const details = error.details.map(({ field, path, message, suggestion }) =>
    [field ?? path, suggestion === undefined ? message : `${message}; ${suggestion}`].filter((part) => part !== undefined).join(': '),
  )
  const hint = hintOf(error)
  const options = { code: error.code, details, exitCode: exitCodeOfStatus(error.status), cause: error }
  // The message repeats the details for those who see nothing else.
  const message = details.length === 0 ? error.message : (error.message.split(': ')[0] ?? error.message)
  return new CliError(message, hint === undefined ? options : { ...options, hint })
}

/** The first word of a message of ours is the kind that it is about. */
function hintOf({ status, message }: ApiError): string | undefined {
  if (status !== 404) return hints[status]
  return /^pipeline/i.test(message) ? 'mnemos pipelines list (and mind --namespace)' : hints[status]
}

const hints: Readonly<Record<number, string>> = {
  401: 'log in again, or name another context with --context',
  403: 'ask for access, e.g. a RoleBinding to the ClusterRole edit; see: kubectl auth can-i create mnemosjobs',
  404: 'mnemos jobs list (and mind --namespace)',
}

/** The lines that an error is shown as. */
export function errorLines(error: CliError): string[] {
  const lines = [`error: ${error.message} (${error.code})`, ...error.details.map((detail) => `  - ${detail}`)]
  return error.hint === undefined ? lines : [...lines, `  next: ${error.hint}`]
}

/** The exit code that an HTTP status leads to. */
export function exitCodeOfStatus(status: number): ExitCode {
  if (status === 401 || status === 403) return exitCodes.denied
  if (status === 404) return exitCodes.notFound
  return status >= 502 && status <= 504 ? exitCodes.unreachable : exitCodes.failed
}

function codeOfStatus(status: number): string {
  const known: Readonly<Record<number, string>> = { 401: 'MNEMOS_UNAUTHENTICATED', 403: 'MNEMOS_FORBIDDEN', 404: 'MNEMOS_NOT_FOUND' }
  return known[status] ?? 'MNEMOS_REFUSED'
}

function statusOf(error: Error): number | undefined {
  return 'status' in error && typeof error.status === 'number' && error.status >= 400 ? error.status : undefined
}

/** The system's word for a connection that failed, wherever in the chain of causes it stands. */
function networkCode(error: unknown): string | undefined {
  if (error instanceof TypeError && error.message === 'fetch failed') return 'FETCH_FAILED'
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    if ('code' in cause && typeof cause.code === 'string' && unreachableCodes.has(cause.code)) return cause.code
  }
  return undefined
}

function rootMessage(error: Error): string {
  return error.cause instanceof Error ? rootMessage(error.cause) : error.message
}
