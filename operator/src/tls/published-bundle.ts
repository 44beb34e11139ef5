/**
 * The authorities that clients must trust, where they read them: ConfigMap `mnemos-ca` of the system namespace, its copies in
 * namespaces that have pods of ours, and, for people, the ConfigMap that names the server's URL.
 *
 * The copies are made by whoever makes the pods and kept fresh here, so that every pod knows an authority before it signs.
 * Guarantees: nothing is written that is as it should be; the URL's ConfigMap is the installation's and is never made here.
 */
import { authorityConfigMap, caConfigMap } from '@mnemos/domain'
import { type Client, isAlreadyExists, isConflict, isNotFound } from '@mnemos/kube'
import { configMaps } from '../resources.ts'

/** In the system namespace: where the CLI finds the server. */
export const serverConfigMap = 'mnemos-server'
const key = 'ca.crt'
const managed = 'app.kubernetes.io/managed-by=mnemos'

export interface BundlePlaces {
  readonly client: Client
  readonly systemNamespace: string
  readonly signal?: AbortSignal
}

/** Writes the bundle wherever it is another. @throws KubeError when the API server cannot be reached or refuses */
export async function publishBundle(bundle: string, { client, systemNamespace, signal }: BundlePlaces): Promise<void> {
  const request = signal === undefined ? {} : { signal }
  const wanted = caConfigMap(systemNamespace, bundle)
  const own = await client.get(configMaps, { namespace: systemNamespace, name: authorityConfigMap }, request)
  const address = await client.get(configMaps, { namespace: systemNamespace, name: serverConfigMap }, request)
  const copies = await client.list(configMaps, { fieldSelector: `metadata.name=${authorityConfigMap}`, labelSelector: managed, ...request })
  if (own === undefined) await client.create(configMaps, wanted, request).catch(unlessRaced)
  for (const { metadata, data } of [own, address, ...copies.items].filter((each) => each !== undefined)) {
    if (data?.[key] === bundle) continue
    const { namespace = '', name, uid, resourceVersion } = metadata
    const labels = metadata === own?.metadata ? { labels: wanted.metadata.labels } : {}
    // Whoever was faster is looked at again with the next pass, long before the newest authority signs.
    const patch = { metadata: { uid, resourceVersion, ...labels }, data: { [key]: bundle } }
    await client.patch(configMaps, { namespace, name }, patch, request).catch(unlessRaced)
  }
}

function unlessRaced(error: unknown): void {
  if (!isConflict(error) && !isNotFound(error) && !isAlreadyExists(error)) throw error
}
