/**
 * Keeps one child process alive until it is told to stop.
 *
 * Guarantees: its output goes to a log file whole, and its warnings to the terminal; a crash is followed by a new start
 * after 0.5 s·2ᵏ ≤ 10 s; `stop` ends exactly this process, politely, then by force. The child is in a process group of its
 * own, so that Ctrl-C reaches only the parent, and ends by itself when the channel to the parent closes.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, type WriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Clock } from '@mnemos/kube'
import type { Colour, Terminal } from '../terminal.ts'
import { readLogLine, type ShownLine } from './log-line.ts'

const firstDelayMs = 500
const longestDelayMs = 10_000
/** A process that lived this long starts again without delay. */
const steadyMs = 30_000

export interface ChildPlan {
  readonly name: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly colour: Colour
  /** How long it may take to finish after SIGTERM, in ms. */
  readonly graceMs: number
  /** Answers 200 once the process is ready. */
  readonly readyUrl: string
}

export interface Supervised {
  readonly plan: ChildPlan
  readonly logFile: string
  pid(): number | undefined
  /** How often it was started again. */
  restarts(): number
  /** The last lines of its log. */
  tail(): Promise<string>
  stop(): Promise<void>
}

export interface Surroundings {
  readonly terminal: Terminal
  readonly clock: Clock
  readonly logFolder: string
  /** Show every line, not only warnings. */
  readonly verbose: boolean
}

/** Starts the process at once. */
export function supervise(plan: ChildPlan, around: Surroundings): Supervised {
  const file = join(around.logFolder, `${plan.name}.log`)
  const log = createWriteStream(file, { flags: 'a' })
  let child: ChildProcess | undefined
  let restarts = 0
  let delayMs = firstDelayMs
  let waiting: { cancel(): void } | undefined
  let stopping = false

  const start = (): void => {
    const startedAt = around.clock.monotonic()
    const started = spawn(process.execPath, plan.args, {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
      env: { ...plan.environment },
    })
    child = started
    for (const stream of [started.stdout, started.stderr]) if (stream !== null) relay(stream, log, plan, around)
    started.on('error', () => undefined)
    started.once('close', (code, signal) => {
      child = undefined
      if (stopping) return
      if (around.clock.monotonic() - startedAt > steadyMs) delayMs = firstDelayMs
      restarts += 1
      show(around, plan, { severity: 'error', text: `ended with ${signal ?? code ?? 'no code'}; starting again in ${delayMs / 1000} s` })
      waiting = around.clock.setTimeout(start, delayMs)
      delayMs = Math.min(longestDelayMs, delayMs * 2)
    })
  }
  start()
  return {
    plan,
    logFile: file,
    pid: () => child?.pid,
    restarts: () => restarts,
    tail: async () => (await readFile(file, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-12).join('\n'),
    stop: async () => {
      stopping = true
      waiting?.cancel()
      if (child !== undefined) await end(child, plan.graceMs, around.clock)
      log.end()
    },
  }
}

async function end(child: ChildProcess, graceMs: number, clock: Clock): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve()
    })
  })
  child.kill('SIGTERM')
  const force = clock.setTimeout(() => void child.kill('SIGKILL'), graceMs)
  await gone
  force.cancel()
}

function relay(stream: Readable, log: WriteStream, plan: ChildPlan, around: Surroundings): void {
  createInterface({ input: stream }).on('line', (line) => {
    log.write(`${line}\n`)
    const shown = readLogLine(line)
    if (shown !== undefined && (around.verbose || shown.severity !== 'info')) show(around, plan, shown)
  })
}

function show({ terminal }: Surroundings, plan: ChildPlan, line: ShownLine): void {
  const prefix = terminal.paint(plan.colour, plan.name.padEnd(9))
  const text = line.severity === 'info' ? line.text : terminal.paint(line.severity === 'warn' ? 'yellow' : 'red', line.text)
  terminal.say(`${prefix} ${text}`)
}
