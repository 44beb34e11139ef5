/** What this package logs to: a subset of pino's interface, so that any logger of that shape fits. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Says nothing. */
export const silentLogger: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** An error as fields: what it says and what it was caused by, not what the request held. */
export function errorFields(error: unknown): { error: string; cause?: string } {
  if (!(error instanceof Error)) return { error: String(error) }
  return { error: error.message, ...(error.cause instanceof Error ? { cause: error.cause.message || error.cause.name } : {}) }
}
