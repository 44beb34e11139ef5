/**
 * From the command line to the exit code. Guarantees: every error is shown as a sentence with a code and a next step, and every way to end
 * has a documented exit code (exit-codes.ts).
 */
import { CommanderError } from 'commander'
import { parseCliConfig } from './config.ts'
import { describeError, errorLines } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import { buildProgram } from './program.ts'

/** Runs the command that was named, and ends the process. */
export async function start(): Promise<never> {
  // A reader that has seen enough (`mnemos jobs list | head -1`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.ok)
    throw error
  })
  try {
    const program = buildProgram(parseCliConfig(), (code) => {
      process.exitCode = code
    })
    for (const command of [program, ...program.commands, ...program.commands.flatMap((each) => each.commands)]) command.exitOverride()
    await program.parseAsync()
    // Pooled connections would keep the process alive for a minute.
    process.exit()
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? exitCodes.ok : exitCodes.usage)
    const described = describeError(error)
    for (const line of errorLines(described)) process.stderr.write(`${line}\n`)
    process.exit(described.exitCode)
  }
}
