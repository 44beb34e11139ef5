/**
 * Where the leader is: the only endpoint of the dispatch Service is the pod of whoever leads, so that workers reach it under one
 * name and a change of leaders is one write.
 *
 * Guarantees: written by the leader alone, over the client that its lease fences, and by compare-and-swap, so that what a former
 * leader had under way cannot take the place back; somebody else's change is undone within seconds. A leader that ends
 * leaves its address: the next one overwrites it, and until then nobody serves anyhow.
 */
import { isIPv6 } from 'node:net'
import {
  type Client,
  type Clock,
  isAlreadyExists,
  isConflict,
  type KubeObject,
  type Logger,
  type OwnerReference,
  resource,
  sleptThrough,
} from '@mnemos/kube'

/** Name of the Service that workers dial, and of its one EndpointSlice. */
export const dispatchService = 'mnemos-dispatch'
const portName = 'grpc'
const retryMs = 500

interface EndpointSlice extends KubeObject {
  readonly addressType: 'IPv4' | 'IPv6'
  readonly endpoints: readonly object[]
  readonly ports: readonly object[]
}

export const endpointSlices = resource<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  kind: 'EndpointSlice',
  namespaced: true,
})
export const services = resource({ group: '', version: 'v1', plural: 'services', kind: 'Service', namespaced: true })

/** Where this process is reached. */
export interface Whereabouts {
  readonly ip: string
  readonly port: number
  readonly namespace: string
  /** Of the pod that this process runs in, when that is known. */
  readonly podName?: string | undefined
}

/** The slice as it should be. @param owner the Service, with which it goes */
export function sliceOf({ ip, port, namespace, podName }: Whereabouts, owner: OwnerReference | undefined): EndpointSlice {
  const targetRef = podName === undefined ? {} : { targetRef: { kind: 'Pod', namespace, name: podName } }
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace,
      name: dispatchService,
      labels: {
        'app.kubernetes.io/managed-by': 'mnemos',
        'kubernetes.io/service-name': dispatchService,
        'endpointslice.kubernetes.io/managed-by': 'mnemos-operator',
      },
      ...(owner === undefined ? {} : { ownerReferences: [owner] }),
    },
    addressType: isIPv6(ip) ? 'IPv6' : 'IPv4',
    endpoints: [{ addresses: [ip], conditions: { ready: true, serving: true, terminating: false }, ...targetRef }],
    ports: [{ name: portName, port, protocol: 'TCP' }],
  }
}

export interface AdvertiseOptions {
  /** Fenced by the lease. */
  readonly client: Client
  readonly clock: Clock
  readonly logger: Logger
  readonly where: Whereabouts
  /** How often it is looked whether somebody else changed the slice. */
  readonly lookEveryMs: number
}

/** Keeps the Service pointing here until the signal. */
export async function advertise({ client, clock, logger, where, lookEveryMs }: AdvertiseOptions, signal: AbortSignal): Promise<void> {
  for (let delayMs = 0; await sleptThrough(clock, delayMs, signal); ) {
    try {
      if (await pointHere(client, where, signal)) logger.info({ ip: where.ip, port: where.port }, 'the dispatch Service points here')
      delayMs = lookEveryMs
    } catch (error) {
      if (!signal.aborted && !isConflict(error) && !isAlreadyExists(error))
        logger.warn({ slice: dispatchService, error: String(error) }, 'the EndpointSlice of dispatch could not be written')
      delayMs = retryMs
    }
  }
}

/** @returns whether something had to be written */
async function pointHere(client: Client, where: Whereabouts, signal: AbortSignal): Promise<boolean> {
  const { namespace } = where
  const name = { namespace, name: dispatchService }
  const service = await client.get(services, name, { signal })
  const { uid: serviceUid } = service?.metadata ?? {}
  const owner = serviceUid === undefined ? undefined : { apiVersion: 'v1', kind: 'Service', name: dispatchService, uid: serviceUid }
  const wanted = sliceOf(where, owner)
  const found = await client.get(endpointSlices, name, { signal })
  if (found !== undefined && found.addressType !== wanted.addressType) {
    // The family of addresses cannot be changed.
    await client.delete(endpointSlices, name, { uid: found.metadata.uid ?? '', signal })
    await client.create(endpointSlices, wanted, { signal })
    return true
  }
  if (found === undefined) {
    await client.create(endpointSlices, wanted, { signal })
    return true
  }
  const { uid, resourceVersion } = found.metadata
  const { labels, ownerReferences = [] } = wanted.metadata
  const { addressType: _addressType, endpoints, ports } = wanted
  if (holdsAll(found, { metadata: { labels, ownerReferences }, endpoints, ports })) return false
  await client.patch(endpointSlices, name, { metadata: { uid, resourceVersion, labels, ownerReferences }, endpoints, ports }, { signal })
  return true
}

/** Whether everything wanted is there as wanted; lists must be equal in length. */
function holdsAll(found: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return found === wanted
  if (typeof found !== 'object' || found === null) return Array.isArray(wanted) && wanted.length === 0 && found === undefined
  if (Array.isArray(wanted) && (!Array.isArray(found) || found.length !== wanted.length)) return false
  return Object.entries(wanted).every(([key, value]) => holdsAll(Reflect.get(found, key), value))
}
