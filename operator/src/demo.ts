/**
 * Makes the quickstart once: each object is created when the API server, and with it the webhook, takes it.
 *
 * Guarantees: what was made once in this installation is never made again, whoever deletes it and whoever leads: ConfigMap
 * `mnemos-demo` of the system namespace remembers. An object of that name that somebody else made stays as it is. Goes on
 * trying until the signal; never throws before it.
 */
import { type ConfigMap, type DemoObject, type DemoSettings, demoObjects, managedByLabel } from '@mnemos/domain'
import { type Client, type Clock, isAlreadyExists, type Logger, type Resource, sleptThrough } from '@mnemos/kube'
import { configMaps, fieldManager, jobs, models, pools } from './resources.ts'

/** Remembers what was made. */
export const demoConfigMap = 'mnemos-demo'
const firstRetryMs = 500
const longestRetryMs = 15_000
const resources: readonly Resource[] = [pools, models, jobs]

export interface DemoOptions {
  readonly client: Client
  readonly settings: DemoSettings
  readonly systemNamespace: string
  readonly clock: Clock
  readonly logger: Logger
}

/** Runs until everything was made, or the signal. */
export async function makeDemo(options: DemoOptions, signal: AbortSignal): Promise<void> {
  const { clock, logger, settings } = options
  for (let delayMs = 0; await sleptThrough(clock, delayMs, signal); ) {
    try {
      await makeAll(options, signal)
      return
    } catch (error) {
      // Most often the webhook does not serve yet, or the namespace is not there.
      if (!signal.aborted)
        logger.info({ namespace: settings.namespace, error: String(error) }, 'the demo waits for the API server to take it')
      delayMs = Math.min(longestRetryMs, Math.max(firstRetryMs, 2 * delayMs))
    }
  }
}

async function makeAll({ client, settings, systemNamespace, clock, logger }: DemoOptions, signal: AbortSignal): Promise<void> {
  const memory = { namespace: systemNamespace, name: demoConfigMap }
  const known = await client.get(configMaps, memory, { signal })
  if (known === undefined) {
    const metadata = { ...memory, labels: managedByLabel }
    const object: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: {} }
    await client.create(configMaps, object, { signal })
  }
  for (const object of demoObjects(settings)) {
    if (known?.data?.[object.kind] !== undefined) continue
    await createUnlessThere(client, object, signal)
    await client.patch(configMaps, memory, { data: { [object.kind]: new Date(clock.now()).toISOString() } }, { signal })
    logger.info({ kind: object.kind, namespace: settings.namespace, object: object.metadata.name }, 'made for the demo')
  }
}

async function createUnlessThere(client: Client, object: DemoObject, signal: AbortSignal): Promise<void> {
  const resource = resources.find(({ kind }) => kind === object.kind)
  if (resource === undefined) throw new TypeError(`the demo has an object of kind ${object.kind}, which nobody declared`)
  await client.create(resource, object, { signal, fieldManager }).catch((error: unknown) => {
    if (!isAlreadyExists(error)) throw error
  })
}
