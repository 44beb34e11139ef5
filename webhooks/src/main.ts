/** The webhook as a process in a cluster: settings from the environment, credentials from the pod, SIGTERM drains. */
import { inClusterCredentials } from '@mnemos/kube'
import { pino } from 'pino'
import { parseWebhookConfig } from './config.ts'
import { runWebhook } from './run-webhook.ts'

const config = parseWebhookConfig(process.env)
const stop = new AbortController()
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort())
await runWebhook(config, {
  credentials: inClusterCredentials(),
  signal: stop.signal,
  logger: pino({ level: config.logLevel, name: 'mnemos-webhook' }),
})
