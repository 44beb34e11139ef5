/** One process of a store for one test file: started on loopback, killed and started again at will, ended with the tests. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { eventually } from './eventually.ts'

export interface StoreProcess {
  /** Where its data and its log are. */
  readonly folder: string
  readonly pid: number
  /** Starts it, or starts it again with the data that it kept, and waits until it serves. */
  start(): Promise<void>
  /** Ends it as a crash would. */
  kill(): Promise<void>
  /** Ends it as an orderly shutdown would. */
  stop(): Promise<void>
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
}

export interface StoreLaunch {
  readonly name: string
  readonly program: string
  readonly args: (folder: string) => readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** Throws or answers false until it serves. */
  readonly serves: () => Promise<boolean>
  readonly startMs?: number
}

/** Not started yet. Its folder and the process go after the tests of the calling file. */
export async function storeProcess({
  name,
  program,
  args,
  environment = {},
  serves,
  startMs = 30_000,
}: StoreLaunch): Promise<StoreProcess> {
  const folder = await mkdtemp(join(tmpdir(), `mnemos-${name}-`))
  const log = join(folder, `${name}.log`)
  let child: ChildProcess | undefined
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child?.once('exit', resolve))
    child.kill('SIGCONT')
    child.kill(signal)
    await gone
  }
  after(async () => {
    await end('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })
  return {
    folder,
    get pid() {
      return child?.pid ?? 0
    },
    start: async () => {
      const output = openSync(log, 'a')
      child = spawn(program, args(folder), {
        cwd: folder,
        stdio: ['ignore', output, output],
        env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...environment },
      })
      closeSync(output)
      let failure: Error | undefined
      child.once('error', (error) => {
        failure = error
      })
      try {
        await eventually(() => (child?.exitCode ?? null) !== null || failure !== undefined || serves(), { timeoutMs: startMs })
        if (failure !== undefined) throw failure
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`)
      } catch (cause) {
        throw new Error(`${name} did not start: ${(await readFile(log, 'utf8').catch(() => '')).slice(-2000)}`, { cause })
      }
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    signal: (signal) => void child?.kill(signal),
  }
}
