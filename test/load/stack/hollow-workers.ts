/** A process of hollow workers: the real agent with the stub engine, telling its parent when an assignment reached the engine. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseWorkerConfig, runWorker, stubEngine } from '@mnemos/worker'
import { pino } from 'pino'

const setting = (name: string): string => process.env[`HOLLOW_${name}`] ?? ''
const folder = setting('FOLDER')
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
process.once('disconnect', () => stop.abort())

const now = (): number => performance.timeOrigin + performance.now()
const workers = Array.from({ length: Number(setting('WORKERS')) }, async (_, index) => {
  const engine = stubEngine()
  const cacheDir = join(folder, `worker-${index}`)
  mkdirSync(cacheDir, { recursive: true })
  const config = parseWorkerConfig(process.env, {
    operator: setting('OPERATOR'),
    pool: setting('POOL'),
    name: `hollow-${index}`,
    joinTokenFile: setting('TOKEN_FILE'),
    cacheDir,
    slots: Number(setting('SLOTS')),
    engine: 'stub',
    fileRoot: join(folder, 'files'),
    graceMs: 500,
  })
  await runWorker(config, {
    signal: stop.signal,
    logger: pino({ level: 'warn' }, pino.destination(2)),
    engine: {
      ...engine,
      generate: (request, options) => {
        process.send?.({ prompt: request.prompt ?? '', at: now() })
        return engine.generate(request, options)
      },
    },
  })
})
await Promise.all(workers)
process.exit(0)
