/** `node worker/src/main.ts`: one worker as a process of its own, stopped in order by SIGTERM or SIGINT. */
import { pino } from 'pino'
import { parseWorkerArgs, workerHelp } from './config.ts'
import { runWorker } from './run-worker.ts'

const config = parse()
if (config !== undefined) {
  const logger = pino({ level: config.logLevel, base: { process: 'worker', worker: config.name } })
  const controller = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => controller.abort(new Error(signal)))
  await runWorker(config, { signal: controller.signal, logger, isProcess: true })
}

function parse(): ReturnType<typeof parseWorkerArgs> {
  try {
    const parsed = parseWorkerArgs(process.argv.slice(2))
    if (parsed === undefined) process.stdout.write(workerHelp())
    return parsed
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : 'wrong arguments'}\n`)
    process.exitCode = 2
    return undefined
  }
}
