/**
 * Keeps the line between operator, server and workers encrypted: one authority, the bundle by which it is known, and the
 * certificates of dispatch and server. Done by the leader alone, over a client that its lease fences.
 *
 * Flow of one pass: authorities → bundle published → certificates. In this order, clients trust an authority before they meet
 * its certificate; a new one signs only when an overlap has gone by, which is when every pod's volume has it.
 * Guarantees: a pass that is killed anywhere is made good by the next one, of this leader or another's; a pass that finds all
 * as it should be writes nothing.
 */
import { bundleOf, openAuthorityStore } from '@mnemos/identity'
import { type Client, type Clock, type Logger, sleptThrough } from '@mnemos/kube'
import type { TlsConfig } from '../config.ts'
import { keepLeafSecret } from './leaf-secret.ts'
import { publishBundle } from './published-bundle.ts'

export const authoritySecret = 'mnemos-internal-ca'
export const dispatchSecret = 'mnemos-dispatch-tls'
export const serverSecret = 'mnemos-server-tls'
const retryMs = 1000

export interface KeeperOptions {
  readonly client: Client
  readonly clock: Clock
  readonly logger: Logger
  readonly config: TlsConfig
  readonly systemNamespace: string
  /** Called after each pass that left everything as it should be. */
  readonly onKept: () => void
}

/** Runs passes until the signal. */
export async function keepInternalTls(options: KeeperOptions, signal: AbortSignal): Promise<void> {
  const { clock, config, logger } = options
  const pass = passOf(options)
  for (let delayMs = 0; await sleptThrough(clock, delayMs, signal); ) {
    try {
      await pass(clock.now(), signal)
      options.onKept()
      delayMs = config.refreshMs
    } catch (error) {
      if (!signal.aborted) logger.warn({ error: String(error) }, 'the certificates of dispatch and server could not be looked at')
      delayMs = Math.min(retryMs, config.refreshMs)
    }
  }
}

/** One pass over everything; what it makes, it makes from what is stored. */
export function passOf({ client, config, systemNamespace: namespace }: Omit<KeeperOptions, 'onKept'>) {
  const { authorityLifeMs, leafLifeMs, overlapMs } = config
  const store = openAuthorityStore({
    client,
    secret: { namespace, name: authoritySecret },
    authority: 'mnemos internal',
    timing: { authorityLifeMs, leafLifeMs, overlapMs },
  })
  const leaves = [
    { secret: dispatchSecret, subject: { name: 'mnemos dispatch', hosts: hostsOf('mnemos-dispatch', namespace, config.dispatchHosts) } },
    { secret: serverSecret, subject: { name: 'mnemos server', hosts: hostsOf('mnemos-server', namespace, config.serverHosts) } },
  ]
  return async (now: number, signal?: AbortSignal): Promise<void> => {
    const authorities = await store.refresh(now, signal)
    const request = signal === undefined ? {} : { signal }
    await publishBundle(bundleOf(authorities), { client, systemNamespace: namespace, ...request })
    for (const { secret, subject } of leaves)
      await keepLeafSecret(authorities, {
        client,
        secret: { namespace, name: secret },
        wish: { now, lifeMs: leafLifeMs, subject },
        ...request,
      })
  }
}

/** Every name by which a Service is dialled, and those that the installation adds. */
export function hostsOf(service: string, namespace: string, more: readonly string[]): readonly string[] {
  const full = `${service}.${namespace}`
  return [...new Set([service, full, `${full}.svc`, `${full}.svc.cluster.local`, ...more])]
}
