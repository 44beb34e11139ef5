/** Runs a program to its end: its output is returned, and an error says how it ended and what it said last. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface RunOptions {
  readonly cwd?: string
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Sees each line of stderr as it comes. */
  readonly onError?: (line: string) => void
  /** What to do when the program is not there; ends the error's sentence. */
  readonly whenMissing?: string
  /** Written to the program's stdin. */
  readonly input?: string
}

/**
 * Runs a program and returns the lines of its stdout.
 * @throws when it cannot be started or ends with another code than 0; the message has its last 20 lines of stderr
 */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string[]> {
  const child = spawn(program, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const out: string[] = []
  const lastErrors: string[] = []
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  createInterface({ input: child.stdout }).on('line', (line) => out.push(line))
  createInterface({ input: child.stderr }).on('line', (line) => {
    options.onError?.(line)
    lastErrors.push(line)
    if (lastErrors.length > 20) lastErrors.shift()
  })
  const code = await new Promise<number | string | null>((resolve, reject) => {
    child.on('error', (cause) => {
      reject(new Error(`${program} could not be started; ${options.whenMissing ?? 'install it and try again'}`, { cause }))
    })
    child.on('close', (exit, signal) => {
      resolve(exit ?? signal)
    })
  })
  if (code !== 0) throw new Error(`${program} ${args[0] ?? ''} ended with ${code}:\n${lastErrors.join('\n')}`)
  return out
}
