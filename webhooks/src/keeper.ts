/**
 * Keeps the process callable: the authorities current, the served certificate fresh, the registration ours.
 *
 * Flow of one pass: certificates → registration with every authority in it → a new certificate, when due. In this order, callers trust
 * an authority before they meet its certificate. A pass that fails is repeated; until then the old certificate is served.
 * Guarantees: a configuration that somebody else changes is written back within about a second; a pass that finds everything
 * as it should be writes nothing.
 */
import type { KeyedCertificate, SignedLeaf } from '@mnemos/identity'
import { type Client, type Clock, createInformer } from '@mnemos/kube'
import type { Logger } from 'pino'
import type { CertificateSource } from './certificate-source.ts'
import { configurationName, configurationResources, type Reachable, register } from './registration.ts'

const minGapMs = 500
const retryMs = 1000

export interface KeeperOptions {
  readonly client: Client
  readonly source: CertificateSource
  readonly clock: Clock
  readonly logger: Logger
  readonly refreshMs: number
  readonly systemNamespace: string
}

export const authoritySecretName = 'mnemos-webhook-ca'
export const webhookName = 'mnemos webhook'

/** Waits as long as it takes, and returns the first certificate to serve. */
export async function firstLeaf(options: KeeperOptions, signal: AbortSignal): Promise<SignedLeaf> {
  for (;;) {
    try {
      return (await options.source.look(options.clock.now(), signal)).next(undefined)
    } catch (error) {
      signal.throwIfAborted()
      options.logger.warn({ err: error }, 'waiting for a certificate to serve')
      await options.clock.sleep(retryMs, signal)
    }
  }
}

export interface Keeping {
  readonly served: SignedLeaf
  readonly reach: Reachable
  /** Called with each new certificate, after callers were told to trust its signer. */
  readonly use: (leaf: KeyedCertificate) => void
  readonly registered: () => void
}

/** Runs passes until the signal: on a timer, and whenever one of the configurations changes. */
export async function keep(options: KeeperOptions, { served, reach, use, registered }: Keeping, signal: AbortSignal): Promise<void> {
  const { client, clock, logger, source, systemNamespace, refreshMs } = options
  const waker = wakerFor(clock)
  let current = served
  let ownVersions: readonly string[] = []
  const watching = watchConfigurations(options, signal, (resourceVersion) => {
    if (!ownVersions.includes(resourceVersion)) waker.wake()
  })
  const pass = async (): Promise<void> => {
    const { bundle, next: nextOf } = await source.look(clock.now(), signal)
    ownVersions = await register(client, { reach, bundle, systemNamespace, timeoutSeconds: 3 }, signal)
    registered()
    const next = nextOf(current)
    if (next === current) return
    use(next.leaf)
    current = next
    logger.info({ signedBy: next.signedBy, notAfter: new Date(next.leaf.notAfter).toISOString() }, 'a new certificate is served')
  }
  while (!signal.aborted) {
    const failed = await pass().then(
      () => false,
      (error: unknown) => {
        if (!signal.aborted) logger.warn({ err: error }, 'certificates and registration could not be looked at')
        return true
      },
    )
    await waker.wait(failed ? retryMs : refreshMs, signal)
  }
  await watching
}

async function watchConfigurations(
  { client, logger }: KeeperOptions,
  signal: AbortSignal,
  changed: (resourceVersion: string) => void,
): Promise<void> {
  const informers = configurationResources.map((resource) =>
    createInformer({ client, logger, resource, fieldSelector: `metadata.name=${configurationName}` }),
  )
  for (const informer of informers)
    informer.onChange(({ type, object }) => changed(type === 'deleted' ? '' : (object.metadata.resourceVersion ?? '')))
  await Promise.all(informers.map((informer) => informer.run(signal)))
}

/** A pause that can be cut short, but never below a least gap: whoever fights over the configuration does not make us spin. */
function wakerFor(clock: Clock): { wake(): void; wait(delayMs: number, signal: AbortSignal): Promise<void> } {
  let woken = new AbortController()
  return {
    wake: () => woken.abort(),
    wait: async (delayMs, signal) => {
      const ended = (error: unknown): void => {
        if (!signal.aborted && !woken.signal.aborted) throw error
      }
      await clock.sleep(Math.max(delayMs - minGapMs, 0), AbortSignal.any([signal, woken.signal])).catch(ended)
      woken = new AbortController()
      await clock.sleep(Math.min(minGapMs, delayMs), signal).catch(ended)
    },
  }
}
