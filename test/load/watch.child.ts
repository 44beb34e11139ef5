/**
 * One informer as a process of its own for the benchmark `watch`: `ours` or `peer`, told by the parent whom to follow.
 *
 * Each library is loaded only by the process that measures it. The peer is used as its README shows: `makeInformer`, and a restart five seconds after each error it reports.
 */
import type { KubeObject } from '@mnemos/kube'
import { z } from 'zod'

const startSchema = z.object({
  informer: z.enum(['ours', 'peer']),
  server: z.string(),
  ca: z.string().optional(),
  token: z.string(),
  namespace: z.string(),
})
type Start = z.output<typeof startSchema>

/** What the parent is told when it asks. */
export interface Seen {
  readonly synced?: number
  readonly objects: number
  readonly events: number
  readonly cpuMs: number
  readonly rssMb: number
  /** The newest value of the object `probe`. */
  readonly probe: number
}

const restartMs = 5000
const seen = { objects: 0, events: 0, probe: 0 }
let syncedAfterMs: number | undefined
const noteProbe = (name: string | undefined, value: string | undefined): void => {
  if (name === 'probe') seen.probe = Number(value)
}

process.once('disconnect', () => process.exit(0))
process.once('message', (message) => {
  const start = startSchema.parse(message)
  void (start.informer === 'ours' ? follow(start) : followAsPeer(start))
})
process.on('message', (message) => {
  if (message !== 'report' && message !== 'collect and report') return
  if (message === 'collect and report') globalThis.gc?.()
  const { user, system } = process.cpuUsage()
  const report: Seen = { ...seen, cpuMs: (user + system) / 1000, rssMb: process.memoryUsage.rss() / 1e6 }
  process.send?.(syncedAfterMs === undefined ? report : { ...report, synced: syncedAfterMs })
})

async function follow({ server, ca, token, namespace }: Start): Promise<void> {
  const { createClient, createInformer, resource } = await import('@mnemos/kube')
  const configMaps = resource<KubeObject & { data?: Record<string, string> }>({
    ...{ group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true },
  })
  const tls = ca === undefined ? {} : { ca }
  const client = createClient({ credentials: { server, tls, token: () => Promise.resolve(token) } })
  const informer = createInformer({ client, resource: configMaps, namespace })
  informer.onChange(({ type, object }) => {
    seen.objects += type === 'added' ? 1 : type === 'deleted' ? -1 : 0
    if (type === 'updated') seen.events += 1
    noteProbe(object.metadata.name, object.data?.['turn'])
  })
  const startedAt = performance.now()
  void informer.run(new AbortController().signal)
  await informer.synced()
  syncedAfterMs = performance.now() - startedAt
}

/** Synced is when the list of the peer has returned: it has no other sign. */
async function followAsPeer({ server, ca, token, namespace }: Start): Promise<void> {
  const { CoreV1Api, KubeConfig, makeInformer } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  config.loadFromOptions({
    clusters: [{ name: 'c', server, ...(ca === undefined ? { skipTLSVerify: true } : { caData: Buffer.from(ca).toString('base64') }) }],
    users: [{ name: 'u', token }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
    currentContext: 'x',
  })
  const api = config.makeApiClient(CoreV1Api)
  const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, () => api.listNamespacedConfigMap({ namespace }))
  informer.on('add', (object) => {
    seen.objects += 1
    noteProbe(object.metadata?.name, object.data?.['turn'])
  })
  informer.on('update', (object) => {
    seen.events += 1
    noteProbe(object.metadata?.name, object.data?.['turn'])
  })
  informer.on('delete', () => {
    seen.objects -= 1
  })
  informer.on('error', () => void setTimeout(() => void informer.start(), restartMs))
  const startedAt = performance.now()
  await informer.start()
  syncedAfterMs = performance.now() - startedAt
}
