/** The recorder as a process in a cluster: settings from the environment, credentials from the pod. */
import { pino } from 'pino'
import { recorderSurroundings } from './config.ts'
import { runRecorder } from './run-recorder.ts'

const { config, credentials } = recorderSurroundings()
const stop = new AbortController()
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort())
await runRecorder(config, { credentials, signal: stop.signal, logger: pino({ level: config.logLevel, name: 'mnemos-recorder' }) })
