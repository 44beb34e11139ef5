/**
 * The webhook process, assembled: certificate → listener → registration, and in the opposite spirit on the way out.
 *
 * Starts serving only with a certificate that callers can be told to trust, registers only what already answers, and leaves the
 * registration in place when it ends: admission fails closed while we are away.
 */
import { modelKind } from '@mnemos/api'
import { openAuthorityStore, type RotationTiming } from '@mnemos/identity'
import { type Client, type Clock, type Credentials, createClient, serveHealth, systemClock } from '@mnemos/kube'
import type { Logger } from 'pino'
import { listenForReviews } from './admission-server.ts'
import { createAudit } from './audit.ts'
import { createForecast } from './blast-radius.ts'
import { openCatalog } from './catalog.ts'
import { certificateFolder } from './certificate-folder.ts'
import { type CertificateSource, ownAuthority } from './certificate-source.ts'
import type { WebhookConfig } from './config.ts'
import { authoritySecretName, firstLeaf, type KeeperOptions, keep, webhookName } from './keeper.ts'
import { createWebhookMetrics } from './metrics.ts'
import { createNamespaces } from './namespaces.ts'
import { openRateLimits } from './open-rate-limits.ts'
import { openPersonalData } from './personal-data.ts'
import { openPolicies } from './policies.ts'
import { type Reachable, registeredBundle } from './registration.ts'
import { createReviewer } from './reviewer.ts'
import { openTracing } from './tracing.ts'
import { createUserRights } from './user-rights.ts'

/** API servers hear of a new authority within a second or two. */
const maxSettleMs = 10_000

export interface WebhookPorts {
  readonly credentials: Credentials
  /** Ends the process: calls are answered for `config.drainMs` more. */
  readonly signal: AbortSignal
  readonly logger: Logger
  readonly clock?: Clock
  /** Called once both listeners are open. */
  readonly onListening?: (ports: { readonly port: number; readonly healthPort: number }) => void
}

/** Runs until the signal and resolves when the last call is answered. @throws when a port cannot be listened on */
export async function runWebhook(config: WebhookConfig, ports: WebhookPorts): Promise<void> {
  const client = createClient({ credentials: ports.credentials, userAgent: 'mnemos-webhook' })
  try {
    await serve(config, ports, client)
  } finally {
    await client.close()
  }
}

async function serve(config: WebhookConfig, ports: WebhookPorts, client: Client): Promise<void> {
  const { signal, logger, clock = systemClock } = ports
  const metrics = createWebhookMetrics()
  const state = { isRegistered: false }
  const catalog = openCatalog(client, logger)
  const namespaces = createNamespaces(client, clock, (namespace) => catalog.labelsOf(namespace))
  const pii = openPersonalData(config.deadlineMs / 2)
  const policies = openPolicies({ client, logger, clock, catalog, namespaces, pii })
  const limits = await openRateLimits({ config: config.rateLimits, client, clock, logger, registry: metrics.registry })
  const tracing = await openTracing(config.tracing, logger)
  const timing = { authorityLifeMs: config.authorityLifeMs, leafLifeMs: config.leafLifeMs, overlapMs: config.overlapMs }
  const health = await serveHealth({
    host: config.host,
    port: config.healthPort,
    setting: 'MNEMOS_WEBHOOK_HEALTH_PORT',
    hostSetting: 'MNEMOS_WEBHOOK_HOST',
    registry: metrics.registry,
    notReady: () => {
      if (signal.aborted) return 'draining'
      if (!policies.isKnown()) return 'policies are not read yet'
      // Until then every object is refused.
      if (catalog.schemas(modelKind.kind) === undefined) return 'the Schemas are not read yet'
      return state.isRegistered ? undefined : 'not registered yet'
    },
  })
  // Caches, watches and renewal outlive the signal by the drain: a certificate may be due while calls are still answered.
  const background = new AbortController()
  const keeper: KeeperOptions = {
    ...{ client, clock, logger, source: certificatesOf(config, client, timing) },
    refreshMs: config.refreshMs,
    systemNamespace: config.systemNamespace,
  }
  try {
    const served = await firstLeaf(keeper, signal)
    const server = await listenForReviews({
      ...{ host: config.host, port: config.port, leaf: served.leaf, deadlineMs: config.deadlineMs, logger, metrics, tracing },
      review: createReviewer({
        context: { trustedUsers: new Set(config.trustedUsers), catalog, policies },
        ...{ policies, namespaces, pii, limits },
        forecast: createForecast({ client, clock, world: policies, waitMs: config.deadlineMs / 2 }),
        rights: createUserRights(client, clock, config.deadlineMs / 2),
        audit: createAudit(logger),
        waitMs: config.deadlineMs / 2,
      }),
    })
    metrics.certificate(served.leaf.notAfter)
    const running = [
      catalog.run(background.signal),
      policies.run(background.signal),
      limits.run(background.signal),
      keep(
        keeper,
        {
          served,
          reach: reachOf(config, server.port),
          use: (leaf) => {
            server.use(leaf)
            metrics.certificate(leaf.notAfter)
          },
          registered: () => {
            state.isRegistered = true
            metrics.registered()
          },
        },
        background.signal,
      ),
    ]
    ports.onListening?.({ port: server.port, healthPort: health.port })
    logger.info({ host: config.host, port: server.port, healthPort: health.port }, 'the webhook listens')
    await Promise.race([aborted(signal), ...running])
    logger.info({ drainMs: config.drainMs }, 'the webhook drains')
    await server.drain(config.drainMs)
    background.abort()
    await Promise.allSettled(running)
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    background.abort()
    await health.close()
    await limits.close()
    await pii.close()
    await tracing.close()
  }
}

/** Certificates that somebody puts into a folder, or those of our own authority. */
function certificatesOf(config: WebhookConfig, client: Client, timing: RotationTiming): CertificateSource {
  const hosts = hostsOf(config)
  const [host = ''] = hosts
  if (config.tlsFolder !== undefined) {
    const settleMs = Math.min(config.overlapMs, maxSettleMs)
    return certificateFolder({ folder: config.tlsFolder, host, settleMs, registered: (signal) => registeredBundle(client, signal) })
  }
  const secret = { namespace: config.systemNamespace, name: authoritySecretName }
  const store = openAuthorityStore({ client, timing, secret, authority: webhookName })
  return ownAuthority({ store, timing, hosts, name: webhookName })
}

function hostsOf({ service, systemNamespace, host }: WebhookConfig): readonly string[] {
  if (service === undefined) return [host]
  const name = `${service.name}.${systemNamespace}`
  return [`${name}.svc`, `${name}.svc.cluster.local`, name]
}

function reachOf({ service, systemNamespace, host, url }: WebhookConfig, port: number): Reachable {
  if (service !== undefined) return { service: { namespace: systemNamespace, ...service } }
  return { url: url ?? `https://${host.includes(':') ? `[${host}]` : host}:${port}` }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
