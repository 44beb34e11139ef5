/** The operator as a process in a cluster: settings from the environment, credentials from the pod. */
import { pino } from 'pino'
import { operatorSurroundings } from './config.ts'
import { runOperator } from './run-operator.ts'

const { config, credentials } = operatorSurroundings()
const stop = new AbortController()
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort())
await runOperator(config, { credentials, signal: stop.signal, logger: pino({ level: config.logLevel, name: 'mnemos-operator' }) })
