/** Opening a port. When it cannot be opened the error says for what it was, which setting names it, and what to do. */

/** A port that a process listens on. */
export interface Listener {
  /** What comes in there, e.g. `reviews`. */
  readonly what: string
  readonly host: string
  readonly port: number
  /** The environment variable that sets the port. */
  readonly setting: string
  /** The one that sets the address. */
  readonly hostSetting: string
}

/** A port could not be opened. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
  /** What to do, in one sentence. */
  readonly hint: string

  constructor(message: string, { hint, cause }: { readonly hint: string; readonly cause: unknown }) {
    super(message, { cause })
    this.hint = hint
  }
}

/** Runs `open`, which binds the port. @throws ListenError when the address cannot be had, otherwise whatever `open` throws */
export async function listening<T>(listener: Listener, open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    throw listenError(listener, error) ?? error
  }
}

function listenError({ what, host, port, setting, hostSetting }: Listener, cause: unknown): ListenError | undefined {
  const trouble = troubles[codeOf(cause) ?? '']
  if (trouble === undefined) return undefined
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  const hint = trouble.isOfHost ? `set ${hostSetting} to an address of this machine` : `set ${setting} to a free port, or ${trouble.or}`
  return new ListenError(`cannot listen on ${address} for ${what}: ${trouble.why}`, { hint, cause })
}

const troubles: Readonly<Record<string, { readonly why: string; readonly or?: string; readonly isOfHost?: boolean }>> = {
  EADDRINUSE: { why: 'another process has the port', or: 'end the process that has it' },
  EACCES: { why: 'this process may not open that port', or: 'give it the right to' },
  EADDRNOTAVAIL: { why: 'no interface of this machine has the address', isOfHost: true },
}

/** gRPC tells the code of the system in its words alone. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  return /\b(EADDRINUSE|EACCES|EADDRNOTAVAIL)\b/.exec(error.message)?.[1]
}
