/** One webhook as a process of its own: access and settings come from the parent, ports go back. Drains at SIGTERM, as in a pod. */
import { parseWebhookConfig, runWebhook } from '@mnemos/webhooks'
import { pino } from 'pino'
import { z } from 'zod'

const startSchema = z.object({ server: z.string(), ca: z.string(), token: z.string(), env: z.record(z.string(), z.string()) })

const stop = new AbortController()
process.once('disconnect', () => stop.abort())
process.once('SIGTERM', () => stop.abort())
process.once('message', (message) => {
  const { server, ca, token, env } = startSchema.parse(message)
  void runWebhook(parseWebhookConfig(env, { port: 0, healthPort: 0 }), {
    credentials: { server, tls: { ca }, token: () => Promise.resolve(token) },
    signal: stop.signal,
    logger: pino({ level: 'warn' }, pino.destination(2)),
    onListening: (ports) => void process.send?.(ports),
  }).then(() => process.exit(0))
})
