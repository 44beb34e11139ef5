/** The processes of MNEMOS as children of a benchmark, and what the system says about processes. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '../../..')

/** What is given to Node to run MNEMOS: from its sources. */
export const fromSource: readonly string[] = [join(root, 'cli/src/main.ts')]

/**
 * The program as images have it, built now, with what the chart tells Node, and the heap that Node chooses where the chart's limit of
 * memory for the operator holds: on a large machine it would let garbage lie.
 */
export async function asShipped(): Promise<readonly string[]> {
  await promisify(execFile)(process.execPath, [join(root, 'hack/build.ts')])
  return ['--max-semi-space-size=4', '--max-old-space-size=256', join(root, 'dist/bundle/mnemos.mjs')]
}

export interface Started {
  readonly program: readonly string[]
  readonly folder: string
  readonly kubeconfig: string
}

/** Starts `mnemos NAME`; what it says goes to a file in the folder. */
export function startProcess(
  name: string,
  { program, folder, kubeconfig }: Started,
  environment: Readonly<Record<string, string>>,
): ChildProcess {
  const log = openSync(join(folder, `${name}.log`), 'a')
  const child = spawn(process.execPath, [...program, name, '--kubeconfig', kubeconfig], {
    stdio: ['ignore', log, log],
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, MNEMOS_LOG_LEVEL: 'warn', MALLOC_ARENA_MAX: '1', ...environment },
  })
  closeSync(log)
  return child
}

/** Asks a process to end, and waits until it has. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
  await gone
  clearTimeout(timer)
}

/** Processor time of processes in ms, by name. */
export async function processorTimes(pids: Readonly<Record<string, number | undefined>>): Promise<Record<string, number>> {
  const clockTicksPerSecond = 100 // USER_HZ of every Linux that Node runs on
  const times = Object.entries(pids).map(async ([name, pid]) => {
    // Fields 14 and 15 are user and system time; the second, the program's name, may hold blanks and ends with the last parenthesis.
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
    return [name, ((Number(fields[11]) + Number(fields[12])) * 1000) / clockTicksPerSecond] as const
  })
  return Object.fromEntries(await Promise.all(times))
}

/** Resident memory of a process in MiB: now, and the most that it ever was. */
export async function residentMiB(pid: number): Promise<{ readonly now: number; readonly peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): number => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024)
  return { now: field('VmRSS'), peak: field('VmHWM') }
}
