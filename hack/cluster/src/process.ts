/** One server process of the control plane: started with a log file, stopped by its own pid, waited for by its readiness. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive } from './cache.ts'

export interface ServerProcess {
  readonly name: string
  readonly pid: number
  /** Ends the process (SIGTERM, after 10 s SIGKILL) and waits until it is gone. */
  stop(): Promise<void>
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>
}

export interface Launch {
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
  readonly folder: string
  /** The server outlives the process that started it. */
  readonly detached: boolean
  /** Ctrl-C reaches it too: for what is not ours, and does not see by itself that its parent is gone. Default false. */
  readonly inGroup?: boolean
}

/** Starts a server; its output goes to `<folder>/<name>.log`. */
export function launch(options: Launch): ServerProcess {
  const log = openSync(join(options.folder, `${options.name}.log`), 'a')
  const child = spawn(options.program, options.args, {
    stdio: ['ignore', log, log],
    // A process group of its own: Ctrl-C in a terminal reaches only the parent, which then stops its servers in order.
    detached: options.inGroup !== true,
    // These servers are short-lived and live on few cores: memory for time, unless somebody decided otherwise.
    env: { GOGC: '400', ...process.env, ...(options.detached ? {} : { CLUSTER_DIE_WITH_PARENT: '1' }) },
  })
  closeSync(log)
  if (options.detached) child.unref()
  child.on('error', () => undefined)
  return { name: options.name, pid: child.pid ?? 0, stop: () => end(child, 'SIGTERM'), kill: () => end(child, 'SIGKILL') }
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) =>
    child.once('exit', () => {
      resolve()
    }),
  )
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await gone
  clearTimeout(timer)
}

/** Ends a process that an earlier run started, if that pid still is the same program. */
export async function endByPid(pid: number, program: string): Promise<void> {
  const isOurs = async (): Promise<boolean> =>
    isAlive(pid) && (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes(program)
  if (!(await isOurs())) return
  process.kill(pid, 'SIGTERM')
  for (let waited = 0; waited < 100 && (await isOurs()); waited += 1) await sleep(100)
  if (await isOurs()) process.kill(pid, 'SIGKILL')
}

/**
 * A TCP port of 127.0.0.1 that is free now, below the range that systems take ports for outgoing connections from: between the
 * look and the server's own bind no connection of somebody else's can come to sit on it.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = randomInt(20_000, 32_000)
    if (await isFree(port)) return port
  }
  throw new Error('none of a hundred ports between 20000 and 32000 of 127.0.0.1 was free')
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false)
      else reject(error)
    })
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true)
      })
    })
  })
}
