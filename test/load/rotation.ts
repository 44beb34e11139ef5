/**
 * Benchmark `rotation`: certificates and authorities replaced every ten seconds under load, without a failed call.
 *
 * Two webhooks behind one address that takes connections in turn; lives of seconds instead of months, by the settings that
 * production has. Creations in an open loop. Beside them an observer reads the registration as an API server does, and makes a
 * handshake that trusts nothing else: it counts what was rotated, and a handshake that fails counts as a failure.
 */
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { type Cluster, startCluster } from '@mnemos/cluster'
import { type Client, createClient, type KubeObject, resource } from '@mnemos/kube'
import { startTcpBalancer } from '@mnemos/testkit'
import { createsAt, openLoop, quantile, rounded } from './admission-load/creates.ts'
import { installForLoad, startReplica } from './admission-load/replicas.ts'

const replicas = 2
const rate = 200
const seconds = 120
/** Replaced after two thirds of their lives: every ten seconds. */
const lifeMs = 15_000
const settings = {
  MNEMOS_WEBHOOK_AUTHORITY_LIFE_MS: String(lifeMs),
  MNEMOS_WEBHOOK_LEAF_LIFE_MS: String(lifeMs),
  MNEMOS_WEBHOOK_OVERLAP_MS: '2000',
  MNEMOS_WEBHOOK_REFRESH_MS: '500',
}

interface Registered extends KubeObject {
  readonly webhooks: readonly { readonly clientConfig: { readonly caBundle: string } }[]
}

const configurations = resource<Registered>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  plural: 'validatingwebhookconfigurations',
  kind: 'ValidatingWebhookConfiguration',
  namespaced: false,
})

export async function run(log: (line: string) => void): Promise<Record<string, unknown>> {
  log('starting a control plane')
  const cluster = await startCluster({ controllers: false, log })
  const balancer = await startTcpBalancer()
  const client = createClient({
    credentials: { server: cluster.server, tls: { ca: cluster.ca }, token: () => Promise.resolve(cluster.token) },
  })
  const creator = createsAt(cluster, 64)
  const started = await startAll(cluster, balancer.port)
  try {
    balancer.use(started.map(({ port }) => port))
    for (const each of started) await each.ready()
    const over = new AbortController()
    const seen = observe(client, balancer.port, over.signal)
    log(`${rate} creations a second for ${seconds} s`)
    const { latencies, failures } = await openLoop(() => creator.create(), { rate, seconds })
    over.abort()
    const { bundles, certificates, handshakes, refused } = await seen
    for (const [why, times] of [...creator.failures].slice(0, 10)) log(`failed ${times} times: ${why}`)
    return {
      failures: failures + refused,
      requests: latencies.length,
      handshakes,
      certificates,
      bundles,
      p50_ms: quantile(latencies, 0.5),
      p99_ms: quantile(latencies, 0.99),
      conditions: { rate_per_s: rate, duration_s: seconds, replicas, settings, load_average_1m: rounded(loadavg()[0] ?? 0) },
    }
  } finally {
    creator.close()
    await Promise.all(started.map((each) => each.end()))
    await client.close()
    await balancer.close()
    await cluster.stop()
  }
}

async function startAll(cluster: Cluster, port: number) {
  await installForLoad(cluster)
  const env = { ...settings, MNEMOS_WEBHOOK_URL: `https://127.0.0.1:${port}`, MNEMOS_WEBHOOK_REPLICAS: String(replicas) }
  return Promise.all(Array.from({ length: replicas }, () => startReplica(cluster, env)))
}

/** Looks four times a second, until the signal. */
async function observe(client: Client, port: number, signal: AbortSignal) {
  const [bundles, certificates] = [new Set<string>(), new Set<string>()]
  let [handshakes, refused] = [0, 0]
  while (!signal.aborted) {
    const bundle = (await client.get(configurations, { name: 'mnemos' }))?.webhooks[0]?.clientConfig.caBundle ?? ''
    bundles.add(bundle)
    handshakes += 1
    const certificate = await served(port, Buffer.from(bundle, 'base64').toString())
    if (certificate === undefined) refused += 1
    else certificates.add(certificate)
    await sleep(250)
  }
  return { bundles: bundles.size, certificates: certificates.size, handshakes, refused }
}

/** The fingerprint of what is served to somebody who trusts the bundle and nothing else; undefined when it is not to be trusted. */
function served(port: number, ca: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, ca }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.end()
    })
    socket.on('error', () => resolve(undefined))
  })
}
