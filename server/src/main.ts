/** The server as a process in a cluster: settings from the environment, credentials from the pod. */
import { pino } from 'pino'
import { serverSurroundings } from './config.ts'
import { runServer } from './run-server.ts'

const { config, credentials } = serverSurroundings()
const stop = new AbortController()
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort())
await runServer(config, { credentials, signal: stop.signal, logger: pino({ level: config.logLevel, name: 'mnemos-server' }) })
