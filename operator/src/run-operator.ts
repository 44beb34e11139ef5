/**
 * The operator: competes for the Lease and, while it leads, reconciles and dispatches. Talks to nothing but the API server
 * and its workers.
 */
import { ServerCredentials } from '@grpc/grpc-js'
import { type Credentials, createClient, createElector, kubeMetrics, serveHealth, systemClock } from '@mnemos/kube'
import type { Logger } from 'pino'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { OperatorConfig } from './config.ts'
import { type Leading, startDispatchServer } from './dispatch/grpc-server.ts'
import { lead } from './lead.ts'
import { dispatchSecret } from './tls/keeper.ts'
import { followCertificate, RenewableCredentials } from './tls/served-certificate.ts'

export interface OperatorPorts {
  readonly credentials: Credentials
  readonly signal: AbortSignal
  readonly logger: Logger
  /** Told which ports were bound, once listening. */
  readonly onListening?: (ports: { dispatch: number; health: number }) => void
}

/** Runs until the signal. @throws when a port cannot be bound */
export async function runOperator(config: OperatorConfig, { credentials, signal, logger, onListening }: OperatorPorts): Promise<void> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const metrics = kubeMetrics(registry)
  const userAgent = 'mnemos-operator'
  const client = createClient({ credentials, userAgent, metrics, connections: 48 })
  const leaseClient = createClient({ credentials, userAgent, metrics, connections: 2, requestTimeoutMs: config.lease.renewMs })
  let leading: Leading | undefined
  let isBeginning = false
  new Gauge({
    name: 'mnemos_workers_connected',
    help: 'Workers that are on the line.',
    registers: [registry],
    collect() {
      this.set([...(leading?.dispatcher.sessions.all() ?? [])].filter(({ send }) => send !== undefined).length)
    },
  })
  const certificateEnds = new Gauge({
    name: 'mnemos_dispatch_certificate_not_after_seconds',
    help: 'When the certificate that dispatch serves ends, in seconds since 1970; 0 while there is none, or without TLS.',
    registers: [registry],
  })
  const tls = config.tls === undefined ? undefined : new RenewableCredentials()
  const dispatch = await startDispatchServer({
    host: config.dispatchHost,
    port: config.dispatchPort,
    credentials: tls ?? ServerCredentials.createInsecure(),
    leading: () => leading,
    logger,
  })
  const health = await serveHealth({
    host: config.dispatchHost,
    port: config.healthPort,
    registry,
    setting: 'MNEMOS_HEALTH_PORT',
    hostSetting: 'MNEMOS_DISPATCH_HOST',
    notReady: () => (isBeginning ? 'leads, and fills its caches' : undefined),
  })
  onListening?.({ dispatch: dispatch.port, health: health.port })
  logger.info({ dispatch: dispatch.port, health: health.port, identity: config.identity }, 'operator listens')
  const elector = createElector({
    client: leaseClient,
    lease: { namespace: config.systemNamespace, name: config.leaseName },
    identity: config.identity,
    timing: config.lease,
    clock: systemClock,
    logger,
    metrics,
  })
  const following =
    tls === undefined
      ? undefined
      : followCertificate(
          {
            ...{ client, logger, clock: systemClock, credentials: tls },
            secret: { namespace: config.systemNamespace, name: dispatchSecret },
            refreshMs: config.tls?.refreshMs ?? 0,
            onServed: (notAfter) => certificateEnds.set(notAfter / 1000),
          },
          signal,
        )
  try {
    await elector.run(signal, async (leadership) => {
      isBeginning = true
      try {
        const onReady = (ready: Leading): void => {
          leading = ready
          isBeginning = false
        }
        await lead({ client, config, dispatchPort: dispatch.port, leadership, clock: systemClock, logger, metrics, onReady })
      } finally {
        leading = undefined
        isBeginning = false
      }
    })
  } finally {
    await Promise.all([dispatch.close(), health.close(), following])
    await Promise.all([client.close(), leaseClient.close()])
  }
}
