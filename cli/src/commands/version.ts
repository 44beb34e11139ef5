/** `mnemos version`. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Terminal } from '../terminal.ts'

export async function printVersion(terminal: Terminal): Promise<ExitCode> {
  terminal.write(`mnemos ${await programVersion()}\n`)
  return exitCodes.ok
}

/** The version of this program, as its manifest says. */
export async function programVersion(): Promise<string> {
  const manifest = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string } // our own file
  return manifest.version
}
