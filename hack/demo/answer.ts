/** Shows a Job's way to its answer: the import of its Model, what it waits for, and the tokens as they appear. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { DevProcess } from './dev-process.ts'
import { environment, watchLines } from './kubectl.ts'

export interface Answer {
  /** On performance.now()'s clock. */
  readonly firstTokenAt: number
  readonly text: string
  /** Chunks that arrived apart: more than one means that it was streamed. */
  readonly pieces: number
}

export interface Asking {
  readonly dev: DevProcess
  readonly name: string
  readonly model: string
  readonly say: (line: string) => void
  readonly write: (text: string) => void
  readonly signal: AbortSignal
}

const modelLine = `jsonpath={.status.phase}|{.status.progress.percent}|{.status.progress.bytes}|{.status.progress.total}{"\\n"}`
const jobLine = `jsonpath={.status.phase}|{.status.progress.message}|{.status.conditions[0].message}{"\\n"}`

/** Import, load and answer together take some ten seconds on two cores. */
const answerWithinMs = 180_000

/** @throws when the Job does not succeed, or takes longer than three minutes */
export async function streamAnswer(asking: Asking): Promise<Answer> {
  const { dev, say, signal } = asking
  const told = once(say)
  const watches = [
    watchLines(dev, ['mnmodel', asking.model, '-o', modelLine], (line) => told(describeModel(asking.model, line))),
    watchLines(dev, ['mnjob', asking.name, '-o', jobLine], (line) => told(describeJob(asking.name, line))),
  ]
  const stopWatching = (): void => {
    for (const watch of watches) watch.stop()
    told.stop()
  }
  const child = spawn(process.execPath, [join(dev.root, 'cli/src/main.ts'), 'jobs', 'logs', '-f', asking.name], {
    cwd: dev.root,
    env: environment(dev),
    stdio: ['ignore', 'pipe', 'inherit'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]),
  })
  let firstTokenAt = 0
  let text = ''
  let pieces = 0
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    if (firstTokenAt === 0) {
      firstTokenAt = performance.now()
      stopWatching()
      asking.write('\n')
    }
    pieces += 1
    text += chunk
    asking.write(chunk)
  })
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    if (code !== 0 || firstTokenAt === 0)
      throw new Error(`the Job ${asking.name} did not succeed (mnemos jobs logs ended with ${code ?? 'no code'})`)
  } finally {
    stopWatching()
  }
  asking.write('\n')
  return { firstTokenAt, text, pieces }
}

/** Says a line only when it differs from the last one, until it is stopped. */
function once(say: (line: string) => void): { (line: string): void; stop(): void } {
  const seen = new Set<string>()
  let stopped = false
  const tell = (line: string): void => {
    if (stopped || line === '' || seen.has(line)) return
    seen.add(line)
    say(`   ${line}`)
  }
  return Object.assign(tell, {
    stop: () => {
      stopped = true
    },
  })
}

function describeModel(name: string, line: string): string {
  const [phase = '', percent = '', bytes = '', total = ''] = line.split('|')
  if (phase === '') return ''
  if (percent === '' || phase !== 'Importing') return `Model ${name}: ${phase}`
  const full = Math.round((Number(percent) / 100) * 24)
  const moved = `${(Number(bytes) / 1e6).toFixed(0)} of ${(Number(total) / 1e6).toFixed(0)} MB`
  return `Model ${name}: ${phase} ${'█'.repeat(full)}${'░'.repeat(24 - full)} ${percent} % (${moved})`
}

function describeJob(name: string, line: string): string {
  const [phase = '', progress = '', why = ''] = line.split('|')
  const detail = progress === '' ? why : progress
  return phase === '' ? '' : `Job ${name}: ${phase}${detail === '' ? '' : ` – ${detail}`}`
}
