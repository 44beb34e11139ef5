/** The operator as a process of its own, reaching the API server through the fault proxy (plain HTTP, which no kubeconfig allows). */
import { parseOperatorConfig, runOperator } from '@mnemos/operator'
import { pino } from 'pino'

const { PROXY_URL: server = '', PROXY_TOKEN: token = '' } = process.env
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
await runOperator(parseOperatorConfig(process.env), {
  credentials: { server, tls: {}, token: () => Promise.resolve(token) },
  signal: stop.signal,
  logger: pino({ level: 'info' }),
})
process.exit(0)
