/** `mnemos version`. */
import manifest from '../../package.json' with { type: 'json' }
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Terminal } from '../terminal.ts'

/** The version of this program, as its manifest says; part of the bundle, so that it is known in an image too. */
export const programVersion: string = manifest.version

export function printVersion(terminal: Terminal): ExitCode {
  terminal.write(`mnemos ${programVersion}\n`)
  return exitCodes.ok
}
