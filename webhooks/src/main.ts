/** The webhook as a process in a cluster: settings from the environment, credentials from the pod, SIGTERM drains. */
import { pino } from 'pino'
import { webhookSurroundings } from './config.ts'
import { runWebhook } from './run-webhook.ts'

const { config, credentials } = webhookSurroundings()
const stop = new AbortController()
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort())
await runWebhook(config, { credentials, signal: stop.signal, logger: pino({ level: config.logLevel, name: 'mnemos-webhook' }) })
