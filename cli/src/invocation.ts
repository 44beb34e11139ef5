/** What every command gets: the global flags, the environment, a terminal, and the signal that Ctrl-C aborts. */
import type { CliConfig } from './config.ts'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'

/** Flags that mean the same on every command, with kubectl's meanings. */
export interface GlobalOptions {
  readonly namespace?: string
  readonly context?: string
  readonly kubeconfig?: string
  readonly server?: string
  readonly output?: string
  /** False with `--no-color`. */
  readonly color: boolean
}

export interface Invocation {
  readonly globals: GlobalOptions
  readonly config: CliConfig
  readonly terminal: Terminal
  readonly signal: AbortSignal
}

/** How long a process may take to end once the parent that held a channel to it is gone. */
const orphanMs = 10_000

/** Aborts on SIGINT and SIGTERM, and when the parent that holds a channel to us is gone; a second one ends the process at once. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController()
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort(new CliError('cancelled', { code: 'MNEMOS_CANCELLED', exitCode: exitCodes.cancelled }))
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  if (process.channel !== undefined) {
    process.once('disconnect', () => {
      if (!controller.signal.aborted) stop()
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), orphanMs).unref()
    })
  }
  return controller.signal
}
