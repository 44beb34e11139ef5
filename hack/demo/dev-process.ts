/**
 * `mnemos dev` as a child process, for the demo and the end-to-end tests: started as a user would, waited for by the record
 * that it writes, and counted out at the end by pid.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** What `dev.json` in the state folder says. */
export interface DevRecord {
  readonly pid: number
  readonly kubeconfig: string
  readonly kubectl: string
  readonly server: string
  readonly pids: Readonly<Record<string, number>>
}

export interface DevProcess {
  readonly root: string
  readonly state: string
  readonly record: DevRecord
  /** Resolves when the process has ended, or when the signal says so. */
  ended(signal: AbortSignal): Promise<void>
  /** Names of its processes that live now. */
  alive(): readonly string[]
  /** Asks it to end and waits. @returns names of processes that outlived it; empty when all is well */
  stop(): Promise<readonly string[]>
}

export interface DevStart {
  readonly root: string
  readonly state: string
  readonly fileRoot: string
  readonly signal?: AbortSignal
  /** Where its progress goes: the terminal, or nowhere. */
  readonly output?: 'inherit' | 'ignore'
  readonly arguments?: readonly string[]
}

const startTimeoutMs = 120_000

/** @throws when it ends before it is ready, or is not ready within two minutes */
export async function startDev(options: DevStart): Promise<DevProcess> {
  const { root, state, fileRoot, output = 'inherit' } = options
  const args = [join(root, 'cli/src/main.ts'), 'dev', '--state', state, '--file-root', fileRoot, ...(options.arguments ?? [])]
  // The channel ends the child when this process dies, however it dies.
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', output, 'ipc'], detached: true })
  const gone = new Promise<number | null>((resolve) => {
    child.once('error', () => {
      resolve(null)
    })
    child.once('exit', resolve)
  })
  try {
    const record = await untilReady(child, join(state, 'dev.json'), options.signal)
    const alive = (): string[] => Object.entries(record.pids).flatMap(([name, pid]) => (isAlive(pid) ? [`${name} (pid ${pid})`] : []))
    return {
      root,
      state,
      record,
      alive,
      ended: async (signal) => {
        await Promise.race([gone, aborted(signal)])
      },
      stop: async () => {
        await end(child, gone)
        return alive()
      },
    }
  } catch (error) {
    await end(child, gone)
    throw error
  }
}

async function untilReady(child: ChildProcess, path: string, signal?: AbortSignal): Promise<DevRecord> {
  const deadline = performance.now() + startTimeoutMs
  while (performance.now() < deadline) {
    signal?.throwIfAborted()
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`mnemos dev ended with ${child.exitCode ?? child.signalCode ?? ''}`)
    const record = readRecord(await readFile(path, 'utf8').catch(() => ''))
    // A run that was killed may have left its own.
    if (record !== undefined && record.pid === child.pid) return record
    await sleep(50)
  }
  throw new Error('mnemos dev was not ready within two minutes')
}

function readRecord(text: string): DevRecord | undefined {
  return text.endsWith('}\n') ? (JSON.parse(text) as DevRecord) : undefined // written by `mnemos dev`
}

async function end(child: ChildProcess, gone: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
  await gone
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve()
    })
    if (signal.aborted) resolve()
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
